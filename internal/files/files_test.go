package files_test

import (
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
