package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// The credentials of the tests, with characters that RFC 6749 §2.3.1 encodes.
const (
	testID     = "0oa2t0lsrdZw5uWRx297"
	testSecret = "HHdu+W G6/logIv"
)

// aDay is when the tests take place.
var aDay = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// server is a Bulk Data server that follows the contract and fails the test
// at a request that does not. A test gives it the answers to come.
type server struct {
	t   *testing.T
	url string

	mu      sync.Mutex
	tokens  int                // issued so far; the newest one is valid
	expired int                // what an expired token is answered: 401 or 403
	start   []http.HandlerFunc // the answers to come; each is given once
	status  []http.HandlerFunc
	delete  []http.HandlerFunc
	files   map[string][]http.HandlerFunc
	token   []http.HandlerFunc // before these are used up no token is issued
}

func newServer(t *testing.T) *server {
	s := &server{t: t, expired: http.StatusForbidden, files: map[string][]http.HandlerFunc{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.issue)
	mux.HandleFunc("GET /api/v1/fhir/Patient/$export", s.bearer(&s.start, "application/fhir+json"))
	mux.HandleFunc("GET /api/v1/fhir/Group/Z0000/$export", s.bearer(&s.start, "application/fhir+json"))
	mux.HandleFunc("GET /api/v1/fhir/Job/1/$status", s.bearer(&s.status, "application/json"))
	mux.HandleFunc("DELETE /api/v1/fhir/Job/1/$status", s.bearer(&s.delete, "application/fhir+json"))
	mux.HandleFunc("GET /api/v1/fhir/Job/1/file/{name}", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		answers := s.files[r.PathValue("name")]
		s.mu.Unlock()
		defer func() { // also when the answer hangs up
			s.mu.Lock()
			defer s.mu.Unlock()
			s.files[r.PathValue("name")] = answers
		}()
		s.bearer(&answers, "application/fhir+ndjson")(w, r)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("unexpected request %s %s", r.Method, r.URL)
		w.WriteHeader(http.StatusTeapot)
	})
	h := httptest.NewServer(mux)
	t.Cleanup(func() {
		h.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		if n := len(s.start) + len(s.status) + len(s.delete) + len(s.token); n > 0 {
			t.Errorf("%d answers were not asked for", n)
		}
		for name, answers := range s.files {
			if len(answers) > 0 {
				t.Errorf("%s was not asked for often enough", name)
			}
		}
	})
	s.url = h.URL
	return s
}

// issue is the token endpoint.
func (s *server) issue(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != testID || secret != "HHdu%2BW+G6%2FlogIv" {
		s.t.Errorf("token asked for by %q with %q", id, secret)
	}
	body, _ := io.ReadAll(r.Body)
	if string(body) != "grant_type=client_credentials&scope=clientCreds" || r.URL.RawQuery != "" {
		s.t.Errorf("token asked for with query %q and body %q", r.URL.RawQuery, body)
	}
	if next := s.next(&s.token); next != nil {
		next(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens++
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3600,"access_token":"token-%d","scope":"clientCreds"}`, s.tokens)
}

// bearer checks the token and what is accepted, and gives the next answer.
func (s *server) bearer(answers *[]http.HandlerFunc, accept string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept"); got != accept {
			s.t.Errorf("%s %s accepts %q, want %q", r.Method, r.URL, got, accept)
		}
		s.mu.Lock()
		valid, expired := fmt.Sprintf("Bearer token-%d", s.tokens), s.expired
		s.mu.Unlock()
		if got := r.Header.Get("Authorization"); got != valid {
			if !strings.HasPrefix(got, "Bearer token-") {
				s.t.Errorf("%s %s with Authorization %q", r.Method, r.URL, got)
			}
			w.WriteHeader(expired)
			return
		}
		next := s.next(answers)
		if next == nil {
			s.t.Errorf("unexpected request %s %s", r.Method, r.URL)
			w.WriteHeader(http.StatusTeapot)
			return
		}
		next(w, r)
	}
}

func (s *server) next(answers *[]http.HandlerFunc) http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(*answers) == 0 {
		return nil
	}
	next := (*answers)[0]
	*answers = (*answers)[1:]
	return next
}

// expire makes the tokens issued so far invalid.
func (s *server) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens++
}

func (s *server) issued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

// client is a client of this server that does not really sleep. It notes its
// waits in slept. It makes a connection for each request: on one that was used
// before, net/http repeats a request that got no answer by itself.
func (s *server) client(slept *[]time.Duration) *Client {
	s.t.Helper()
	oneShot := &http.Transport{DisableKeepAlives: true}
	c, err := New(Config{
		HTTP:    &http.Client{Transport: oneShot},
		BaseURL: s.url + "/api/v1/fhir/", TokenURL: s.url + "/token", ClientID: testID, ClientSecret: testSecret,
		Now: func() time.Time { return aDay },
		Sleep: func(ctx context.Context, d time.Duration) error {
			if slept != nil {
				*slept = append(*slept, d)
			}
			return ctx.Err()
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	c.random = func() float64 { return 1 }
	return c
}

func (s *server) job() Job { return Job{StatusURL: s.url + "/api/v1/fhir/Job/1/$status"} }

// file describes a file of the server as its manifest does.
func (s *server) file(name, content string) File {
	sum := sha256.Sum256([]byte(content))
	return File{
		Type: "ExplanationOfBenefit", URL: s.url + "/api/v1/fhir/Job/1/file/" + name, RequiresAccessToken: true,
		Count: int64(strings.Count(content, "\n")), Length: int64(len(content)), SHA256: sum[:],
	}
}

// answer is a handler that answers with a status, header pairs and a body.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// gzipped is a handler that answers with gzip, if that was asked for.
func gzipped(t *testing.T, content string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "gzip" {
			t.Errorf("Accept-Encoding %q, want gzip", got)
		}
		w.Header().Set("Content-Type", "application/fhir+ndjson")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(deflated(content))
	}
}

func deflated(content string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, content)
	z.Close()
	return b.Bytes()
}
