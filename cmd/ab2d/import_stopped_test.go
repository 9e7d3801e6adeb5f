package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ab2d/client"
	"ab2d/internal/synth"
)

// TestASuspendedImportHoldsNobodyUp stops an import into SQLite in the middle, beside a
// server of the same database. Wherever it stops, the server tells the status at once, and
// answers a request for a token when SQLite has waited for the lock in vain, with 503 and
// Retry-After. When the import goes on, it ends.
func TestASuspendedImportHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("imports beside a server, which -short leaves out")
	}
	s := startImporting(t)
	stops, locked := 0, 0
	for locked < 2 { // until it was stopped within transactions
		select {
		case err := <-s.ended:
			t.Fatalf("it ended after %d stops, of which %d held the lock: %v: %s", stops, locked, err, s.said.String())
		case <-time.After(60 * time.Millisecond):
		}
		s.signal(t, syscall.SIGSTOP)
		stops++
		if code := s.within(t, 2*time.Second, http.MethodGet, s.job.StatusURL, "Bearer "+s.token); code != http.StatusAccepted && code != http.StatusOK && code != http.StatusTooManyRequests {
			t.Errorf("the status is %d", code)
		}
		// busyTime of the store is 5 seconds.
		switch code := s.within(t, 8*time.Second, http.MethodPost, s.tokens, s.basic); code {
		case http.StatusServiceUnavailable:
			locked++
		case http.StatusOK:
		default:
			t.Errorf("a request for a token: %d", code)
		}
		s.signal(t, syscall.SIGCONT)
	}
	select {
	case err := <-s.ended:
		if err != nil || !strings.Contains(s.said.String(), "Stored for") {
			t.Errorf("%v: %s", err, s.said.String())
		}
	case <-time.After(2 * time.Minute):
		t.Error("the import does not end")
	}
	if code := s.within(t, 8*time.Second, http.MethodPost, s.tokens, s.basic); code != http.StatusOK {
		t.Errorf("after the import, a request for a token: %d", code)
	}
	t.Logf("stopped %d times, %d of them with the lock", stops, locked)
}

// importing is an import beside a server, with a client of it.
type importing struct {
	cmd   *exec.Cmd
	said  strings.Builder // valid when it has ended
	ended chan error

	job                  client.Job
	tokens, basic, token string
}

// startImporting starts the server, an export, and the import.
func startImporting(t *testing.T) *importing {
	t.Helper()
	dir := t.TempDir()
	whole, contracts, data := filepath.Join(dir, "claims.ndjson"), filepath.Join(dir, "contracts.csv"), filepath.Join(dir, "data")
	damagedClaims(t, whole)
	if err := os.WriteFile(contracts, []byte("contract,sponsor,attested\nZ0001,Sponsor,2020-03-01\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program, "import", "contracts", contracts, "--data="+data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := startProcess(t, nil, "serve", "--claims=store:", "--data="+data, "--listen=127.0.0.1:0")
	id, secret := addClient(t, "Z0001", "--data="+data)
	s := &importing{ended: make(chan error, 1), basic: "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret)),
		tokens: p.url + "/oauth2/aus2r7y3gdaFMKBol297/v1/token?grant_type=client_credentials&scope=clientCreds"}
	sponsor := synth.Sponsor{Contract: "Z0001", Credentials: []synth.Credential{{ID: id, Secrets: []string{secret}}}}
	var err error
	if s.job, err = p.newClient(t, sponsor).Start(t.Context(), client.Request{}); err != nil {
		t.Fatal(err)
	}
	if code := s.within(t, 8*time.Second, http.MethodPost, s.tokens, s.basic); code != http.StatusOK {
		t.Fatalf("a request for a token: %d", code)
	}
	s.cmd = exec.CommandContext(t.Context(), program, "import", "claims", whole, "--fhir=r4", "--data="+data)
	s.cmd.Stdout, s.cmd.Stderr = &s.said, &s.said
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	return s
}

func (s *importing) signal(t *testing.T, what syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(what); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// within makes a request that may take some time. 503 must have a Retry-After. A token
// that comes is kept.
func (s *importing) within(t *testing.T, most time.Duration, method, url, authorization string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	began := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var granted struct {
		Token string `json:"access_token"`
	}
	if b, err := io.ReadAll(resp.Body); err == nil && json.Unmarshal(b, &granted) == nil && granted.Token != "" {
		s.token = granted.Token
	}
	if took := time.Since(began); took > most {
		t.Errorf("%s took %s", r.URL.Path, took)
	}
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
		t.Errorf("%s: 503 without Retry-After", r.URL.Path)
	}
	return resp.StatusCode
}
