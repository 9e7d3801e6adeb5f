package bfdtest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/fhir"
)

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

// load reads the claims of everybody.
func (s *Server) load(r io.Reader, v fhir.Version) error {
	held := map[coverage.EnrolleeID][]*Claim{}
	s.claims[v] = held
	return readClaims(r, v, func(c *Claim) {
		if c.Stored.After(s.loaded) {
			s.loaded = c.Stored
		}
		held[c.Patient] = append(held[c.Patient], c)
	}, func() {
		for _, list := range held {
			inOrder(list)
		}
	})
}

// of gives a person's claims of a version in the order of the real server. A slice
// that it gives is not changed.
func (s *Server) of(ctx context.Context, v fhir.Version, patient coverage.EnrolleeID) ([]*Claim, error) {
	if s.people.onDemand == nil {
		return s.claims[v][patient], nil
	}
	id := patient
	if v == fhir.V3 {
		id = s.people.byV3[patient]
	}
	if !slices.Contains(s.versions, v) || !s.people.ids[id] {
		return nil, nil
	}
	var b bytes.Buffer
	if _, err := s.people.onDemand.WritePersonClaims(ctx, &b, v, id); err != nil {
		return nil, fmt.Errorf("compute claims of %s: %w", v, err)
	}
	var list []*Claim
	err := readClaims(&b, v, func(c *Claim) {
		if c.Patient == patient { // some are of people whom nobody knows
			list = append(list, c)
		}
	}, func() { inOrder(list) })
	return list, err
}

// readClaims reads claims, one on a line.
func readClaims(r io.Reader, v fhir.Version, see func(*Claim), end func()) error {
	minimizer := eob.New(v)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, eob.MaxSize)
	for lines.Scan() {
		c, err := parseClaim(bytes.Clone(lines.Bytes()))
		if err != nil {
			return fmt.Errorf("read a claim of %s: %w", v, err)
		}
		if reduced, err := minimizer.Minimize(c.Raw); err == nil {
			c.Part2 = reduced.Part2
		}
		see(c)
	}
	end()
	return lines.Err()
}

// inOrder sorts claims by number, as the real server does.
func inOrder(list []*Claim) {
	slices.SortFunc(list, func(a, b *Claim) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.ID, b.ID))
	})
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

// Patients lists the people with claims of a version, in order. When claims are
// computed on demand, it lists all who are enrolled.
func (s *Server) Patients(v fhir.Version) (list []coverage.EnrolleeID) {
	switch {
	case s.people.onDemand == nil:
		list = slices.Collect(maps.Keys(s.claims[v]))
	case v == fhir.V3:
		list = slices.Collect(maps.Keys(s.people.byV3))
	default:
		list = slices.Collect(maps.Keys(s.people.ids))
	}
	slices.Sort(list)
	return list
}

// Claims lists a person's claims of a version in the order of the server, with those
// that no client of ours may get. It lists nothing when they cannot be computed.
func (s *Server) Claims(v fhir.Version, patient coverage.EnrolleeID) []*Claim {
	list, _ := s.of(context.Background(), v, patient)
	return list
}
