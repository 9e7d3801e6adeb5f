package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ab2d/client"
	"ab2d/internal/synth"
)

// TestEncryptedServer: a server with a wrapping key delivers what one without delivers,
// stores nothing in the clear, goes on while its keys are rotated, and is refused
// without its keys.
func TestEncryptedServer(t *testing.T) {
	sponsor, dir := synth.Sponsors()[0], t.TempDir()
	args := []string{"--max-polls=1000", "--listen=localhost:0"}
	plain := startProcess(t, nil, append(args, "--data="+filepath.Join(dir, "plain"))...)
	want := plain.wait(t, sponsor, startExport(t, plain, sponsor), nil)
	plain.kill()

	data, keys := filepath.Join(dir, "data"), filepath.Join(dir, "keys")
	first, second := wrappingKey(t), wrappingKey(t)
	writeKeys(t, keys, first)
	args = append(args, "--data="+data)
	p := startProcess(t, nil, append(args, "--encryption-key-file="+keys)...)
	before := startExport(t, p, sponsor)
	m := p.wait(t, sponsor, before, nil)
	if diff := cmp.Diff(results(want), results(m)); diff != "" {
		t.Errorf("the encrypted export differs:\n%s", diff)
	}
	during := startExport(t, p, sponsor)
	writeKeys(t, keys, second+first)
	if out := runAB2D(t, "admin", "encryption", "rotate", "--data="+data, "--encryption-key-file="+keys); !strings.Contains(out, "1 older data key is encrypted") {
		t.Error(out)
	}
	writeKeys(t, keys, second)
	last := p.wait(t, sponsor, during, nil)
	for _, output := range [][]client.File{m.Output, last.Output} {
		if _, err := p.newClient(t, sponsor).Download(t.Context(), output[0], t.TempDir(), nil); err != nil {
			t.Errorf("a file after the rotation: %v", err)
		}
	}
	health := getHealth(t, p.url)
	if health["encryption"] != "ok" || health["files"] != "ok" {
		t.Errorf("health: %v", health)
	}
	nothingPlain(t, filepath.Join(data, "files"))
	if out := runAB2D(t, "admin", "files", "verify", "--data="+data, "--encryption-key-file="+keys); !strings.Contains(out, ": 0 damaged") {
		t.Error(out)
	}
	p.kill()
	writeKeys(t, keys, wrappingKey(t))
	for _, refused := range [][]string{args, append(args, "--encryption-key-file="+keys)} {
		out, err := exec.CommandContext(t.Context(), program, append([]string{"sandbox"}, refused...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "--encryption-key-file") {
			t.Errorf("%v: %v: %s", refused, err, out)
		}
	}
}

func startExport(t *testing.T, p *process, sponsor synth.Sponsor) client.Job {
	t.Helper()
	job, err := p.newClient(t, sponsor).Start(t.Context(), client.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func writeKeys(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func wrappingKey(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(keyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func getHealth(t *testing.T, url string) map[string]string {
	t.Helper()
	r, err := http.Get(url + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var answer struct{ Checks map[string]string }
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.Checks
}

// nothingPlain checks that each file is encrypted.
func nothingPlain(t *testing.T, dir string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(found) < 2 {
		t.Fatalf("%d files, %v", len(found), err)
	}
	for _, path := range found {
		b, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(b, []byte("age-encryption.org/v1\n")) {
			t.Errorf("%s is not encrypted: %.20q, %v", path, b, err)
		}
	}
}
