package bfdtest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/fhir"
)

// Dataset is the data that a stand-in serves. *synth.Dataset implements it.
type Dataset interface {
	// WriteClaims writes raw claims of a version, one on a line.
	WriteClaims(ctx context.Context, w io.Writer, v fhir.Version) (claims int64, err error)
	// WriteEnrollment writes CSV as package feed reads it.
	WriteEnrollment(w io.Writer) error
}

// Server is the stand-in. It is an http.Handler for the paths under /v1/fhir,
// /v2/fhir and /v3/fhir, and safe for concurrent use.
type Server struct {
	claims map[fhir.Version]map[coverage.EnrolleeID][]*Claim
	loaded time.Time // when the newest claim was stored
	people people

	mu       sync.Mutex
	limit    int // resources of a page of version 3, when the client asks for no number
	fault    Fault
	calls    int // since the fault was set
	requests []Request
}

// Request is a request that the stand-in received.
type Request struct {
	Path   string
	Query  url.Values
	Header http.Header
}

// Claim is a claim as the stand-in holds it.
type Claim struct {
	ID      string
	Patient coverage.EnrolleeID
	Raw     []byte // one line, without the newline
	Stored  time.Time
	End     coverage.Date
	HasEnd  bool
	Type    string // carrier, pde and so on, of versions 1 and 2
	Source  string // NCH and so on, of version 3
	Part2   bool   // substance use treatment

	number int64 // of the id
}

// New makes a stand-in of the claims of some versions, and of the enrollment.
func New(ctx context.Context, d Dataset, versions ...fhir.Version) (*Server, error) {
	const defaultLimit = 5000 // of the real server
	s := &Server{claims: map[fhir.Version]map[coverage.EnrolleeID][]*Claim{}, limit: defaultLimit}
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

// load reads claims, and puts each person's in the order of the real server.
func (s *Server) load(r io.Reader, v fhir.Version) error {
	s.claims[v] = map[coverage.EnrolleeID][]*Claim{}
	minimizer := eob.New(v)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, eob.MaxSize)
	for lines.Scan() {
		c, err := parseClaim(bytes.Clone(lines.Bytes()))
		if err != nil {
			return err
		}
		if reduced, err := minimizer.Minimize(c.Raw); err == nil {
			c.Part2 = reduced.Part2
		}
		if c.Stored.After(s.loaded) {
			s.loaded = c.Stored
		}
		s.claims[v][c.Patient] = append(s.claims[v][c.Patient], c)
	}
	for _, list := range s.claims[v] {
		slices.SortFunc(list, func(a, b *Claim) int {
			return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.ID, b.ID))
		})
	}
	return lines.Err()
}

func parseClaim(raw []byte) (*Claim, error) {
	var parsed struct {
		ID   string
		Meta struct {
			LastUpdated time.Time
			Source      string
		}
		Patient        struct{ Reference string }
		BillablePeriod struct{ End string }
	}
	if err := json.Unmarshal(raw, &parsed); err != nil {
		return nil, err
	}
	patient, err := strconv.ParseInt(strings.TrimPrefix(parsed.Patient.Reference, "Patient/"), 10, 64)
	if err != nil {
		return nil, err
	}
	kind, number, ok := strings.Cut(parsed.ID, "-")
	if !ok {
		kind, number = "", parsed.ID
	}
	c := &Claim{ID: parsed.ID, Patient: coverage.EnrolleeID(patient), Raw: raw, Stored: parsed.Meta.LastUpdated, Source: parsed.Meta.Source, Type: kind}
	if c.number, err = strconv.ParseInt(number, 10, 64); err != nil {
		return nil, err
	}
	if parsed.BillablePeriod.End != "" {
		c.End, err = coverage.ParseDate(parsed.BillablePeriod.End)
		c.HasEnd = err == nil
	}
	return c, nil
}

// Patients lists the people with claims of a version, in order.
func (s *Server) Patients(v fhir.Version) (list []coverage.EnrolleeID) {
	for id := range s.claims[v] {
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}

// Claims lists a person's claims of a version in the order of the server, with those
// that no client of ours may get.
func (s *Server) Claims(v fhir.Version, patient coverage.EnrolleeID) []*Claim {
	return s.claims[v][patient]
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
	fault, limit := s.begin(r)
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
	if err != nil {
		refuse(w, http.StatusBadRequest, "malformed query")
		return
	}
	var b *bundle
	switch {
	case path == "metadata":
		metadata(w, v)
		return
	case path == "ExplanationOfBenefit":
		b, err = s.searchClaims(v, query, limit)
	case path == "Patient" && v == fhir.V1:
		b, err = s.people.search(query, r.Header)
	default:
		refuse(w, http.StatusNotFound, "unknown resource "+path)
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	b.self, b.query = r, query
	fault.change(b)
	fault.send(w, r, b.write())
}

// begin notes a request, and tells which fault it gets.
func (s *Server) begin(r *http.Request) (Fault, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{r.URL.Path, r.URL.Query(), r.Header.Clone()})
	return s.due(), s.limit
}

func metadata(w http.ResponseWriter, v fhir.Version) {
	release := "4.0.0"
	if v == fhir.V1 {
		release = "3.0.1"
	}
	w.Header().Set("Content-Type", fhir.TypeFHIR)
	fmt.Fprintf(w, `{"resourceType":"CapabilityStatement","status":"active","fhirVersion":%q}`, release)
}

// refuse answers with an OperationOutcome. As with the real server, its text may
// quote what was asked for.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", fhir.TypeFHIR)
	w.WriteHeader(status)
	quoted, _ := json.Marshal(text) // a string can be written
	fmt.Fprintf(w, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing","diagnostics":%s}]}`, quoted)
}
