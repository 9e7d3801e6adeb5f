package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/client"
	"ab2d/internal/account"
	"ab2d/internal/synth"
	"ab2d/internal/testserver"
)

// sponsorSide is a sponsor with its own client: a program that polls an export, and a
// terminal.
type sponsorSide struct {
	*testing.T
	url, id string
	dir     string
	polls   chan struct{} // one for each poll that was answered
	stop    func()        // ends the polling
}

// RoundTrip makes requests of the program, none of which may fail.
func (s *sponsorSide) RoundTrip(r *http.Request) (*http.Response, error) {
	a, err := http.DefaultTransport.RoundTrip(r)
	if r.Context().Err() == nil && (err != nil || a.StatusCode >= 400) {
		s.Errorf("%s %s failed: %v, %v", r.Method, r.URL.Path, a, err)
	}
	return a, err
}

// program is the sponsor's program with a secret, or with a key.
func (s *sponsorSide) program(secret string, key *client.Key) *client.Client {
	s.Helper()
	c, err := client.New(client.Config{BaseURL: s.url + "/api/v2/fhir", TokenURL: s.url + "/oauth2/aus2r7y3gdaFMKBol297/v1/token", ClientID: s.id, ClientSecret: secret, Key: key,
		HTTP: &http.Client{Transport: s}, Sleep: func(ctx context.Context, _ time.Duration) error {
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
			return ctx.Err()
		}})
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// poll goes on polling with another program, which takes over from the one before.
func (s *sponsorSide) poll(c *client.Client, job client.Job) {
	s.Helper()
	if s.stop != nil {
		s.stop()
	}
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := c.Wait(ctx, job, func(client.Progress) {
			select {
			case s.polls <- struct{}{}:
			default:
			}
		}); ctx.Err() == nil {
			s.Errorf("the export ended too early: %v", err)
		}
	}()
	s.stop = func() {
		cancel()
		<-done
	}
	s.polled()
}

// polled waits until the program was answered again.
func (s *sponsorSide) polled() {
	s.Helper()
	<-s.polls // one that may be of before
	select {
	case <-s.polls:
	case <-time.After(time.Minute):
		s.Fatal("the program is not answered")
	}
}

// account runs ab2d account with credentials, while the program polls.
func (s *sponsorSide) account(with []string, args ...string) account.Account {
	s.Helper()
	var out, errs bytes.Buffer
	all := append(append([]string{"account"}, args...), "--json", "--url="+s.url, "--client-id="+s.id)
	if code := run(s.Context(), append(all, with...), streams{out: &out, err: &errs}); code != exitOK {
		s.Fatalf("ab2d account %v: %d %s", args, code, errs.String())
	}
	s.polled()
	var a account.Account
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		s.Fatalf("%v: %s", err, out.String())
	}
	return a
}

func (s *sponsorSide) file(name, content string) string {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.Fatal(err)
	}
	return path
}

// privateKey writes a new key to a file, as openssl does.
func (s *sponsorSide) privateKey() (path string, key *client.Key) {
	s.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		s.Fatal(err)
	}
	content := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if key, err = client.ParseKey(content, "2026"); err != nil {
		s.Fatal(err)
	}
	return s.file("key.pem", string(content)), key
}

