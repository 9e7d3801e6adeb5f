package internal

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFileListsAreTrue: a list of files in a doc.go names every file of its package,
// and no other.
func TestFileListsAreTrue(t *testing.T) {
	docs, err := filepath.Glob("*/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*/*/doc.go", "../cmd/*/doc.go", "../client/doc.go"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, more...)
	}
	if len(docs) < 20 {
		t.Fatalf("only %d packages were found", len(docs))
	}
	for _, doc := range docs {
		t.Run(filepath.Dir(doc), func(t *testing.T) { checkFileList(t, doc) })
	}
}

func checkFileList(t *testing.T, doc string) {
	b, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(b)) {
		item, ok := strings.CutPrefix(line, "//   - ")
		if !ok {
			continue
		}
		for _, word := range strings.Fields(item) {
			name := strings.Trim(word, ",:")
			if !strings.HasSuffix(name, ".go") {
				break
			}
			listed = append(listed, name)
		}
	}
	if len(listed) == 0 {
		return // the package has no list
	}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(doc), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var actual []string
	for _, name := range names {
		if name = filepath.Base(name); name != "doc.go" && !strings.HasSuffix(name, "_test.go") && !strings.HasSuffix(name, ".gen.go") {
			actual = append(actual, name)
		}
	}
	for _, name := range actual {
		if !slices.Contains(listed, name) {
			t.Errorf("doc.go does not list %s", name)
		}
	}
	for _, name := range listed {
		if !slices.Contains(actual, name) {
			t.Errorf("doc.go lists %s, which does not exist", name)
		}
	}
}
