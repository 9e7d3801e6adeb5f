package exporttest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// Source is enrollment and claims written down by a test: it implements
// export.Claims, and its Roster export.Roster, for any number of contracts. Set it up
// before it is used; Fail, Repair and Reads may be called at any time.
type Source struct {
	Contracts map[string]coverage.Contract
	Enrollees map[string][]coverage.Enrollee // by contract, in ascending order of id
	Claims    map[coverage.EnrolleeID][]Claim
	// Before, if set, is called before an enrollee's claims are read. Its
	// error is that of the source.
	Before func(ctx context.Context, id coverage.EnrolleeID) error
	// Gone are the claims that were withdrawn, in ascending order of enrollee and id.
	Gone []export.Withdrawal
	// UpstreamRead is up to when the upstream server has been read; zero for none.
	UpstreamRead time.Time

	mu    sync.Mutex
	fails map[coverage.EnrolleeID]error
	reads map[coverage.EnrolleeID]int

	snapshots map[string][]coverage.Enrollee
	arrivals  []arrival
}

// arrival is a claim that comes after snapshots were taken that do not have it.
type arrival struct {
	before  map[string]bool // snapshots
	id      coverage.EnrolleeID
	updated time.Time
}

// Claim is a claim with the facts that decide about it. Line has no newline.
type Claim struct {
	coverage.Claim
	Line string
}

// NewSource makes a source of one attested contract whose enrollees have the
// ids 1 to n, are enrolled all through 2025, and have as many claims each as
// their id modulo 5.
func NewSource(contract string, n int) *Source {
	s := &Source{
		Contracts: map[string]coverage.Contract{}, Enrollees: map[string][]coverage.Enrollee{},
		Claims: map[coverage.EnrolleeID][]Claim{}, fails: map[coverage.EnrolleeID]error{}, reads: map[coverage.EnrolleeID]int{},
		snapshots: map[string][]coverage.Enrollee{},
	}
	s.Add(contract, 1, n)
	return s
}

// Add adds an attested contract with n enrollees from an id on.
func (s *Source) Add(contract string, first coverage.EnrolleeID, n int) {
	s.Contracts[contract] = coverage.Contract{Number: contract, Sponsor: "Sponsor of " + contract,
		Attested: coverage.DateOf(2020, time.March, 1), HasAttested: true}
	for i := range n {
		id := first + coverage.EnrolleeID(i)
		e := coverage.Enrollee{ID: id, PatientV3: 1000 + id, MBIs: []coverage.MBI{"1S00E00AA00"}}
		e.Months.AddRange(coverage.MonthOf(2025, time.January), coverage.MonthOf(2025, time.December))
		s.Enrollees[contract] = append(s.Enrollees[contract], e)
		for k := range int(id % 5) {
			day := coverage.DateOf(2025, time.June, 1+k)
			s.Claims[id] = append(s.Claims[id], Claim{
				Claim: coverage.Claim{Patient: id, Type: coverage.Carrier, Start: day, End: day, HasStart: true, HasEnd: true,
					LastUpdated: time.Date(2025, time.July, 1+k, 0, 0, 0, 0, time.UTC)},
				Line: fmt.Sprintf(`{"resourceType":"ExplanationOfBenefit","id":"carrier-%d-%d","patient":{"reference":"Patient/%d"}}`, id, k, id),
			})
		}
	}
}

// Fail lets an enrollee's claims break off with an error after the first; nil
// repairs them.
func (s *Source) Fail(id coverage.EnrolleeID, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails[id] = err
}

// Arrive adds a claim that no snapshot so far has.
func (s *Source) Arrive(c Claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := arrival{before: map[string]bool{}, id: c.Patient, updated: c.LastUpdated}
	for name := range s.snapshots {
		a.before[name] = true
	}
	s.arrivals = append(s.arrivals, a)
	s.Claims[c.Patient] = append(s.Claims[c.Patient], c)
}

// Arrived returns who has claims that arrived after a snapshot.
func (s *Source) Arrived(_ context.Context, q export.Query, earlier string) (map[coverage.EnrolleeID]time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	arrived := map[coverage.EnrolleeID]time.Time{}
	for _, a := range s.arrivals {
		if !a.before[earlier] || a.before[q.Snapshot] || a.id < q.First || a.id > q.Last {
			continue
		}
		if oldest, has := arrived[a.id]; !has || a.updated.Before(oldest) {
			arrived[a.id] = a.updated
		}
	}
	return arrived, nil
}

