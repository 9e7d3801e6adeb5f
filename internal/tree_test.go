package internal

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestTreeIsTrue compares the tree in ARCHITECTURE.md with the folders that there
// are.
func TestTreeIsTrue(t *testing.T) {
	b, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := documentedFolders(string(b))
	actual := foldersWithGo(t)
	for _, name := range actual {
		if !slices.Contains(documented, name) {
			t.Errorf("ARCHITECTURE.md does not name the folder %s", name)
		}
	}
	for _, name := range documented {
		if _, err := os.Stat(path.Join("..", name)); err != nil {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", name)
		}
	}
}

// documentedFolders reads the tree: each line is a folder, indented below the one
// that holds it, and what it is for.
func documentedFolders(text string) (names []string) {
	_, text, _ = strings.Cut(text, "## The tree")
	text, _, _ = strings.Cut(text, "Every package has")
	var parents []string
	for line := range strings.Lines(text) {
		name := strings.Fields(line)
		if len(name) == 0 || !strings.HasSuffix(name[0], "/") {
			continue
		}
		depth := (len(line)-len(strings.TrimLeft(line, " ")))/2 - 2
		parents = append(parents[:min(depth, len(parents))], strings.TrimSuffix(name[0], "/"))
		names = append(names, path.Join(parents...))
	}
	return names
}

// foldersWithGo lists the folders that hold Go files, except test data.
func foldersWithGo(t *testing.T) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(".."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if d.IsDir() && name != "." && (base == "testdata" || base == "node_modules" || strings.HasPrefix(base, ".")) {
			return fs.SkipDir
		}
		if dir := path.Dir(name); !d.IsDir() && path.Ext(name) == ".go" && !strings.HasSuffix(name, ".gen.go") && dir != "." && dir != "internal" && !slices.Contains(names, dir) {
			names = append(names, dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
