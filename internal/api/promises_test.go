package api_test

import (
	"bytes"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ab2d/internal/admin"
	"ab2d/internal/audit"
	"ab2d/internal/auth"
)

// Attempts to break promises of docs/security.md that need more than a request.

// TestWhatCannotBeRecordedFails: when the audit log takes no entry there is no
// token, no export, no byte of a file, no list of patients, and no change by an
// administrator.
func TestWhatCannotBeRecordedFails(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.export()
	token := s.adminToken("client")
	s.token(two, auth.Scope) // before it is too late
	s.idle()
	raw, err := sql.Open("sqlite", "file:"+s.database+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec(`create trigger audit_is_full before insert on audit_pending begin select raise(abort, 'the disk is full'); end`); err != nil {
		t.Fatal(err)
	}
	jobs := func() (n int) {
		if err := raw.QueryRow(`select count(*) from job`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := jobs()
	if a := s.tokenRequest(one, secret); a.status < 500 || bytes.Contains(a.body, []byte("access_token")) {
		t.Errorf("a token without its entry: %d %s", a.status, a.body)
	}
	if a := s.do(two, "GET", patientV2); a.status < 500 || jobs() != before {
		t.Errorf("an export without its entry: %d, %d jobs, before %d", a.status, jobs(), before)
	}
	if a := s.do(one, "GET", m.Output[0].URL); a.status < 500 || bytes.Contains(a.body, []byte("ExplanationOfBenefit")) {
		t.Errorf("a download without its entry: %d, %d bytes", a.status, len(a.body))
	}
	if a := s.do(two, "GET", "/api/v2/fhir/Patient"); a.status < 500 || bytes.Contains(a.body, []byte("Patient")) {
		t.Errorf("a list of patients without its entry: %d %s", a.status, a.body)
	}
	if a := s.admin(token, "POST", "/clients/"+two+"/disable", ""); a.status < 500 {
		t.Errorf("an act of an administrator without its entry: %d", a.status)
	}
	if c, err := s.db.Client(t.Context(), two); err != nil || !c.Enabled {
		t.Errorf("the client was disabled without an entry: %v, %v", c, err)
	}
}

// TestACopyOfTheDatabaseHoldsNoSecret: nobody who reads its files finds a
// client's secret, an admin token, an access token or a signing key.
func TestACopyOfTheDatabaseHoldsNoSecret(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	token := s.adminToken("client")
	var first, second admin.Client
	s.admin(token, "POST", "/clients", `{"contract":"Z0000","id":"nightly"}`).to(t, http.StatusCreated, &first)
	s.admin(token, "POST", "/clients", `{"contract":"Z0000","id":"weekly"}`).to(t, http.StatusCreated, &second)
	secretForm := regexp.MustCompile(`^ab2ds_[A-Z2-7]{52}$`) // 260 bits
	if !secretForm.MatchString(first.Secret) || !secretForm.MatchString(second.Secret) || first.Secret == second.Secret {
		t.Error("a secret is not ab2ds_ and 52 random characters of Base32")
	}
	if a := s.tokenRequest(first.ID, first.Secret); a.status != http.StatusOK {
		t.Fatal(a.status)
	}
	hidden := map[string][]byte{"a secret": []byte(first.Secret), "an admin token": []byte(token[strings.LastIndex(token, "_")+1:]), "an access token": []byte(s.token(one, auth.Scope))}
	keys, err := s.tokenServer.Keys.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		der, err := x509.MarshalPKCS8PrivateKey(k.Private)
		if err != nil {
			t.Fatal(err)
		}
		d, err := k.Private.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		for what, b := range map[string][]byte{"a signing key, DER": der, "a signing key's number": d} {
			hidden[what] = b
			hidden[what+", hex"] = []byte(hex.EncodeToString(b))
			hidden[what+", Base64"] = []byte(base64.StdEncoding.EncodeToString(b))
			hidden[what+", Base64 in a URL"] = []byte(base64.RawURLEncoding.EncodeToString(b))
		}
	}
	found, err := filepath.Glob(s.database + "*")
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	seen := false
	for _, path := range found {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seen = seen || bytes.Contains(b, []byte("nightly"))
		for what, secret := range hidden {
			if bytes.Contains(b, secret) {
				t.Errorf("%s is in %s", what, filepath.Base(path))
			}
		}
	}
	if !seen {
		t.Error("the client is not in the files that were searched, so they show nothing")
	}
}

// TestActsNameTheAdministrator: each act by an admin token has an entry with the
// token's name.
func TestActsNameTheAdministrator(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	token := s.adminToken("client", "contract", "maintenance")
	for _, act := range []string{"/clients/" + two + "/disable", "/clients/" + two + "/enable", "/contracts/Z0001/disable", "/contracts/Z0001/enable", "/clients/" + two + "/rotate"} {
		before := 0
		for range s.db.Links(t.Context(), 0) {
			before++
		}
		if a := s.admin(token, "POST", act, ""); a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", act, a.status, a.body)
		}
		var got []string
		n := 0
		for link, err := range s.db.Links(t.Context(), 0) {
			var e audit.Entry
			if err != nil || json.Unmarshal(link.Body, &e) != nil {
				t.Fatal(err)
			}
			if n++; n > before {
				got = append(got, e.Actor)
			}
		}
		if len(got) != 1 || got[0] != "admin alice" {
			t.Errorf("%s: entries by %q, want one by \"admin alice\"", act, got)
		}
	}
}

// deadlineWriter notes until when a request's body may be read.
type deadlineWriter struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (w *deadlineWriter) SetReadDeadline(t time.Time) error { w.deadline = t; return nil }

// TestBodiesHaveTheirTime: a body that is sent drop by drop is not waited for.
func TestBodiesHaveTheirTime(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for _, path := range []string{tokenPath, patientV2, "/admin/v1/clients"} {
		w := &deadlineWriter{ResponseRecorder: httptest.NewRecorder()}
		s.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", path, strings.NewReader("x")))
		if left := time.Until(w.deadline); left <= 0 || left > 30*time.Second {
			t.Errorf("%s: the body may take %s, want 30 seconds at most", path, left)
		}
	}
}
