package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestImportsOfBombs: a small file that inflates to a very large one, or nests
// without end, is refused with little memory.
func TestImportsOfBombs(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("this system does not tell how much memory a process has")
	}
	const most = 150 << 10 // KB of memory, resident
	for name, body := range map[string]io.Reader{
		"one long line":   io.LimitReader(endless('x'), 192<<20),
		"spaces":          io.LimitReader(endless(' '), 192<<20),
		"nested":          io.LimitReader(endless('['), 192<<20),
		"one long string": io.MultiReader(strings.NewReader(`{"resourceType":"ExplanationOfBenefit","id":"`), io.LimitReader(endless('a'), 192<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "nested" {
				t.Skip("-short has one of them")
			}
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
			var out bytes.Buffer
			cmd := exec.CommandContext(t.Context(), program, "import", "claims", path, "--data="+t.TempDir(), "--max-inflation=2000")
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			used := watched(cmd)
			if cmd.ProcessState.Success() {
				t.Errorf("it was taken: %s", tail(out.String(), 500))
			}
			if used == 0 || used > most {
				t.Errorf("%d MB of memory", used>>10)
			}
		})
	}
}

// TestImportsOfBombsEndEarly: what inflates to far more than claims do is not read, which
// the error says with the way out.
func TestImportsOfBombsEndEarly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, data := filepath.Join(dir, "claims.ndjson.gz"), filepath.Join(dir, "data")
	var small bytes.Buffer
	z := gzip.NewWriter(&small)
	if _, err := io.Copy(z, io.LimitReader(endless('\n'), 54<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, small.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"import", "claims", path, "--fhir=r4", "--data=" + data}, {"minimize", path, "--fhir=r4"}} {
		out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "more than 100 times as long") || !strings.Contains(string(out), "--max-inflation") {
			t.Errorf("%d bytes: %v: %s", small.Len(), err, out)
		}
	}
	// Nothing is left of it that keeps others from importing.
	other := filepath.Join(dir, "other.ndjson")
	if err := os.WriteFile(other, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, "import", "claims", other, "--fhir=r4", "--data="+data).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no claim was accepted") {
		t.Errorf("%v: %s", err, out)
	}
}

// watched waits for a command and gives the most memory it had, in KB. What the
// system tells at the end would count that of this process, too, from which the
// command was forked.
func watched(cmd *exec.Cmd) (most int) {
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		status, _ := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
		if found := highWater.FindSubmatch(status); found != nil {
			kb, _ := strconv.Atoi(string(found[1]))
			most = max(most, kb)
		}
		select {
		case <-ended:
			return most
		case <-look.C:
		}
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
