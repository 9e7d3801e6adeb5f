package bfdtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// Dataset is the data that a stand-in serves. *synth.Dataset implements it.
type Dataset interface {
	// WriteClaims writes raw claims of a version, one on a line.
	WriteClaims(ctx context.Context, w io.Writer, v fhir.Version) (claims int64, err error)
	// WriteEnrollment writes CSV as package feed reads it.
	WriteEnrollment(w io.Writer) error
}

// PersonDataset is a Dataset that also writes the claims of one person.
// *synth.Dataset is one. It is safe for concurrent use.
type PersonDataset interface {
	Dataset
	// WritePersonClaims writes raw claims of a version, one on a line. The person has
	// this beneficiary id in all versions.
	WritePersonClaims(ctx context.Context, w io.Writer, v fhir.Version, id coverage.EnrolleeID) (claims int64, err error)
}

// Server is the stand-in. It is an http.Handler for the paths under /v1/fhir,
// /v2/fhir and /v3/fhir, and safe for concurrent use.
type Server struct {
	versions []fhir.Version
	claims   map[fhir.Version]map[coverage.EnrolleeID][]*Claim // held, unless they are computed on demand
	loaded   time.Time                                         // when the newest claim was stored
	people   people

	mu       sync.Mutex
	limit    int // resources of a page of version 3, when the client asks for no number
	fault    Fault
	plan     Plan
	calls    int // since the fault or the plan was set
	forget   bool
	requests []Request
	counts   Counts
}

// Counts says how many calls came, and how many of them were made to fail.
type Counts struct{ Calls, Failed int64 }

// Request is one that the stand-in got.
type Request struct {
	Method string
	Path   string
	Query  url.Values // of the URL
	Form   url.Values // of the body of a POST
	Header http.Header
}

const defaultLimit = 5000 // of the real server

// New makes a stand-in of the claims of some versions, and of the enrollment. It
// holds all claims in memory: about 10 KB each, and 19 KB in version 3.
func New(ctx context.Context, d Dataset, versions ...fhir.Version) (*Server, error) {
	s := &Server{versions: versions, claims: map[fhir.Version]map[coverage.EnrolleeID][]*Claim{}, limit: defaultLimit}
	for _, v := range versions {
		var b bytes.Buffer
		if _, err := d.WriteClaims(ctx, &b, v); err != nil {
			return nil, fmt.Errorf("write claims of %s: %w", v, err)
		}
		if err := s.load(&b, v); err != nil {
			return nil, fmt.Errorf("load claims of %s: %w", v, err)
		}
	}
	return s, s.people.load(d)
}

// NewOnDemand makes a stand-in that computes the claims of a person when they are
// asked for, so that it holds only the enrollment: about 700 bytes a person. loaded
// is the time of the newest load. It keeps no requests for Requests.
func NewOnDemand(d PersonDataset, loaded time.Time, versions ...fhir.Version) (*Server, error) {
	s := &Server{versions: versions, loaded: loaded, limit: defaultLimit, forget: true}
	s.people.onDemand = d
	return s, s.people.load(d)
}

// Counts tells how many calls came so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// SetLimit says how many claims a page of version 3 has, when the client asks for no
// number. It is 5,000 before.
func (s *Server) SetLimit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = n
}

// Requests lists what came since the last call of Requests.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.requests
	s.requests = nil
	return list
}

// ServeHTTP answers as BFD does, or with the fault that is set.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	form, wrong := parseForm(w, r)
	fault, limit := s.begin(r, form)
	if fault.instead(w, r) {
		return
	}
	version, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/fhir/")
	v, ok := map[string]fhir.Version{"v1": fhir.V1, "v2": fhir.V2, "v3": fhir.V3}[version]
	if !ok {
		http.Error(w, "no such deployment", http.StatusUnauthorized)
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || wrong != nil {
		refuse(w, http.StatusBadRequest, "malformed query")
		return
	}
	post := r.Method == http.MethodPost
	if post && v == fhir.V3 && strings.HasSuffix(path, "/_search") {
		path = strings.TrimSuffix(path, "/_search")
		for name, values := range form {
			query[name] = append(query[name], values...)
		}
	} else if post || r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	if fault.Mode == Blank {
		decodeAgain(query)
	}
	var b *bundle
	switch {
	case path == "metadata":
		fault.send(w, r, metadata(v, fault.Mode))
		return
	case path == "ExplanationOfBenefit":
		b, err = s.searchClaims(r.Context(), v, query, limit, &fault)
	case path == "Patient" && v == fhir.V1:
		b, err = s.people.search(query, r.Header)
	case path == "Patient" && v == fhir.V3:
		b, err = s.searchPatient(query)
	default:
		refuse(w, http.StatusNotFound, "unknown resource "+path)
		return
	}
	switch {
	case errors.Is(err, errComputing):
		http.Error(w, "an unknown error occurred", http.StatusInternalServerError)
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if r.Context().Err() != nil { // the client has given up: work for nobody would delay its next calls
		return
	}
	b.self, b.query = r, query
	fault.change(b)
	fault.send(w, r, b.write())
}

// parseForm reads the body of a POST, which is short.
func parseForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		return nil, nil
	}
	const enough = 64 << 10
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, enough))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil, errors.New("the body is not a form")
	}
	return url.ParseQuery(string(body))
}

// begin notes a request, and tells which fault it gets.
func (s *Server) begin(r *http.Request, form url.Values) (Fault, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.forget {
		s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.URL.Query(), form, r.Header.Clone()})
	}
	fault := s.due(r)
	if s.counts.Calls++; fault.Mode != None {
		s.counts.Failed++
	}
	return fault, s.limit
}

// metadata is the CapabilityStatement of a version.
func metadata(v fhir.Version, m Mode) []byte {
	release, status := "4.0.0", "active"
	if m == Inactive {
		status = "retired"
	}
	if v == fhir.V1 {
		release = "3.0.1"
	}
	return fmt.Appendf(nil, `{"resourceType":"CapabilityStatement","status":%q,"fhirVersion":%q}`, status, release)
}

// refuse answers with an OperationOutcome. As with the real server, its text may
// quote what was asked for.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", fhir.TypeFHIR)
	w.WriteHeader(status)
	quoted, _ := json.Marshal(text) // a string can be written
	fmt.Fprintf(w, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing","diagnostics":%s}]}`, quoted)
}
