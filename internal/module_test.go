package internal

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestModulePath runs the command of CONTRIBUTING.md that changes the module's
// path, on a copy of the project. Then every import must be found.
func TestModulePath(t *testing.T) {
	if testing.Short() {
		t.Skip("copies the project, which -short leaves out")
	}
	text, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, line, found := strings.Cut(string(text), "    tools/module-path ")
	path, _, _ := strings.Cut(line, "\n")
	if !found {
		t.Fatal("CONTRIBUTING.md does not have the command")
	}
	dir := t.TempDir()
	copyProject(t, dir)
	for _, command := range [][]string{
		{"tools/module-path", path}, {"go", "list", "-deps", "-test", "./..."},
		{"go", "list", "-C=validate", "-deps", "-test", "./..."}, {"go", "list", "-C=interop", "-test", "./..."},
	} {
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%.3000s", command, err, out)
		} else if command[0] == "go" && !strings.Contains(string(out), path+"/") {
			t.Errorf("%v names no package of %s", command, path)
		}
	}
	old := strings.TrimSpace(golist(t, "-m"))
	for _, file := range []string{"go.mod", ".golangci.yml", "cmd/ab2d/server.go"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || !strings.Contains(string(b), path) || strings.Contains(string(b), `"`+old+`/`) {
			t.Errorf("%s was not changed (%v)", file, err)
		}
	}
}

// copyProject copies what the project's Go packages are made of.
func copyProject(t *testing.T, to string) {
	t.Helper()
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := d.Name(); {
		case d.IsDir() && (name == ".git" || name == "node_modules"):
			return fs.SkipDir
		case name == ".git": // of a work tree
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o700)
		}
		if info, err := d.Info(); err != nil || !info.Mode().IsRegular() || info.Size() > 4<<20 {
			return err // a program that was built is large
		}
		b, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), b, 0o700)
	})
	if err != nil {
		t.Fatal(err)
	}
}
