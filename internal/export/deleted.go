package export

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// Withdrawal is a claim that a source had and does not have any more.
type Withdrawal struct {
	ID    string         // of the ExplanationOfBenefit
	Claim coverage.Claim // its facts, as they were; its Patient is the enrollee's id
	At    time.Time      // when exports stopped having it
	// Home is who has the claim now, if it belongs to somebody else, by the number that
	// claims of the version have; 0: nobody.
	Home coverage.EnrolleeID
}

// writeDeleted writes which claims of the part's enrollees were withdrawn after the _since
// of the request: those that the contract could have received, because the rules would
// deliver them. An export without _since has none. Enrollees who do not share their claims
// are left out altogether.
func (w *Worker) writeDeleted(ctx context.Context, t *Task, contract coverage.Contract, enrollees []coverage.Enrollee) ([]File, error) {
	if t.Job.SinceSource != SinceUser {
		return nil, nil
	}
	gone, err := w.withdrawn(ctx, t, contract, enrollees)
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	out := w.newOutput(ctx, t.Lease, Deleted)
	defer out.abort()
	for len(gone) > 0 {
		n := 1
		for n < len(gone) && gone[n].Claim.Patient == gone[0].Claim.Patient {
			n++
		}
		if err := out.deletions(gone[:n]); err != nil {
			return nil, err
		}
		gone = gone[n:]
	}
	return out.close()
}

// withdrawn finds what writeDeleted writes, by enrollee and claim.
func (w *Worker) withdrawn(ctx context.Context, t *Task, contract coverage.Contract, enrollees []coverage.Enrollee) ([]Withdrawal, error) {
	all, err := w.Claims.Withdrawn(ctx, query(t), t.Job.Since, t.Job.Until)
	if err != nil {
		return nil, fmt.Errorf("find the claims of part %d that were withdrawn: %w", t.Part.Number, err)
	}
	byID := make(map[coverage.EnrolleeID]*coverage.Enrollee, len(enrollees))
	for i := range enrollees {
		byID[enrollees[i].ID] = &enrollees[i]
	}
	var homes []coverage.EnrolleeID
	gone := slices.DeleteFunc(all, func(g Withdrawal) bool {
		e := byID[g.Claim.Patient]
		if e == nil || !t.Job.gets(contract, e, g.Claim) {
			return true
		}
		if g.Home != 0 {
			homes = append(homes, g.Home)
		}
		return false
	})
	if len(homes) == 0 {
		return gone, nil
	}
	// A claim that now belongs to another enrollee of the contract comes with that one.
	members, err := w.Roster.Members(ctx, t.Job.Contract, t.Job.Snapshot, t.Job.Version, homes)
	if err != nil {
		return nil, fmt.Errorf("find who has the claims now: %w", err)
	}
	now := make(map[coverage.EnrolleeID]*coverage.Enrollee, len(members))
	for i := range members {
		now[PatientOf(t.Job.Version, &members[i])] = &members[i]
	}
	return slices.DeleteFunc(gone, func(g Withdrawal) bool {
		e := now[g.Home]
		if g.Home == 0 || e == nil {
			return false
		}
		g.Claim.Patient = e.ID
		return t.Job.gets(contract, e, g.Claim)
	}), nil
}

// gets tells whether the contract gets a claim of an enrollee, updated at any time.
func (j *Job) gets(contract coverage.Contract, e *coverage.Enrollee, c coverage.Claim) bool {
	if e.OptedOut || PatientOf(j.Version, e) == 0 || len(e.MBIs) == 0 {
		return false
	}
	s := coverage.Selection{Contract: contract, Enrollee: e, Until: j.TransactionTime, ServiceDates: j.ServiceDates}
	return s.Verdict(&c) == coverage.Deliver
}

// deletions writes the line of an enrollee: a transaction Bundle (Bulk Data Access IG,
// manifest field deleted).
func (o *output) deletions(gone []Withdrawal) error {
	b := fhir.Deletions{ResourceType: "Bundle", Type: "transaction"}
	var last time.Time
	for _, g := range gone {
		b.Delete("ExplanationOfBenefit", g.ID)
		if g.At.After(last) {
			last = g.At
		}
	}
	b.Meta.LastUpdated = fhir.FormatInstant(last)
	line, err := fhir.Encode(b)
	if err != nil {
		return fmt.Errorf("encode a Bundle of deletions: %w", err)
	}
	if err := o.line(append(line, '\n')); err != nil {
		return err
	}
	return o.keep()
}
