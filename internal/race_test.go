package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var pureList = regexp.MustCompile(`(?m)^pure=\((.+)\)$`)

// TestPurePackagesHaveNoGoroutines: what tools/race leaves out of the race detector
// starts no goroutine and shares nothing.
func TestPurePackagesHaveNoGoroutines(t *testing.T) {
	script, err := os.ReadFile("../tools/race")
	if err != nil {
		t.Fatal(err)
	}
	found := pureList.FindSubmatch(script)
	if found == nil {
		t.Fatal("../tools/race has no list of pure packages")
	}
	for _, dir := range strings.Fields(string(found[1])) {
		files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, path := range files {
			if !strings.HasSuffix(path, "_test.go") {
				pure(t, path)
			}
		}
	}
}

func pure(t *testing.T, path string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range f.Imports {
		switch name := strings.Trim(i.Path.Value, `"`); name {
		case "sync", "sync/atomic", "golang.org/x/sync/errgroup":
			t.Errorf("%s imports %s: take its package from the list pure in tools/race", path, name)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
			t.Errorf("%s uses goroutines or channels: take its package from the list pure in tools/race", path)
		}
		return true
	})
}
