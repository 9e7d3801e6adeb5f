package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ab2d/client"
)

// slowly is a server behind a slow line, which counts the bytes of files that
// go over it and the exports that are begun.
type slowly struct {
	url   string
	speed int // bytes a second
	bytes atomic.Int64
	kicks atomic.Int64
}

func newSlowly(t *testing.T, to string, speed int) *slowly {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	s := &slowly{speed: speed}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ModifyResponse: func(r *http.Response) error {
			if strings.Contains(r.Request.URL.Path, "/file/") && r.StatusCode < 300 {
				r.Body = &slowBody{ReadCloser: r.Body, s: s}
			}
			if strings.HasSuffix(r.Request.URL.Path, "$export") && r.StatusCode == http.StatusAccepted {
				s.kicks.Add(1)
			}
			return nil
		},
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	h := httptest.NewServer(proxy)
	h.Config.ErrorLog = nil
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

type slowBody struct {
	io.ReadCloser
	s *slowly
}

func (b *slowBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), 64<<10)])
	b.s.bytes.Add(int64(n))
	time.Sleep(time.Duration(n) * time.Second / time.Duration(b.s.speed))
	return n, err
}

// exportProcess is ab2d export.
func exportProcess(args ...string) *exec.Cmd {
	return exec.Command(program, append([]string{"export"}, args...)...)
}

// TestExportKill9 kills ab2d export at random moments and starts it again,
// until it is done: the files are those of the manifest, no export is begun
// twice, and of no file more is fetched twice than what was on the way. The
// server allows each file one download.
//
// AB2D_TORTURE_EXPORT=n does it n times, with more kills each.
func TestExportKill9(t *testing.T) {
	t.Parallel()
	rounds, most := 1, 8
	if n, err := strconv.Atoi(os.Getenv("AB2D_TORTURE_EXPORT")); err == nil {
		rounds, most = n, 60
	}
	kills := 0
	for range rounds {
		kills += killExport(t, most)
	}
	t.Logf("%d exports, killed %d times", rounds, kills)
	if kills == 0 {
		t.Error("nothing was killed: the test tests nothing")
	}
}

// killExport does one export of a new server's, killed up to so many times:
// three times while it waits for the server, then while it downloads and makes
// tables.
func killExport(t *testing.T, most int) (kills int) {
	data := filepath.Join(t.TempDir(), "data")
	p := startProcess(t, nil, "--data="+data, "--listen=localhost:0")
	defer p.kill()
	line := newSlowly(t, p.url, 4<<20)
	dir := filepath.Join(t.TempDir(), "claims")
	said := ""
	for {
		cmd := exportProcess("--sponsor=PDP-1000", "--url="+line.url, "-o", dir, "--format=parquet", "--parallel=2")
		var stderr sayings
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		if kills > 2 {
			stderr.await(done, "The export is ready", "Making tables")
		}
		after := time.Duration(rand.IntN(600)) * time.Millisecond
		if kills == most {
			after = 2 * time.Minute
		}
		select {
		case err := <-done:
			if said += stderr.String(); err != nil {
				t.Fatalf("after %d kills: %v\n%s", kills, err, said)
			}
			checkExport(t, dir, said)
			line.check(t, data, kills)
			return kills
		case <-time.After(after):
			cmd.Process.Kill()
			<-done
			said += stderr.String()
			kills++
		}
	}
}

// sayings is what a process writes while it runs.
type sayings struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *sayings) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *sayings) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until one of the texts was written, or the process has ended.
func (s *sayings) await(done chan error, texts ...string) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		for _, text := range texts {
			if strings.Contains(s.String(), text) {
				return
			}
		}
		if len(done) > 0 {
			return
		}
	}
}

