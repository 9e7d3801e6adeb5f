package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// rename is an old name that is still accepted for one release.
type rename struct {
	old, new string
}

// renamedCommands are the old names of commands.
func renamedCommands() []rename {
	return []rename{
		{"import enrolment", "import enrollment"},
		{"minimise", "minimize"}, //nolint:misspell // the old spelling
		{"sandbox truth", "sandbox expected"},
		{"admin trouble", "admin failure"},
	}
}

// renamedFlags are the old names of flags.
func renamedFlags() []rename {
	return []rename{{"--keep", "--retention"}}
}

// openRenamed opens a file that ab2d synth wrote under another name before, if path is
// that name and the file has today's. It writes a notice to w.
func openRenamed(path string, w io.Writer) (*os.File, bool) {
	const old, current = "enrolment.csv", "enrollment.csv"
	if filepath.Base(path) != old {
		return nil, false
	}
	f, err := os.Open(filepath.Join(filepath.Dir(path), current))
	if err != nil {
		return nil, false
	}
	fmt.Fprintf(w, "ab2d: there is no %s, so %s is read. The next release will not accept the old name.\n", old, current)
	return f, true
}

// currentNames replaces old names in the arguments by today's. It writes a notice
// for each of them to w.
func currentNames(args []string, w io.Writer) []string {
	args = slices.Clone(args)
	notice := func(r rename) {
		fmt.Fprintf(w, "ab2d: %s is now called %s. The next release will not accept the old name.\n", r.old, r.new)
	}
	for _, r := range renamedCommands() {
		old := strings.Fields(r.old)
		if len(args) >= len(old) && slices.Equal(args[:len(old)], old) {
			copy(args, strings.Fields(r.new))
			notice(r)
		}
	}
	for _, r := range renamedFlags() {
		for i, arg := range args {
			if arg == "--" {
				break
			}
			if value, found := strings.CutPrefix(arg, r.old); found && (value == "" || value[0] == '=') {
				args[i] = r.new + value
				notice(r)
			}
		}
	}
	return args
}