// TestAccountWithoutAnOperator: a sponsor replaces its leaked secret, moves to a key and
// narrows its networks without an operator, and no request of its program fails, which
// polls an export all the while.
func TestAccountWithoutAnOperator(t *testing.T) {
	t.Parallel()
	s3 := testserver.S3(t)
	shared := []string{"--database=" + testserver.Postgres(t), "--files=" + s3.Address("results"), "--claims=synthetic:"}
	p := startProcess(t, s3.Env(), append([]string{"serve", "--workers=0", "--max-polls=1000", "--client-rate-factor=0", "--listen=127.0.0.1:0", "--data=" + t.TempDir(), "--key-file=" + keyFile(t)}, shared...)...)
	id, secret := addClient(t, synth.Sponsors()[0].Contract, shared[0], "--data="+t.TempDir())
	s := &sponsorSide{T: t, url: p.url, id: id, dir: t.TempDir(), polls: make(chan struct{}, 1)}
	first := s.program(secret, nil)
	job, err := first.Start(t.Context(), client.Request{})
	if err != nil {
		t.Fatal(err)
	}
	s.poll(first, job)

	// The secret leaked. The new one is beside it until the program has it.
	leaked := []string{"--client-secret-file=" + s.file("old", secret)}
	a := s.account(leaked, "secret", "rotate", "--overlap=1h", "--save="+filepath.Join(s.dir, "new"))
	if a.Secret != "" || len(a.Secrets) != 2 {
		t.Fatalf("after a rotation: %+v", a)
	}
	renewed, err := os.ReadFile(filepath.Join(s.dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	second := []string{"--client-secret-file=" + filepath.Join(s.dir, "new")}
	s.poll(s.program(strings.TrimSpace(string(renewed)), nil), job)
	a = s.account(second, "secret", "revoke", strings.TrimPrefix(s.account(leaked, "show").SignedInBy, "secret "))
	if len(a.Secrets) != 1 {
		t.Errorf("after the old secret was revoked: %+v", a)
	}

	// It moves to a key, and has no secret any more.
	path, key := s.privateKey()
	a = s.account(second, "key", "add", path, "--new-key-id=2026")
	s.poll(s.program("", key), job)
	byKey := []string{"--private-key=" + path, "--key-id=2026"}
	s.account(byKey, "secret", "revoke", a.Secrets[0].ID)
	a = s.account(byKey, "networks", "set", "127.0.0.0/8")
	if len(a.Secrets) != 0 || len(a.Keys) != 1 || a.SignedInBy != "key 2026" || len(a.Networks) != 1 || len(a.Waiting) != 0 {
		t.Errorf("at the end: %+v", a)
	}
	s.stop()
	s.completes(key, job, append([]string{"worker", "--workers=1", "--data=" + t.TempDir()}, shared...), s3.Env())
	s.onRecord(byKey, leaked)
}

// completes lets workers export what was polled, and downloads it.
func (s *sponsorSide) completes(key *client.Key, job client.Job, worker, env []string) {
	s.Helper()
	startProgram(s, program, env, worker...)
	c := s.program("", key)
	m, err := c.Wait(s.Context(), job, nil)
	if err != nil || len(m.Output) == 0 {
		s.Fatalf("the export: %+v, %v", m, err)
	}
	if _, err := c.Download(s.Context(), m.Output[0], s.dir, nil); err != nil {
		s.Error(err)
	}
}

// onRecord: the audit log has each change and no rejection, until the old secret is used.
func (s *sponsorSide) onRecord(byKey, leaked []string) {
	s.Helper()
	var out bytes.Buffer
	where := []string{"--url=" + s.url, "--client-id=" + s.id}
	list := append(append([]string{"account", "audit", "list", "--limit=200"}, where...), byKey...)
	if code := run(s.Context(), list, streams{out: &out, err: &out}); code != exitOK {
		s.Fatalf("%d %s", code, out.String())
	}
	for want, times := range map[string]int{"client.secret-added": 1, "client.secret-revoked": 2, "client.changed": 2, "networks [127.0.0.0/8]": 1, "refused": 0} {
		if got := strings.Count(out.String(), want); got != times {
			s.Errorf("the audit log has %q %d times, want %d:\n%s", want, got, times, out.String())
		}
	}
	for _, secret := range []string{"ab2ds_", "BEGIN"} {
		if strings.Contains(out.String(), secret) {
			s.Errorf("the audit log has a secret:\n%s", out.String())
		}
	}
	if code := run(s.Context(), append(append([]string{"account", "show"}, where...), leaked...), streams{out: &out, err: &out}); code == exitOK || !strings.Contains(out.String(), "secret is wrong") {
		s.Errorf("the leaked secret still works: %d %s", code, out.String())
	}
}
