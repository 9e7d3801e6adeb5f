package client

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestFolderKeepsTheJobWithoutToken: a token endpoint that is gone tells nothing
// of the export.
func TestFolderKeepsTheJobWithoutToken(t *testing.T) {
	b := newBulk(t)
	b.files["a.ndjson"] = claimLines(5, "a")
	b.status = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadRequest); return true }
	f := b.open(t.TempDir())
	if _, err := f.Sync(t.Context(), SyncOptions{}); err == nil {
		t.Fatal("it worked")
	}
	b.status = nil
	for _, path := range []string{"/nowhere", "/fhir/Job/9/$status"} {
		c, err := New(Config{BaseURL: b.url + "/fhir", TokenURL: b.url + path, ClientID: "id", ClientSecret: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		f.client = c
		if _, err := f.Sync(t.Context(), SyncOptions{}); err == nil || !strings.Contains(err.Error(), "access token") || b.jobs != 1 {
			t.Errorf("got %v after %d jobs", err, b.jobs)
		}
	}
	f.client = b.client()
	if _, err := b.exportTo(f, SyncOptions{}); err != nil || b.jobs != 1 {
		t.Errorf("got %v after %d jobs", err, b.jobs)
	}
}

func TestFolderRefuses(t *testing.T) {
	b := newBulk(t)
	dir := t.TempDir()
	f := b.open(dir)
	if _, err := b.client().OpenFolder(dir, FolderOptions{}); !errors.Is(err, ErrLocked) {
		t.Errorf("two at once: %v", err)
	}
	b.status = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusForbidden); return true }
	if _, err := f.Sync(t.Context(), SyncOptions{}); err == nil || !f.Unfinished() {
		t.Fatalf("got %v", err)
	}
	if _, err := f.Sync(t.Context(), SyncOptions{Request: Request{Since: aDay}}); !errors.Is(err, ErrUnfinished) {
		t.Errorf("other parameters: %v", err)
	}
	if err := f.Cancel(t.Context()); err != nil || f.Unfinished() {
		t.Errorf("cancel: %v", err)
	}
	f.Close()
	other := b.client()
	other.id = "other"
	if _, err := other.OpenFolder(dir, FolderOptions{}); !errors.Is(err, ErrOtherSource) {
		t.Errorf("another client: %v", err)
	}
	f, err := other.OpenFolder(dir, FolderOptions{Rebind: true})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, state := range []string{"", "{}", "nonsense", `{"format":2}`, `{"format":1,"runs":["../x"]}`, `{"format":1,"current":{"run":"/tmp"}}`} {
		if err := os.WriteFile(filepath.Join(dir, "ab2d.json"), []byte(state), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := other.OpenFolder(dir, FolderOptions{}); err == nil || !strings.Contains(err.Error(), "ab2d.json") {
			t.Errorf("state %q: %v", state, err)
		}
	}
}

func TestFolderHoldsNoSecret(t *testing.T) {
	b := newBulk(t)
	b.files["a.ndjson"] = claimLines(5, "a")
	b.file = func(http.ResponseWriter, *http.Request, string) bool { panic(http.ErrAbortHandler) }
	f := b.open(t.TempDir())
	if _, err := b.exportTo(f, SyncOptions{}); err == nil {
		t.Fatal("it was not broken off")
	}
	state, err := os.ReadFile(filepath.Join(f.Dir(), "ab2d.json"))
	if err != nil || strings.Contains(string(state), "secret") || strings.Contains(string(state), "token-") {
		t.Errorf("%v, the state is %s", err, state)
	}
}

// TestFolderFailedExport: an export that the server says has failed is over, so that
// the next one begins anew.
func TestFolderFailedExport(t *testing.T) {
	for status, body := range map[int]string{
		500: `{"issue":[{"severity":"error","code":"exception","details":{"text":"Too many could not be read."}}]}`,
		400: `{"issue":[{"severity":"error","code":"processing","diagnostics":"The manifest was not made."}]}`,
		413: "Too many files",
	} {
		b := newBulk(t)
		b.status = func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return true
		}
		f := b.open(t.TempDir())
		if _, err := f.Sync(t.Context(), SyncOptions{}); err == nil || f.Unfinished() {
			t.Errorf("%d: got %v, unfinished %v", status, err, f.Unfinished())
		}
		b.status = nil
		if _, err := b.exportTo(f, SyncOptions{}); err != nil || b.jobs != 2 {
			t.Errorf("%d: got %v after %d jobs", status, err, b.jobs)
		}
	}
}

// TestFolderKeepsRefusedExport: a refusal that is not about the export leaves it.
func TestFolderKeepsRefusedExport(t *testing.T) {
	for status, body := range map[int]string{400: "", 401: `{"issue":[{"code":"login"}]}`, 403: `{"issue":[{"code":"forbidden"}]}`, 500: ""} {
		b := newBulk(t)
		b.status = func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return true
		}
		f := b.open(t.TempDir())
		if _, err := f.Sync(t.Context(), SyncOptions{}); err == nil || !f.Unfinished() {
			t.Errorf("%d: got %v, unfinished %v", status, err, f.Unfinished())
		}
		b.status = nil
		if _, err := b.exportTo(f, SyncOptions{}); err != nil || b.jobs != 1 {
			t.Errorf("%d: got %v after %d jobs", status, err, b.jobs)
		}
	}
}

// TestFolderTellsNoQueries: the query of a status URL, which a server may have signed,
// is kept and used, and no event has it.
func TestFolderTellsNoQueries(t *testing.T) {
	b := newBulk(t)
	b.files["a.ndjson"] = claimLines(5, "a")
	b.kick = func(w http.ResponseWriter, _ *http.Request) bool {
		b.jobs++
		w.Header().Set("Content-Location", b.url+"/fhir/Job/1/$status?signed=hidden")
		w.WriteHeader(http.StatusAccepted)
		return true
	}
	stumbles := true
	b.status = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.RawQuery != "signed=hidden" {
			t.Errorf("asked with the query %q", r.URL.RawQuery)
		}
		if stumbles {
			w.WriteHeader(http.StatusBadRequest)
		}
		return stumbles
	}
	f := b.open(t.TempDir())
	var mu sync.Mutex
	var told []Event
	options := SyncOptions{Event: func(e Event) { mu.Lock(); told = append(told, e); mu.Unlock() }}
	if _, err := f.Sync(t.Context(), options); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Fatalf("got %v", err)
	}
	stumbles = false
	if _, err := f.Sync(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	kinds := map[Kind]bool{}
	for _, e := range told {
		kinds[e.Kind] = true
		if strings.Contains(fmt.Sprint(e), "hidden") {
			t.Errorf("told %v", e)
		}
	}
	if !kinds[EventStarted] || !kinds[EventContinued] {
		t.Errorf("told %v", told)
	}
}