// check holds what went over the line against what the server has.
func (s *slowly) check(t *testing.T, data string, kills int) {
	t.Helper()
	jobs, _ := filepath.Glob(filepath.Join(data, "files", "*"))
	stored, _ := filepath.Glob(filepath.Join(data, "files", "*", "*"))
	var size int64
	for _, path := range stored {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	sent := s.bytes.Load()
	t.Logf("%d kills: %d kick-offs accepted, %d kB of files sent, which have %d kB", kills, s.kicks.Load(), sent/1000, size/1000)
	if sent > size+int64(kills)*onTheWay {
		t.Errorf("%d bytes were sent of files that have %d", sent, size)
	}
	// A kill between the server's answer and the note of it asks again, with
	// the same Idempotency-Key.
	if len(jobs) != 1 {
		t.Errorf("the server has %d exports, %d were asked for", len(jobs), s.kicks.Load())
	}
}

// onTheWay is what of two files may be in the buffers between server and client.
const onTheWay = 512 << 10

// checkExport holds a folder against the manifest it was made from.
func checkExport(t *testing.T, dir, stderr string) {
	t.Helper()
	runs, _ := filepath.Glob(filepath.Join(dir, "*", "manifest.json"))
	if len(runs) != 1 {
		t.Fatalf("%d runs\n%s", len(runs), stderr)
	}
	var run client.Run
	b, err := os.ReadFile(runs[0])
	if err == nil {
		err = json.Unmarshal(b, &run)
	}
	if err != nil || len(run.Files) < 2 {
		t.Fatalf("manifest: %v, %d files", err, len(run.Files))
	}
	for _, f := range run.Files {
		content, err := os.ReadFile(filepath.Join(filepath.Dir(runs[0]), f.Name))
		sum := sha256.Sum256(content)
		if err != nil || hex.EncodeToString(sum[:]) != f.SHA256 || int64(bytes.Count(content, []byte("\n"))) != f.Count {
			t.Errorf("%s is not what the manifest says (%v)", f.Name, err)
		}
	}
	for _, left := range []string{"*.partial", "*/*.part", "*/*.received", "*.part"} {
		if found, _ := filepath.Glob(filepath.Join(dir, left)); len(found) > 0 {
			t.Errorf("left behind: %v", found)
		}
	}
	for _, table := range []string{"claims", "lines", "diagnoses", "procedures", "care_team"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(runs[0]), "parquet", table+".parquet")); err != nil {
			t.Error(err)
		}
	}
	if strings.Contains(stderr, "Starting a new one") {
		t.Errorf("an export was lost:\n%s", stderr)
	}
}

// TestExportCtrlC stops an export as a person does: cleanly, with the exit code
// that says it can go on.
func TestExportCtrlC(t *testing.T) {
	t.Parallel()
	p := startProcess(t, nil, "--data="+filepath.Join(t.TempDir(), "data"), "--listen=localhost:0")
	line := newSlowly(t, p.url, 500_000)
	dir := filepath.Join(t.TempDir(), "claims")
	cmd := exportProcess("--sponsor=PDP-100", "--url="+line.url, "-o", dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); line.bytes.Load() < 300_000; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no download began")
		}
	}
	locked := exportProcess("--sponsor=PDP-100", "--url="+line.url, "-o", dir).Run()
	if exit, ok := errors.AsType[*exec.ExitError](locked); !ok || exit.ExitCode() != exitLocked {
		t.Errorf("a second one at once: %v", locked)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitAgain || !strings.Contains(stderr.String(), "Run the same command again to resume") {
		t.Errorf("got %v:\n%s", err, stderr.String())
	}
	out, err := exportProcess("--sponsor=PDP-100", "--url="+line.url, "-o", dir, "--json").Output()
	if err != nil || !strings.Contains(string(out), `"event":"continued"`) || line.kicks.Load() != 1 {
		t.Errorf("going on: %v, %d exports begun, said %.2000s", err, line.kicks.Load(), out)
	}
}

// TestExportDiskFull fills the disk, makes space, and goes on. The disk is one
// in memory, which needs a user namespace.
func TestExportDiskFull(t *testing.T) {
	t.Parallel()
	if err := exec.Command("unshare", "-rm", "true").Run(); err != nil {
		t.Skip("unshare -rm is not to be had here: ", err)
	}
	p := startProcess(t, nil, "--data="+filepath.Join(t.TempDir(), "data"), "--listen=localhost:0")
	disk := t.TempDir()
	script := fmt.Sprintf(`
mount -t tmpfs -o size=15m tmpfs %[1]s || exit 77
%[2]s export --sponsor=PDP-100 --url=%[3]s -o %[1]s/claims --format=parquet; echo "code $?"
ls %[1]s/claims %[1]s/claims/*
mount -o remount,size=800m %[1]s
%[2]s export --sponsor=PDP-100 --url=%[3]s -o %[1]s/claims --format=parquet; echo "code $?"
`, disk, program, p.url)
	out, err := exec.Command("unshare", "-rm", "sh", "-c", script).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 77 {
		t.Skip("no disk in memory can be mounted here")
	}
	text := string(out)
	for _, want := range []string{"the disk is full", "code 4", ".partial", "Going on with the export", "complete and verified", "code 0"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "Starting a new one") {
		t.Errorf("an export was lost:\n%s", text)
	}
}
