package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// model is the program's commands.
func model(t *testing.T) *kong.Node {
	t.Helper()
	parser, err := newParser(new(commands))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Node
}

// TestHelpFitsTheScreen: the program's help names each command and fits a terminal
// of 24 lines. The help of each command fits its width, apart from what is to be copied.
func TestHelpFitsTheScreen(t *testing.T) {
	root := model(t)
	var named []string
	for _, g := range commandGroups() {
		for _, l := range g.lines {
			named = append(named, l[0])
		}
	}
	for _, node := range root.Children {
		general := slices.Contains([]string{"help", "version", "completion"}, node.Name)
		if !node.Hidden && !general && !slices.Contains(named, node.Name) {
			t.Errorf("ab2d --help does not name %s", node.Name)
		}
	}
	for _, node := range completed(root) {
		var text strings.Builder
		if err := printHelp(&text, node); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
		if node == root && len(lines) > 24 {
			t.Errorf("ab2d --help has %d lines", len(lines))
		}
		for _, l := range lines {
			if len(l) > helpWidth && !strings.HasPrefix(l, "  ab2d ") && !strings.Contains(l, "environment: ") && strings.Contains(strings.TrimSpace(l), " ") {
				t.Errorf("%s --help: %d columns: %s", node.FullPath(), len(l), l)
			}
		}
	}
}

// TestExamples: each command has at least two examples, and the program takes them.
func TestExamples(t *testing.T) {
	root := model(t)
	for _, node := range root.Leaves(false) {
		if n := len(examplesOf(node)); n < 2 && node.Name != "man" {
			t.Errorf("%s has %d examples", node.FullPath(), n)
		}
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("contracts.csv", nil, 0o600); err != nil { // a flag's file must exist
		t.Fatal(err)
	}
	words := regexp.MustCompile(`"[^"]*"|\S+`)
	for _, e := range examples() {
		command, _, _ := strings.Cut(e.command, " > ")
		args := words.FindAllString(command, -1)
		if args[0] != "ab2d" {
			continue
		}
		for i := range args {
			args[i] = strings.Trim(args[i], `"`)
		}
		if args[1] == "help" {
			args = append([]string{"ab2d"}, args[2:]...)
			if named(root, args[1:]) == root && len(args) > 1 {
				t.Errorf("%s: there is no such command", e.command)
			}
			continue
		}
		if err := parses(args[1:]); err != nil {
			t.Errorf("%s: %v", e.command, err)
		}
	}
}

// TestVariablesDoNotCollide: no variable sets flags that mean something else, and
// nothing that removes, forces or only tries something is set for several commands.
func TestVariablesDoNotCollide(t *testing.T) {
	root := model(t)
	flags := map[string]string{}
	commandsOf := map[string][]string{}
	for _, node := range root.Leaves(false) {
		for _, f := range node.Flags {
			if len(f.Envs) == 0 {
				continue
			}
			name := f.Envs[0]
			flag := strings.TrimPrefix(f.Name, "mirror-")
			if other, ok := flags[name]; ok && other != flag {
				t.Errorf("%s is --%s and --%s", name, flag, other)
			}
			flags[name] = flag
			commandsOf[name] = append(commandsOf[name], node.Path())
		}
	}
	for _, once := range []string{"force", "dry-run", "delete", "cancel", "full", "abandon", "rebind", "server", "name", "lifetime"} {
		found := false
		for name, flag := range flags {
			if flag != once {
				continue
			}
			found = true
			if len(commandsOf[name]) > 1 && name != "AB2D_ADMIN_SERVER" {
				t.Errorf("%s is of %v", name, commandsOf[name])
			}
		}
		if !found {
			t.Errorf("no flag is called --%s", once)
		}
	}
	for _, old := range []string{"AB2D_SERVER", "AB2D_FORCE", "AB2D_DRY_RUN"} {
		if _, ok := flags[old]; ok {
			t.Errorf("%s is still a name of today", old)
		}
	}
}

// TestCompletion: the shells take their scripts, and complete commands and flags.
func TestCompletion(t *testing.T) {
	root := model(t)
	for _, c := range []struct{ shell, script, ask, want string }{
		{"bash", bashCompletion(root), `COMP_WORDS=(ab2d admin client ro); COMP_CWORD=3; _ab2d; echo "${COMPREPLY[@]}"`, "rotate"},
		{"bash", bashCompletion(root), `COMP_WORDS=(ab2d export --client-sec); COMP_CWORD=2; _ab2d; echo "${COMPREPLY[@]}"`, "--client-secret-file --client-secret"},
		{"bash", bashCompletion(root), `COMP_WORDS=(ab2d sandbox --lis); COMP_CWORD=2; _ab2d; echo "${COMPREPLY[@]}"`, "--listen"},
		{"zsh", zshCompletion(root), `_describe() { print -l ${(P)2} | grep ^ro | cut -d: -f1 }; words=(ab2d admin client ro); CURRENT=4; _ab2d`, "rotate"},
		{"fish", fishCompletion(root), `complete -C "ab2d admin client ro" | cut -f1`, "rotate"},
	} {
		if _, err := exec.LookPath(c.shell); err != nil {
			t.Logf("%s is not installed", c.shell)
			continue
		}
		script := c.script
		if c.shell == "zsh" {
			script = "compdef() { : }\n" + script
		}
		file := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(file, []byte(script+c.ask+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), c.shell, file).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != c.want {
			t.Errorf("%s: %s gives %q, %v", c.shell, c.ask, out, err)
		}
	}
}

// TestManPages: each command has a page, and man takes it without a complaint.
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	if code := run(t.Context(), []string{"man", dir}, streams{out: os.Stdout, err: os.Stderr}); code != exitOK {
		t.Fatal(code)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) != len(completed(model(t))) {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("groff is not installed")
	}
	for _, page := range pages {
		out, err := exec.CommandContext(t.Context(), "groff", "-man", "-ww", "-Tascii", "-z", page).CombinedOutput()
		if err != nil || strings.Contains(string(out), "warning") {
			t.Errorf("%s: %v: %s", page, err, out)
		}
	}
}
