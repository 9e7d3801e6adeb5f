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
	before, asvs, found := strings.Cut(string(text), "\n## ASVS")
	_, after, ends := strings.Cut(asvs, "\n## ")
	if !found || !ends {
		t.Fatal("there is no section about ASVS, with another one after it")
	}
	for line := range strings.Lines(before + after) {
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

var requirementNumbers = regexp.MustCompile(`^\d+\.\d+\.\d+(, \d+\.\d+\.\d+)*$`)

// TestASVSRowsNameCodeAndTests: each row of the section about ASVS in docs/security.md has
// a number that no other row has, and what is met names code that is there and tests,
// which TestDocsNameRealTests looks for.
func TestASVSRowsNameCodeAndTests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, asvs, _ := strings.Cut(string(text), "\n## ASVS")
	asvs, _, _ = strings.Cut(asvs, "\n## ")
	seen := map[string]bool{}
	for line := range strings.Lines(asvs) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| requirement |") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if !requirementNumbers.MatchString(cells[0]) || len(cells) != 2 && len(cells) != 4 {
			t.Errorf("the row has %d cells, want numbers and a reason, or numbers, words, code and tests: %s", len(cells), line)
			continue
		}
		for number := range strings.SplitSeq(cells[0], ", ") {
			if seen[number] {
				t.Errorf("%s stands twice", number)
			}
			seen[number] = true
		}
		if len(cells) == 4 {
			codeAndTests(t, cells[2], cells[3])
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d requirements were found", len(seen))
	}
}

// codeAndTests checks the lists of a row.
func codeAndTests(t *testing.T, code, tests string) {
	t.Helper()
	for path := range strings.SplitSeq(code, ", ") {
		if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(path))); err != nil {
			t.Errorf("the code is not there: %v", err)
		}
	}
	for name := range strings.SplitSeq(tests, ", ") {
		if namedTest.FindString(name) != name {
			t.Errorf("%q is no name of a test", name)
		}
	}
}
