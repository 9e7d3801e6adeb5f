package internal

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	namedTest    = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z][A-Za-z0-9_]+`)
	declaredTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z][A-Za-z0-9_]+)\(`)
)

// TestDocsNameRealTests: what a document says is shown by a test has that test.
func TestDocsNameRealTests(t *testing.T) {
	declared, named := map[string]bool{}, map[string]string{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		isTest, isDoc := strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, ".md")
		if !isTest && !isDoc {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, name := range declaredTest.FindAllStringSubmatch(string(text), -1) {
			declared[name[1]] = declared[name[1]] || isTest
		}
		if isDoc {
			for _, name := range namedTest.FindAllString(string(text), -1) {
				named[name] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range named {
		if !declared[name] {
			t.Errorf("%s names %s, which is not there", path, name)
		}
	}
	if len(named) == 0 {
		t.Error("no document names a test")
	}
}

// TestSecurityPromisesNameTheirTests: each row of the tables of docs/security.md is
// a promise and the tests that try to break it. That the tests are there is
// checked by TestDocsNameRealTests.
func TestSecurityPromisesNameTheirTests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	promises := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---") || line == "| promise | tests |" {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 2 {
			t.Errorf("the row has %d cells, want a promise and its tests: %s", len(cells), line)
			continue
		}
		if promises[cells[0]] {
			t.Errorf("the promise stands twice: %s", cells[0])
		}
		promises[cells[0]] = true
		for name := range strings.SplitSeq(cells[1], ", ") {
			if namedTest.FindString(name) != name {
				t.Errorf("%q is no name of a test, of the promise: %s", name, cells[0])
			}
		}
	}
	if len(promises) < 30 {
		t.Errorf("only %d promises were found", len(promises))
	}
}
