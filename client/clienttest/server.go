package clienttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Server is a Bulk Data server that has one export at a time. Its fields are set
// before the first request.
type Server struct {
	// URL is its address, without a path.
	URL string
	// ClientID and ClientSecret, if they are set, are of the one client that gets
	// tokens. The export and its files then want a token.
	ClientID, ClientSecret string
	// Token, if it is not nil, answers requests for a token instead.
	Token http.HandlerFunc
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

	mux  *http.ServeMux
	http *httptest.Server

	mu              sync.Mutex
	files           []promised
	polled          int
	deleted         bool
	tokens, revoked int // tokens that were given, and the first ones that are not good
	requests        []Request
}

// promised is a file as the manifest promises it.
type promised struct {
	list string
	file map[string]any
}

// TB is what NewServer needs of a *testing.T, *testing.B or *testing.F.
type TB interface{ Cleanup(func()) }

// NewServer starts a server that stops when the test ends.
func NewServer(tb TB) *Server {
	s := Start()
	tb.Cleanup(s.Close)
	return s
}

// Start starts a server that runs until it is closed, for programs that are not
// tests.
func Start() *Server {
	start := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	s := &Server{Date: start, TransactionTime: start, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /fhir/.well-known/smart-configuration", s.smart)
	s.mux.HandleFunc("POST /token", s.giveToken)
	s.mux.HandleFunc("GET /fhir/Patient/$export", s.guard(s.kickOff))
	s.mux.HandleFunc("GET /fhir/Group/{group}/$export", s.guard(s.kickOff))
	s.mux.HandleFunc("GET /fhir/status", s.guard(s.status))
	s.mux.HandleFunc("DELETE /fhir/status", s.guard(s.remove))
	s.http = httptest.NewServer(s.record(s.mux))
	s.URL = s.http.URL
	return s
}

// Close stops the server. It waits for answers under way.
func (s *Server) Close() { s.http.Close() }

// Next lets the next export have another moment and other files: those that are
// added from then on. The files of the one before stay where they are. No export may
// be under way.
func (s *Server) Next(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Date, s.TransactionTime, s.files = at, at, nil
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
	s.Handle("GET /"+name, s.guard(answer))
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
	s.mu.Lock()
	m := map[string]any{"transactionTime": s.TransactionTime.Format(time.RFC3339), "request": s.BaseURL() + "/Patient/$export",
		"requiresAccessToken": s.ClientID != "", "output": []any{}, "error": []any{}}
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
	s.mu.Lock()
	w.Header().Set("Date", s.Date.Format(http.TimeFormat))
	s.mu.Unlock()
	w.Header().Set("Content-Location", s.BaseURL()+"/status")
	w.WriteHeader(http.StatusAccepted)
}

func (s *Server) remove(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleted = true
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
