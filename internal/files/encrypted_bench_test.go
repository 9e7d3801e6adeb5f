package files_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ab2d/internal/encryption"
	"ab2d/internal/export"
	"ab2d/internal/files"
	database "ab2d/internal/store"
)

// BenchmarkEncrypted writes and reads a file of 64 MiB in a directory, plain and
// encrypted.
func BenchmarkEncrypted(b *testing.B) {
	d, err := files.OpenDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	db, err := database.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "ab2d.db"), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	keys := filepath.Join(b.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte(newKey()), 0o600); err != nil {
		b.Fatal(err)
	}
	wrapping, err := encryption.Settings{KeyFile: keys}.Open()
	if err != nil {
		b.Fatal(err)
	}
	ring, err := encryption.OpenRing(b.Context(), db, wrapping, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]export.Files{"plain": d, "encrypted": files.Encrypt(d, ring)} {
		b.Run(name, func(b *testing.B) { writeAndRead(b, f) })
	}
}

func writeAndRead(b *testing.B, f export.Files) {
	block := make([]byte, export.ChecksumBlock)
	b.SetBytes(64 << 20)
	for b.Loop() {
		w, err := f.Create(b.Context(), "job/one.gz")
		if err != nil {
			b.Fatal(err)
		}
		for range 256 {
			if _, err := w.Write(block); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Commit(); err != nil {
			b.Fatal(err)
		}
		r, err := f.Open(b.Context(), "job/one.gz")
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{r}, block)
		if err != nil || n != 64<<20 {
			b.Fatal(n, err)
		}
		r.Close()
	}
}
