package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"ab2d/internal/auth"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	length int64 // Content-Length; -1 when absent
}

// do sends a request as a client, or without a token for the client "".
// Headers have the form "Name: value".
func (s *server) do(client, method, target string, headers ...string) *answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.absolute(target), nil)
	if err != nil {
		s.Fatal(err)
	}
	if client != "" {
		r.Header.Set("Authorization", "Bearer "+s.token(client, auth.Scope))
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return s.send(r)
}

func (s *server) absolute(target string) string {
	if strings.HasPrefix(target, "http:") {
		return target
	}
	return s.url + target
}

// send sends a request and holds the answer against what every one must be.
func (s *server) send(r *http.Request) *answer {
	s.Helper()
	if len(r.URL.RawQuery) > 8 {
		s.queries = append(s.queries, r.URL.RawQuery)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header, length: resp.ContentLength}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		s.Fatal(err)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Xss-Protection": "1; mode=block", "X-Frame-Options": "DENY"} {
		if got := a.header.Get(name); got != want {
			s.Errorf("%s %s: %s is %q", r.Method, r.URL, name, got)
		}
	}
	ours := !strings.HasPrefix(r.URL.Path, "/oauth2/") && !strings.HasPrefix(r.URL.Path, "/health")
	if a.status >= 400 && ours && r.Method != http.MethodHead {
		a.outcome(s.TB)
	}
	return a
}

// outcome reads the OperationOutcome of an error and checks its form.
func (a *answer) outcome(t testing.TB) fhir.OperationOutcome {
	t.Helper()
	var o fhir.OperationOutcome
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil || o.ResourceType != "OperationOutcome" || len(o.Issue) == 0 {
		t.Fatalf("%d is no OperationOutcome: %v %q", a.status, err, a.body)
	}
	for _, i := range o.Issue {
		if i.Severity != fhir.SeverityError || i.Code == "" || i.Details.Text == "" || i.Diagnostics != "request id "+a.header.Get(obs.RequestIDHeader) {
			t.Errorf("%d: the issue lacks something: %+v", a.status, i)
		}
	}
	if kind := a.header.Get("Content-Type"); kind != fhir.TypeFHIR && kind != "application/json" || a.length != int64(len(a.body)) || a.header.Get("Content-Encoding") != "" ||
		a.header.Get("Cache-Control") != "no-cache, no-store, max-age=0, must-revalidate" {
		t.Errorf("%d: the headers are those of no error: %v", a.status, a.header)
	}
	return o
}

// is checks the status and the code of the first issue, and that the texts
// hold all words.
func (a *answer) is(t testing.TB, status int, code fhir.Code, words ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("answered %d %s, want %d", a.status, a.body, status)
	}
	o := a.outcome(t)
	if o.Issue[0].Code != code {
		t.Errorf("the code is %s, want %s: %s", o.Issue[0].Code, code, o.Issue[0].Details.Text)
	}
	texts := ""
	for _, i := range o.Issue {
		texts += i.Details.Text + "\n"
	}
	for _, w := range words {
		if !strings.Contains(texts, w) {
			t.Errorf("the texts lack %q:\n%s", w, texts)
		}
	}
}
