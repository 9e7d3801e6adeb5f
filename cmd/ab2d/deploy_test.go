package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// commandLine finds the command lines of our program in what is under deploy
// and in the docs.
var (
	commandLine  = regexp.MustCompile(`(?m)(?:^ +command: |^ExecStart=/usr/local/bin/ab2d |^    (?:go run \./cmd/)?ab2d )((?:serve|worker|migrate|import|admin|sandbox|demo|export|minimize)\b[^#|>\n]*)`)
	argumentList = regexp.MustCompile(`(?m)^ +args:\n((?: +- .+\n)+)`) // of Kubernetes
	variable     = regexp.MustCompile(`\bAB2D_[A-Z0-9_]+\b`)
)

// TestDeployIsTrue: what deploy and the docs say to type is what the program
// takes.
func TestDeployIsTrue(t *testing.T) {
	parser, err := newParser(new(commands))
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]bool{}
	for _, node := range parser.Model.Leaves(false) {
		for _, f := range node.Flags {
			for _, name := range f.Envs[:min(1, len(f.Envs))] {
				variables[name] = true
			}
		}
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
			for _, m := range commandLine.FindAllStringSubmatch(continued.ReplaceAllString(string(b), " "), -1) {
				found++
				if err := parses(words(m[1])); err != nil {
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
				if !variables[v] && !strings.HasPrefix(v, "AB2D_T") && !strings.HasPrefix(v, "AB2D_SIMULATE") && v != "AB2D_PROFILE" { // of tests, and of all commands
					t.Errorf("%s names %s, which no flag has", name, v)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d command lines were found", found)
	}
}

// continued is the end of a line that the next one continues.
var continued = regexp.MustCompile(`\s*\\\n\s*`)

// shellWord is a word of a command, with quoted parts or without.
var shellWord = regexp.MustCompile(`(?:"[^"]*"|'[^']*'|[^\s"'])+`)

// words splits a command into its words as a shell does.
func words(command string) []string {
	all := shellWord.FindAllString(command, -1)
	for i := range all {
		all[i] = strings.NewReplacer(`"`, "", `'`, "").Replace(all[i])
	}
	return all
}

// parses tells whether the arguments are understood.
func parses(args []string) error {
	parser, err := newParser(new(commands))
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	return err
}
