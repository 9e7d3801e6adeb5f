package clienttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is a Bulk Data server that has one export. Its fields are set before the
// first request.
type Server struct {
	// URL is its address, without a path.
	URL string
	// Date is the Date of the answer to the kick-off, and TransactionTime what the
	// manifest says.
	Date, TransactionTime time.Time
	// KickOff, if it is not nil, answers the kick-off instead.
	KickOff http.HandlerFunc
	// Polls are the answers to the first requests for the status, one each. Then
	// the manifest follows.
	Polls []http.HandlerFunc
	// Manifest, if it is not nil, writes the manifest instead, in whatever form.
	// poll counts the requests for the status from 1.
	Manifest func(poll int) string

	mux *http.ServeMux

	mu      sync.Mutex
	files   []promised
	polled  int
	deleted bool
}

// promised is a file as the manifest promises it.
type promised struct {
	list string
	file map[string]any
}

// NewServer starts a server that stops when the test ends.
func NewServer(tb testing.TB) *Server {
	start := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	s := &Server{Date: start, TransactionTime: start, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /fhir/Patient/$export", s.kickOff)
	s.mux.HandleFunc("GET /fhir/Group/{group}/$export", s.kickOff)
	s.mux.HandleFunc("GET /fhir/status", s.status)
	s.mux.HandleFunc("DELETE /fhir/status", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.deleted = true
		w.WriteHeader(http.StatusAccepted)
	})
	h := httptest.NewServer(s.mux)
	tb.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

// BaseURL is the FHIR base URL, for a client's configuration.
func (s *Server) BaseURL() string { return s.URL + "/fhir" }

// Polled is how often the status was asked for.
func (s *Server) Polled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.polled
}

// Deleted tells whether the client has deleted the export.
func (s *Server) Deleted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deleted
}

// Promise is one more thing that the manifest says of a file.
type Promise func(*promised)

// Count promises a number of resources.
func Count(n int64) Promise { return func(p *promised) { p.file["count"] = n } }

// In puts the file in another list than output: deleted or error.
func In(list, resourceType string) Promise {
	return func(p *promised) { p.list, p.file["type"] = list, resourceType }
}

// Length promises a length in bytes, as AB2D does.
func Length(n int64) Promise {
	return func(p *promised) {
		p.file["extension"] = []any{map[string]any{"url": "https://ab2d.cms.gov/file_length", "valueDecimal": n}}
	}
}

// Query adds a query to the file's URL, as signed links have one.
func Query(q string) Promise {
	return func(p *promised) { p.file["url"] = fmt.Sprint(p.file["url"], "?", q) }
}

// Add adds a file of ExplanationOfBenefit resources, and how it is answered.
func (s *Server) Add(name string, answer http.HandlerFunc, more ...Promise) {
	s.Handle("GET /"+name, answer)
	p := promised{list: "output", file: map[string]any{"type": "ExplanationOfBenefit", "url": s.URL + "/" + name}}
	for _, m := range more {
		m(&p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, p)
}

// Handle answers what a pattern of http.ServeMux matches.
func (s *Server) Handle(pattern string, answer http.HandlerFunc) { s.mux.HandleFunc(pattern, answer) }

// Standard is the manifest as the standard has it, with more members of the
// outermost object.
func (s *Server) Standard(more map[string]any) string {
	m := map[string]any{"transactionTime": s.TransactionTime.Format(time.RFC3339), "request": s.BaseURL() + "/Patient/$export",
		"requiresAccessToken": false, "output": []any{}, "error": []any{}}
	s.mu.Lock()
	for _, p := range s.files {
		list, _ := m[p.list].([]any)
		m[p.list] = append(list, p.file)
	}
	s.mu.Unlock()
	for name, value := range more {
		m[name] = value
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // more holds what JSON cannot have: a fault of the test
	}
	return string(b)
}

func (s *Server) kickOff(w http.ResponseWriter, r *http.Request) {
	if s.KickOff != nil {
		s.KickOff(w, r)
		return
	}
	w.Header().Set("Date", s.Date.Format(http.TimeFormat))
	w.Header().Set("Content-Location", s.BaseURL()+"/status")
	w.WriteHeader(http.StatusAccepted)
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.polled++
	n := s.polled
	s.mu.Unlock()
	switch {
	case n <= len(s.Polls):
		s.Polls[n-1](w, r)
	case s.Manifest != nil:
		fmt.Fprint(w, s.Manifest(n))
	default:
		fmt.Fprint(w, s.Standard(nil))
	}
}

// Claims are lines of NDJSON: claims with these ids.
func Claims(ids ...string) string {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, `{"resourceType":"ExplanationOfBenefit","id":%q}`+"\n", id)
	}
	return b.String()
}
