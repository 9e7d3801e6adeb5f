package synth

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ab2d/internal/coverage"
)

// Question is what an export asks for, as far as it chooses claims.
type Question struct {
	Contract string
	AsOf     time.Time // the job's transactionTime
	Since    time.Time // _since, exclusive; zero: none
	Until    time.Time // _until, inclusive; zero: none
	From, To string    // service-date: the service must touch these days, YYYY-MM-DD; empty: any
}

// Outcomes of an enrollee, in the words of a job's ledger.
const (
	TrulyDelivered = "delivered"
	TrulyNoClaims  = "no claims"
	TrulyOptedOut  = "opted out"
)

// Truth is what an export must give for one enrollee.
type Truth struct {
	Enrollee coverage.EnrolleeID
	Outcome  string
	Claims   []TrueClaim // by id
}

// TrueClaim is a claim that must be delivered.
type TrueClaim struct {
	ID          string // of the resource, carrier--10000000000000
	LastUpdated time.Time
	Status      string // active or cancelled
}

// Truth tells for one enrollee after the other, in ascending order of id, which
// claims an export must deliver and no others. It is a second way to the same
// end, made for comparing: it asks nothing of packages eob and coverage, but goes
// by what the generator meant a claim to be, and compares days and months as
// texts, one by one. Nothing of an error identifies a person.
func (s *Source) Truth(ctx context.Context, q Question, yield func(Truth) error) error {
	m, err := s.contract(q.Contract)
	if err != nil {
		return err
	}
	if q.Until.IsZero() || q.Until.After(q.AsOf) {
		q.Until = q.AsOf
	}
	d := new(desk)
	for index := range m.indexes(s.people) {
		s.person(&d.person, index)
		t, err := s.truth(ctx, d, m, q)
		if err != nil {
			return fmt.Errorf("the truth about contract %s: %w", q.Contract, err)
		}
		if err := yield(t); err != nil {
			return err
		}
	}
	return nil
}

// truth is the truth about the person at the desk.
func (s *Source) truth(ctx context.Context, d *desk, m *member, q Question) (Truth, error) {
	p := &d.person
	t := Truth{Enrollee: p.id, Outcome: TrulyNoClaims}
	if s.optedOut(p.index, coverage.Date(q.AsOf.Unix()/86_400)) {
		t.Outcome = TrulyOptedOut
		return t, nil
	}
	enrolled := s.monthsWith(p, m, q.AsOf)
	err := d.each(ctx, q.AsOf.UnixMilli(), func(c *claim) error {
		if m.truly(c, q, enrolled) {
			c.reset(p)
			id := fmt.Sprintf("%s-%d", strings.ToLower(c.kind.eob), c.id)
			t.Claims = append(t.Claims, TrueClaim{ID: id, LastUpdated: time.UnixMilli(c.millis).UTC(), Status: c.status()})
		}
		return nil
	})
	if len(t.Claims) > 0 {
		t.Outcome = TrulyDelivered
	}
	slices.SortFunc(t.Claims, func(a, b TrueClaim) int { return cmp.Compare(a.ID, b.ID) })
	return t, err
}

// monthsWith are the months, as 2024-03, in which a person is enrolled with a
// member, as of a moment.
func (s *Source) monthsWith(p *person, m *member, at time.Time) map[string]bool {
	months := map[string]bool{}
	moved, moves := s.moves[p.index]
	for month := p.life.join; month.String() <= at.UTC().Format("2006-01"); month++ {
		gone := month > p.life.leave && month < p.life.back
		dead := p.life.death != never && month.First() > p.life.death
		elsewhere := moves && (moved.to == m) != (month >= moved.month)
		if !gone && !dead && !elsewhere {
			months[month.String()] = true
		}
	}
	return months
}

// truly tells whether a claim must be delivered.
func (m *member) truly(c *claim, q Question, enrolled map[string]bool) bool {
	if m.Unattested || c.nature != ordinary {
		return false
	}
	updated := time.UnixMilli(c.millis)
	if updated.After(q.Until) || !q.Since.IsZero() && !updated.After(q.Since) {
		return false
	}
	start, end := c.Start.String(), c.End.String()
	attested := m.facts().Attested.String()
	attestedMonth := attested[:len("2024-03")]
	if end < attested || updated.UTC().Format(time.DateOnly) < attested || end < "2020-01-01" || q.From != "" && end < q.From || q.To != "" && start > q.To {
		return false
	}
	for day := c.Start; day <= c.End; day++ {
		if month := day.String()[:len("2024-03")]; enrolled[month] && month >= attestedMonth && month >= "2020-01" {
			return true
		}
	}
	return false
}
