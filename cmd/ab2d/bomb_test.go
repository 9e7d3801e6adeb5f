package main

import (
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestImportsOfBombs: a small file that inflates to a very large one, or nests
// without end, is refused with little memory.
func TestImportsOfBombs(t *testing.T) {
	t.Parallel()
	const most = 300 << 10 // KB of memory, resident
	for name, body := range map[string]io.Reader{
		"one long line":   io.LimitReader(endless('x'), 512<<20),
		"spaces":          io.LimitReader(endless(' '), 512<<20),
		"nested":          io.LimitReader(endless('['), 256<<20),
		"one long string": io.MultiReader(strings.NewReader(`{"resourceType":"ExplanationOfBenefit","id":"`), io.LimitReader(endless('a'), 512<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "claims.ndjson.gz")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(z, body); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), program, "import", "claims", path, "--data="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("it was taken: %s", tail(string(out), 500))
			}
			if used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss; used > most {
				t.Errorf("%d MB of memory", used>>10)
			}
		})
	}
}

// endless is a byte, over and over.
type endless byte

func (e endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(e)
	}
	return len(b), nil
}
