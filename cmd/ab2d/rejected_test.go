package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"ab2d/client"
)

// TestRejectedLines: rejected.ndjson has each line that cannot be used once, with
// what it was, whether the client or the conversion found it.
func TestRejectedLines(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.ndjson"), []byte("good\nbad one\n\xffbad two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := &client.Run{Files: []client.RunFile{{Name: "a.ndjson", List: "output", MoreRejected: 5,
		Rejected: []client.RejectedLine{{Line: 2, Reason: "not JSON"}, {Line: 3, Reason: "not UTF-8"}}}}}
	r := newRejects(dir, run)
	r.add(filepath.Join(dir, "a.ndjson"), 2, "it is not a claim in JSON", []byte("bad one"))
	r.add(filepath.Join(dir, "b.ndjson"), 9, "/item is not of the type that a claim has there", []byte(`{"item":7}`))
	if n, err := r.finish(t.Context()); err != nil || n != 7 {
		t.Fatalf("%d lines, want 7: %v", n, err)
	}
	f, err := os.Open(filepath.Join(dir, rejectedName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []rejectedLine
	for in := bufio.NewScanner(f); in.Scan(); {
		var l rejectedLine
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		got = append(got, l)
	}
	if len(got) != 3 || got[0].Reason != "not JSON" || got[0].Content != "bad one" || got[1].File != "b.ndjson" || string(got[2].Base64) != "\xffbad two" {
		t.Errorf("got %+v", got)
	}
}

// TestNothingRejected: without bad lines there is no file.
func TestNothingRejected(t *testing.T) {
	dir := t.TempDir()
	if n, err := newRejects(dir, &client.Run{}).finish(t.Context()); err != nil || n != 0 {
		t.Errorf("%d lines, %v", n, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestAdminTokenStaysAtItsServer: a redirect does not get it.
func TestAdminTokenStaysAtItsServer(t *testing.T) {
	elsewhere := newAnswering(t, "")
	redirecting := newAnswering(t, elsewhere.url)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := adminConfig{Server: redirecting.url, TokenFile: token}
	_, err := c.ask(t.Context(), streams{}, "GET", "/jobs", nil)
	if err == nil || !strings.Contains(err.Error(), "redirect") || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("got %v", err)
	}
	if len(elsewhere.asked()) != 0 {
		t.Errorf("it was sent on: %q", elsewhere.asked())
	}
}

// answering is a server that notes the tokens it gets, and redirects to another.
type answering struct {
	url    string
	mu     sync.Mutex
	tokens []string
}

func newAnswering(t *testing.T, redirect string) *answering {
	a := new(answering)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.tokens = append(a.tokens, r.Header.Get("Authorization"))
		if redirect != "" {
			http.Redirect(w, r, redirect+r.URL.Path, http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(h.Close)
	a.url = h.URL
	return a
}

func (a *answering) asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.tokens)
}
