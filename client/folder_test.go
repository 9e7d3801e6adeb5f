package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// exportTo exports and checks that each of the server's files is there whole.
func (b *bulk) exportTo(f *Folder, o SyncOptions) (*Run, error) {
	b.t.Helper()
	run, err := f.Sync(b.t.Context(), o)
	if err != nil {
		return nil, err
	}
	want := map[string]string{}
	for name, content := range b.files {
		want[name] = content
	}
	for name, content := range b.errs {
		want[name] = content
	}
	manifest, err := os.ReadFile(filepath.Join(f.Dir(), run.Name, "manifest.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	want["manifest.json"] = string(manifest)
	checkFolder(b.t, filepath.Join(f.Dir(), run.Name), want)
	if err := f.Finish(); err != nil {
		b.t.Fatal(err)
	}
	return run, nil
}

func TestFolderIsKeptUpToDate(t *testing.T) {
	b := newBulk(t)
	for i := range 7 {
		b.files[fmt.Sprintf("Z0000_%04d.ndjson", i)] = claimLines(100*i+1, fmt.Sprint(i))
	}
	b.errs["Z0000_error.ndjson"] = `{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational","details":{"text":"Fine."}}]}` + "\n"
	f := b.open(t.TempDir())
	first := time.Date(2020, 2, 13, 5, 0, 0, 0, time.UTC)
	run, err := b.exportTo(f, SyncOptions{First: first})
	if err != nil {
		t.Fatal(err)
	}
	if !run.Continuous || run.Name != "2026-11-24T08-00-00Z" || !f.Since().Equal(aDay) || b.query != "_since=2020-02-13T05%3A00%3A00.000Z" {
		t.Errorf("got %+v, since %s, asked %s", run, f.Since(), b.query)
	}
	for name := range b.files {
		if size := int64(len(deflated(b.files[name]))); b.moved[name] != size {
			t.Errorf("%s: %d bytes were sent, it has %d", name, b.moved[name], size)
		}
	}
	// The next one asks for what changed; one with bounds does not move it on.
	b.at, b.files, b.errs = "2026-12-01T08:00:00Z", map[string]string{}, map[string]string{}
	if run, err = b.exportTo(f, SyncOptions{Request: Request{TypeFilter: []string{"ExplanationOfBenefit?service-date=ge2023"}}, First: first}); err != nil || run.Continuous {
		t.Errorf("got %+v, %v", run, err)
	}
	if b.query != "_since=2026-11-24T08%3A00%3A00.000Z&_typeFilter=ExplanationOfBenefit%3Fservice-date%3Dge2023" || !f.Since().Equal(aDay) {
		t.Errorf("asked %s, since %s", b.query, f.Since())
	}
	if run, err = b.exportTo(f, SyncOptions{Request: Request{Since: aDay.Add(time.Hour)}, First: first}); err != nil || run.Continuous {
		t.Errorf("a gap was passed over: %+v, %v", run, err)
	}
	if run, err = b.exportTo(f, SyncOptions{First: first, Full: true}); err != nil || !run.Continuous || !strings.Contains(b.query, "2020-02-13") {
		t.Errorf("got %+v, %v, asked %s", run, err, b.query)
	}
	if want := aDay.AddDate(0, 0, 7); !f.Since().Equal(want) || len(f.Runs()) != 4 {
		t.Errorf("since %s, want %s; runs %v", f.Since(), want, f.Runs())
	}
}

func TestFolderResumesBrokenDownloads(t *testing.T) {
	b := newBulk(t)
	b.files["a.ndjson"], b.files["b.ndjson"] = claimLines(5000, "a"), claimLines(3000, "b")
	cuts := atomic.Int64{}
	b.cut = func(string, int64) int64 {
		if cuts.Add(1) > 40 {
			return 0
		}
		return 1 + rand.Int64N(20_000)
	}
	f := b.open(t.TempDir())
	if _, err := b.exportTo(f, SyncOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, content := range b.files {
		// What was under way when the connection broke may be sent again; it
		// is little.
		size := int64(len(deflated(content)))
		if b.moved[name] < size || b.moved[name] > size+size/10 {
			t.Errorf("%s: %d bytes were sent, it has %d", name, b.moved[name], size)
		}
	}
	if b.jobs != 1 {
		t.Errorf("%d jobs", b.jobs)
	}
}

// TestFolderStoppedAnywhere stops at a random event, as often as it takes, and
// opens the folder again each time.
func TestFolderStoppedAnywhere(t *testing.T) {
	b := newBulk(t)
	for i := range 5 {
		b.files[fmt.Sprintf("f%d.ndjson", i)] = claimLines(2000, fmt.Sprint(i))
	}
	dir := t.TempDir()
	stops := 0
	for done := false; !done; stops++ {
		ctx, stop := context.WithCancel(t.Context())
		left := rand.IntN(12)
		f := b.open(dir)
		run, err := f.Sync(ctx, SyncOptions{Parallel: 2, Event: func(Event) {
			if left--; left < 0 {
				stop()
			}
		}})
		stop()
		if done = err == nil; done {
			checkRun(t, b, f, run)
		} else if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		f.Close()
	}
	t.Logf("stopped %d times", stops)
	if b.jobs != 1 {
		t.Errorf("%d jobs, want 1", b.jobs)
	}
}

func checkRun(t *testing.T, b *bulk, f *Folder, run *Run) {
	t.Helper()
	for name, content := range b.files {
		got, err := os.ReadFile(filepath.Join(f.Dir(), run.Name, name))
		if err != nil || string(got) != content {
			t.Errorf("%s is not what it should be (%v)", name, err)
		}
	}
}

func TestFolderStartsAnew(t *testing.T) {
	for _, tt := range []struct {
		name string
		lose func(b *bulk)
	}{
		{"expired", func(b *bulk) {
			b.status = func(w http.ResponseWriter, r *http.Request) bool {
				if r.PathValue("job") == "1" {
					w.WriteHeader(http.StatusNotFound)
				}
				return r.PathValue("job") == "1"
			}
		}},
		{"downloaded elsewhere", func(b *bulk) { b.sent["1/a.ndjson"] = 1 << 40 }},
		{"file expired, as AB2D says it", func(b *bulk) {
			b.file = func(w http.ResponseWriter, r *http.Request, _ string) bool {
				if r.PathValue("job") == "1" {
					w.WriteHeader(http.StatusInternalServerError)
				}
				return r.PathValue("job") == "1"
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBulk(t)
			b.files["a.ndjson"], b.files["b.ndjson"] = claimLines(50, "a"), claimLines(50, "b")
			tt.lose(b)
			var kinds []Kind
			f := b.open(t.TempDir())
			if _, err := b.exportTo(f, SyncOptions{Event: func(e Event) { kinds = append(kinds, e.Kind) }}); err != nil {
				t.Fatal(err)
			}
			if b.jobs != 2 || !slices.Contains(kinds, EventRestarted) {
				t.Errorf("%d jobs, told %v", b.jobs, kinds)
			}
			if entries, _ := os.ReadDir(f.Dir()); len(entries) != 3 { // run, state, lock
				t.Errorf("left %v", entries)
			}
			// Lost again at once, it is an error: an export costs the server hours.
			b.status, b.sent = nil, map[string]int64{"3/a.ndjson": 1 << 40, "4/a.ndjson": 1 << 40}
			b.file = nil
			if _, err := f.Sync(t.Context(), SyncOptions{}); err == nil || b.jobs != 4 {
				t.Errorf("got %v after %d jobs", err, b.jobs)
			}
		})
	}
}

func TestFolderRefusesDamage(t *testing.T) {
	for _, tt := range []struct {
		name string
		harm func(b *bulk)
	}{
		{"wrong checksum", func(b *bulk) { b.sum = strings.Repeat("ab", 32) }},
		{"truncated gzip", func(b *bulk) { b.change = func(_ string, z []byte) []byte { return z[:len(z)/2] } }},
		{"corrupted gzip", func(b *bulk) {
			b.change = func(_ string, z []byte) []byte { z[len(z)/2] ^= 0x10; return z }
		}},
		{"truncated, without ranges", func(b *bulk) {
			b.plain, b.change = true, func(_ string, z []byte) []byte { return z[:len(z)/2] }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBulk(t)
			b.files["a.ndjson"] = claimLines(500, "a")
			tt.harm(b)
			f := b.open(t.TempDir())
			if _, err := f.Sync(t.Context(), SyncOptions{}); !errors.Is(err, ErrDamaged) {
				t.Fatalf("got %v", err)
			}
			found, _ := filepath.Glob(filepath.Join(f.Dir(), "*", "*.ndjson"))
			if len(found) > 0 || len(f.Runs()) > 0 {
				t.Errorf("damage looks complete: %v, runs %v", found, f.Runs())
			}
			// The limit of downloads was not used up, so that it can be had once
			// the server is put right.
			b.change, b.sum = nil, ""
			if _, err := b.exportTo(f, SyncOptions{}); err != nil || b.jobs != 1 {
				t.Errorf("got %v after %d jobs", err, b.jobs)
			}
		})
	}
}

// TestFolderDistrustsHalfFiles changes what was received before a crash.
func TestFolderDistrustsHalfFiles(t *testing.T) {
	b := newBulk(t)
	b.files["a.ndjson"] = claimLines(5000, "a")
	b.cut = func(_ string, offset int64) int64 { return 60_000 }
	f := b.open(t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	if _, err := f.Sync(ctx, SyncOptions{Event: func(e Event) {
		if e.Kind == EventFault {
			stop()
		}
	}}); err == nil {
		t.Fatal("it was not stopped")
	}
	half, _ := filepath.Glob(filepath.Join(f.Dir(), "*", "a.ndjson"+received))
	if len(half) != 1 {
		t.Fatal("there is no half file")
	}
	content, _ := os.ReadFile(half[0])
	clear(content[len(content)/2:]) // as some file systems leave it after a power cut
	if err := os.WriteFile(half[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	b.cut = nil
	if _, err := b.exportTo(f, SyncOptions{}); err != nil || b.jobs != 1 {
		t.Errorf("got %v after %d jobs", err, b.jobs)
	}
}

func TestFolderBearsWithTheServer(t *testing.T) {
	b := newBulk(t)
	b.files["a.ndjson"] = claimLines(500, "a")
	faults := func(n int, answers ...http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
		var asked atomic.Int64
		return func(w http.ResponseWriter, r *http.Request) bool {
			i := int(asked.Add(1)) - 1
			if i >= n {
				return false
			}
			answers[i%len(answers)](w, r)
			return true
		}
	}
	b.kick = faults(3, answer(503, "", "Retry-After", "2"), answer(429, "", "Retry-After", aDay.Format(http.TimeFormat)))
	b.status = faults(4, answer(202, "", "X-Progress", "10%"), answer(503, ""), hangUp, answer(429, "", "Retry-After", "3"))
	file := faults(3, answer(503, ""), hangUp, answer(429, ""))
	b.file = func(w http.ResponseWriter, r *http.Request, _ string) bool {
		b.mu.Lock()
		b.token++ // the token expires at every request: it is renewed once for each
		b.mu.Unlock()
		return file(w, r)
	}
	f := b.open(t.TempDir())
	if _, err := b.exportTo(f, SyncOptions{}); err != nil || b.jobs != 1 {
		t.Errorf("got %v after %d jobs", err, b.jobs)
	}
}

func TestFolderFindsTheLostJob(t *testing.T) {
	b := newBulk(t)
	b.files["a.ndjson"] = claimLines(50, "a")
	other := false
	b.kick = func(w http.ResponseWriter, r *http.Request) bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch {
		case b.jobs == 0: // it is started, but the answer is lost
			b.jobs, b.query = 1, r.URL.RawQuery
			if other {
				b.query = "_since=2021-01-01T00:00:00Z"
			}
			panic(http.ErrAbortHandler)
		case b.jobs == 1 && b.kicks == nil:
			b.kicks = []http.Header{r.Header}
			w.Header().Set("Content-Location", b.url+"/fhir/Job/1/$status")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		return false
	}
	for _, tt := range []struct {
		name  string
		other bool
		jobs  int
	}{{"this one", false, 1}, {"another one", true, 2}} {
		t.Run(tt.name, func(t *testing.T) {
			b.jobs, b.kicks, other = 0, nil, tt.other
			b.sent = map[string]int64{}
			f := b.open(t.TempDir())
			if _, err := b.exportTo(f, SyncOptions{Request: Request{Since: aDay}}); err != nil || b.jobs != tt.jobs {
				t.Errorf("got %v after %d jobs", err, b.jobs)
			}
			for _, h := range b.kicks {
				if len(h.Get("Idempotency-Key")) < 20 {
					t.Errorf("Idempotency-Key %q", h.Get("Idempotency-Key"))
				}
			}
		})
	}
}

// TestFolderAtAB2D has a server as CMS's: no ranges, and a transactionTime that
// is no instant.
func TestFolderAtAB2D(t *testing.T) {
	b := newBulk(t)
	b.plain, b.at = true, "Nov 24, 2026, 8:00:00 AM"
	b.files["S1234_0001.ndjson"] = claimLines(500, "a")
	f := b.open(t.TempDir())
	before := time.Now()
	run, err := b.exportTo(f, SyncOptions{})
	if err != nil || !run.Continuous {
		t.Fatalf("got %+v, %v", run, err)
	}
	if since := f.Since(); since.After(time.Now().Add(-dateMargin)) || since.Before(before.Add(-dateMargin-2*time.Second)) {
		t.Errorf("since %s, now is %s", since, time.Now())
	}
}