// Withdrawn returns the claims of Gone.
func (s *Source) Withdrawn(_ context.Context, q export.Query, after, until time.Time) ([]export.Withdrawal, error) {
	var gone []export.Withdrawal
	for _, g := range s.Gone {
		if id := g.Claim.Patient; id >= q.First && id <= q.Last && g.At.After(after) && (until.IsZero() || !g.At.After(until)) {
			gone = append(gone, g)
		}
	}
	return gone, nil
}

// ReadUpTo is the same for all snapshots.
func (s *Source) ReadUpTo(context.Context, fhir.Version, string) (time.Time, error) {
	return s.UpstreamRead, nil
}

// Reads tells how often an enrollee's claims were asked for.
func (s *Source) Reads(id coverage.EnrolleeID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[id]
}

// Contract finds a contract.
func (s *Source) Contract(_ context.Context, number string) (coverage.Contract, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.Contracts[number]
	if !ok {
		return c, export.ErrNoContract
	}
	return c, nil
}

// SetAttested gives a contract its attestation, or withdraws it.
func (s *Source) SetAttested(number string, attested bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.Contracts[number]
	c.HasAttested = attested
	s.Contracts[number] = c
}

// Freshness is written down as well: what is told of Z0001 is nothing.
func (s *Source) Freshness(_ context.Context, contract string, _ fhir.Version) (export.Freshness, error) {
	if contract == "Z0001" {
		return export.Freshness{}, nil
	}
	return export.Freshness{Enrollment: time.Date(2026, 1, 3, 4, 5, 6, 7e6, time.UTC), Enrollees: int64(len(s.Enrollees[contract])),
		LastLoad: time.Date(2026, 1, 14, 0, 0, 0, 0, time.UTC), NewestClaim: time.Date(2026, 1, 13, 0, 0, 0, 0, time.UTC)}, nil
}

// Snapshot keeps a copy of the enrollment as it is now.
func (s *Source) Snapshot(_ context.Context, contract string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := fmt.Sprintf("written-%d", len(s.snapshots)+1)
	s.snapshots[name] = slices.Clone(s.Enrollees[contract])
	return name, nil
}

// Open readies the claims of any enrollees.
func (s *Source) Open(context.Context, export.Query) (export.Reader, error) { return reader{s}, nil }

type reader struct{ *Source }

// Close has nothing to free.
func (r reader) Close() error { return nil }

// Write offers the claims in the order in which they were written down.
func (r reader) Write(ctx context.Context, sel *coverage.Selection, sink export.Sink) error {
	id := sel.Enrollee.ID
	r.mu.Lock()
	r.reads[id]++
	fail := r.fails[id]
	r.mu.Unlock()
	if r.Before != nil {
		if err := r.Before(ctx, id); err != nil {
			return err
		}
	}
	for _, c := range r.Claims[id] {
		if sink.Wants(&c.Claim) {
			if err := sink.Line([]byte(c.Line + "\n")); err != nil {
				return err
			}
		}
		if fail != nil {
			return fail
		}
	}
	return fail
}

// Roster is the source as an export.Roster.
func (s *Source) Roster() export.Roster { return roster{s} }

type roster struct{ *Source }

// Enrollees gives a page of enrollees.
func (r roster) Enrollees(_ context.Context, contract, snapshot string, from coverage.EnrolleeID, limit int) ([]coverage.Enrollee, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all, ok := r.snapshots[snapshot]
	if !ok {
		return nil, fmt.Errorf("snapshot %q: %w", snapshot, export.ErrNoSnapshot)
	}
	i, _ := slices.BinarySearchFunc(all, from, func(e coverage.Enrollee, id coverage.EnrolleeID) int { return cmp.Compare(e.ID, id) })
	page := slices.Clone(all[i:min(i+limit, len(all))])
	for k := range page {
		page[k].OptedOut = slices.ContainsFunc(r.Source.Enrollees[contract], func(e coverage.Enrollee) bool { return e.ID == page[k].ID && e.OptedOut })
	}
	return page, nil
}

// Members finds patients.
func (r roster) Members(ctx context.Context, contract, snapshot string, v fhir.Version, patients []coverage.EnrolleeID) ([]coverage.Enrollee, error) {
	all, err := r.Enrollees(ctx, contract, snapshot, 0, 1<<30)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(e coverage.Enrollee) bool { return !slices.Contains(patients, export.PatientOf(v, &e)) }), nil
}

// Expected is what an export of the contract must deliver, line by line, for
// enrollees who share their claims, have an identifier and can be read.
func (s *Source) Expected(contract string) string {
	var b strings.Builder
	for _, e := range s.Enrollees[contract] {
		if e.OptedOut || len(e.MBIs) == 0 || s.fails[e.ID] != nil {
			continue
		}
		for _, c := range s.Claims[e.ID] {
			b.WriteString(c.Line + "\n")
		}
	}
	return b.String()
}
