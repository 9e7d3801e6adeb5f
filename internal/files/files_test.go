package files_test

import (
	"os"
	"path/filepath"
	"testing"

	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/files"
)

func TestDir(t *testing.T) {
	exporttest.RunFiles(t, func(t *testing.T) export.Files {
		f, err := files.Open("dir:" + t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return f
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, address := range []string{"", "dir:", "s4://bucket", "/tmp/x"} {
		if _, err := files.Open(address); err == nil {
			t.Errorf("Open(%q) was accepted", address)
		}
	}
}

// FuzzKey: whatever the key, nothing is written outside of the directory.
func FuzzKey(f *testing.F) {
	for _, key := range []string{"job/1.gz", "../x", "a/../../x", "a/b/c", "a\\b/c", "\x00/x", "a/", "./x"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		outer := t.TempDir()
		inner := filepath.Join(outer, "files")
		store, err := files.OpenDir(inner)
		if err != nil {
			t.Fatal(err)
		}
		w, err := store.Create(t.Context(), key)
		if err != nil {
			return
		}
		defer w.Abort()
		if err := w.Commit(); err != nil {
			return
		}
		entries, err := os.ReadDir(outer)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%q wrote outside: %v, %v", key, entries, err)
		}
		folders, err := os.ReadDir(inner)
		if err != nil || len(folders) != 1 || !folders[0].IsDir() {
			t.Fatalf("%q wrote beside the job's folder: %v, %v", key, folders, err)
		}
		if err := store.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	})
}
