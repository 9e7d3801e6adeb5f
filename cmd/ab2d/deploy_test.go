package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// commandLine finds the command lines of our program in what is under deploy
// and in the docs.
var (
	commandLine  = regexp.MustCompile(`(?m)(?:^ +command: |^ExecStart=/usr/local/bin/ab2d |^    (?:go run \./cmd/)?ab2d )((?:serve|worker|migrate|import|admin|sandbox|demo|export|minimize)\b[^#|>\n]*)`)
	argumentList = regexp.MustCompile(`(?m)^ +args:\n((?: +- .+\n)+)`) // of Kubernetes
	variable     = regexp.MustCompile(`\bAB2D_[A-Z_]+\b`)
)

// TestDeployIsTrue: what deploy and the docs say to type is what the program
// takes.
func TestDeployIsTrue(t *testing.T) {
	var help bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, streams{out: &help, err: &help}); code != exitOK {
		t.Fatal(code)
	}
	found := 0
	for _, pattern := range []string{"../../deploy/*.*", "../../deploy/Dockerfile", "../../deploy/*/*.y*ml", "../../docs/*.md", "../../README.md", "../../ARCHITECTURE.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range commandLine.FindAllStringSubmatch(string(b), -1) {
				found++
				if err := parses(strings.Fields(m[1])); err != nil {
					t.Errorf("%s: ab2d %s: %v", name, m[1], err)
				}
			}
			for _, m := range argumentList.FindAllStringSubmatch(string(b), -1) {
				found++
				if err := parses(strings.Fields(strings.ReplaceAll(m[1], " - ", " "))); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			for _, v := range variable.FindAllString(string(b), -1) {
				if !strings.Contains(help.String(), "environment: "+v+"\n") && !strings.HasPrefix(v, "AB2D_T") {
					t.Errorf("%s names %s, which no flag has", name, v)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d command lines were found", found)
	}
}

// parses tells whether the arguments are understood.
func parses(args []string) error {
	var c commands
	parser, err := kong.New(&c, kong.DefaultEnvars("AB2D"), variables())
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	return err
}
