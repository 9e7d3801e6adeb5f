package synth

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/population"
)

// ExpectedQuery is the part of an export request that selects claims.
type ExpectedQuery struct {
	Contract string
	Version  fhir.Version // V3, or any other: the claims of V1 and V2 are the same
	AsOf     time.Time    // the job's transactionTime
	Since    time.Time    // _since, exclusive; zero: none
	Until    time.Time    // _until, inclusive; zero: none
	From, To string       // service-date, YYYY-MM-DD: the service must end on these days; empty: any
}

// Outcomes of an enrollee, in the words of a job's ledger.
const (
	ExpectDelivered = "delivered"
	ExpectNoClaims  = "no claims"
	ExpectOptedOut  = "opted out"
)

// ExpectedResult is what an export must deliver for one enrollee.
type ExpectedResult struct {
	Enrollee coverage.EnrolleeID
	Patient  int64 // the number in the claims' patient.reference
	Outcome  string
	Claims   []ExpectedClaim // by id
}

// ExpectedClaim is a claim that must be delivered.
type ExpectedClaim struct {
	ID          string // of the resource, carrier--10000000000000; in V3 3000000000000
	LastUpdated time.Time
	Status      string // active or cancelled
}

// Expected calls yield for one enrollee after another, in ascending order of id,
// with the claims that an export must deliver. The export must deliver no others.
// Expected computes them independently, for comparison: it uses neither package
// eob nor the rules of package coverage. It goes by what the generator meant a
// claim to be, and compares days and months as texts. It returns
// export.ErrNoContract if there is no such contract. No error identifies a person.
func (s *Source) Expected(ctx context.Context, q ExpectedQuery, yield func(ExpectedResult) error) error {
	m, err := s.contract(q.Contract)
	if err != nil {
		return err
	}
	if q.Until.IsZero() || q.Until.After(q.AsOf) {
		q.Until = q.AsOf
	}
	d := new(claimgen.Generator)
	for index := range m.group.Indexes(s.population.Size()) {
		d.Begin(s.population, index)
		t, err := s.expected(ctx, d, m, q)
		if err != nil {
			return fmt.Errorf("expected results of contract %s: %w", q.Contract, err)
		}
		if err := yield(t); err != nil {
			return err
		}
	}
	return nil
}

// expected returns the expected result of the generator's person.
func (s *Source) expected(ctx context.Context, d *claimgen.Generator, m *member, q ExpectedQuery) (ExpectedResult, error) {
	p := &d.Person
	t := ExpectedResult{Enrollee: p.ID, Patient: int64(p.ID), Outcome: ExpectNoClaims}
	if q.Version == fhir.V3 {
		t.Patient = p.PatientV3
	}
	if s.population.OptedOut(p.Index, coverage.Date(q.AsOf.Unix()/86_400)) {
		t.Outcome = ExpectOptedOut
		return t, nil
	}
	enrolled := s.monthsWith(p, m, q.AsOf)
	claims := m.expectedVersions
	if q.Version == fhir.V3 {
		claims = m.expectedV3
	}
	var err error
	t.Claims, err = claims(ctx, d, q, enrolled)
	if len(t.Claims) > 0 {
		t.Outcome = ExpectDelivered
	}
	slices.SortFunc(t.Claims, func(a, b ExpectedClaim) int { return cmp.Compare(a.ID, b.ID) })
	return t, err
}

// expectedVersions returns the claims that versions 1 and 2 must deliver of the
// generator's person: all versions of each.
func (m *member) expectedVersions(ctx context.Context, d *claimgen.Generator, q ExpectedQuery, enrolled map[string]bool) ([]ExpectedClaim, error) {
	var claims []ExpectedClaim
	err := d.Each(ctx, q.AsOf.UnixMilli(), func(c *claimgen.Claim) error {
		if updated := time.UnixMilli(c.UpdatedMillis).UTC(); m.expects(c, updated, q, enrolled) {
			c.Reset(&d.Person)
			id := fmt.Sprintf("%s-%d", strings.ToLower(c.Kind.EOB), c.ID)
			claims = append(claims, ExpectedClaim{ID: id, LastUpdated: updated, Status: c.Status()})
		}
		return nil
	})
	return claims, err
}

// monthsWith returns the months, such as 2024-03, in which a person is enrolled
// with a member, as of a moment.
func (s *Source) monthsWith(p *population.Person, m *member, at time.Time) map[string]bool {
	months := map[string]bool{}
	moved, moves := s.population.MoveOf(p.Index)
	for month := p.Life.Join; month.String() <= at.UTC().Format("2006-01"); month++ {
		gone := month > p.Life.Leave && month < p.Life.Back
		dead := p.Life.Death != population.Never && month.First() > p.Life.Death
		elsewhere := moves && (moved.To == m.group) != (month >= moved.Month)
		if !gone && !dead && !elsewhere {
			months[month.String()] = true
		}
	}
	return months
}

// expects reports whether a claim that was updated at a moment must be delivered.
func (m *member) expects(c *claimgen.Claim, updated time.Time, q ExpectedQuery, enrolled map[string]bool) bool {
	if m.Unattested || c.Nature != claimgen.Ordinary {
		return false
	}
	if updated.After(q.Until) || !q.Since.IsZero() && !updated.After(q.Since) {
		return false
	}
	end := c.End.String()
	attested := m.facts().Attested.String()
	attestedMonth := attested[:len("2024-03")]
	if end < attested || updated.UTC().Format(time.DateOnly) < attested || end < "2020-01-01" || q.From != "" && end < q.From || q.To != "" && end > q.To {
		return false
	}
	for day := c.Start; day <= c.End; day++ {
		if month := day.String()[:len("2024-03")]; enrolled[month] && month >= attestedMonth && month >= "2020-01" {
			return true
		}
	}
	return false
}
