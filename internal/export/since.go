package export

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/coverage"
)

// Start is from where on an enrollee's claims belong to a job.
type Start struct {
	Since time.Time         // exclusive; zero: from the beginning
	Added coverage.MonthSet // enrollment months that count from the beginning
}

// Ledgers gives the ledgers of earlier jobs.
type Ledgers interface {
	// Ledgers gives the done parts of a job that hold enrollees from first to
	// last, in order. Safe for concurrent use.
	Ledgers(ctx context.Context, job string, first, last coverage.EnrolleeID) ([]Part, error)
}

// starts finds from where on the claims of each of the part's enrollees belong
// to the job. A default _since holds for those whom the job it goes on from has
// delivered, and for the months it was asked with; whoever was not in it starts
// from the beginning, and whoever could not be delivered (not read, opted out,
// without identifier) where that job should have started. So nobody's history
// is skipped. Whoever has claims that arrived after that job starts before them.
func (w *Worker) starts(ctx context.Context, t *Task, enrollees []coverage.Enrollee) ([]Start, error) {
	starts := make([]Start, len(enrollees))
	if t.Job.SinceSource != SinceDefault {
		for i := range starts {
			starts[i].Since = t.Job.Since
		}
		return starts, w.startAgain(ctx, t, enrollees, starts)
	}
	open := make(map[coverage.EnrolleeID]int, len(enrollees)) // to be found yet: index by id
	for i, e := range enrollees {
		open[e.ID] = i
	}
	for id := t.Job.Base; id != "" && len(open) > 0; {
		base, err := w.Jobs.Job(ctx, id)
		if errors.Is(err, ErrNoJob) { // it is not stored any more: those who are left start from the beginning
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the job that this one goes on from: %w", err)
		}
		if err := w.startFrom(ctx, t, base, enrollees, open, starts); err != nil {
			return nil, fmt.Errorf("go on from job %s: %w", base.ID, err)
		}
		id = base.Base
	}
	return starts, nil
}

// startAgain moves the starts of a job whose _since is the transactionTime of an
// earlier job before the claims that arrived after that one.
func (w *Worker) startAgain(ctx context.Context, t *Task, enrollees []coverage.Enrollee, starts []Start) error {
	if t.Job.Base == "" {
		return nil
	}
	base, err := w.Jobs.Job(ctx, t.Job.Base)
	if errors.Is(err, ErrNoJob) { // it was removed when this job was accepted, and nobody knows what arrived since
		clear(starts)
		return nil
	}
	if err != nil {
		return fmt.Errorf("the job that this one continues from: %w", err)
	}
	arrived, err := w.arrived(ctx, t, base)
	if err != nil {
		return err
	}
	for i, e := range enrollees {
		starts[i].Since = before(starts[i].Since, arrived, e.ID)
	}
	return nil
}

// arrived finds the enrollees of the part with claims that arrived after an earlier
// job was planned.
func (w *Worker) arrived(ctx context.Context, t *Task, base *Job) (map[coverage.EnrolleeID]time.Time, error) {
	if base.Source != "" && base.Source != t.Job.Source {
		return nil, nil
	}
	arrived, err := w.Claims.Arrived(ctx, query(t), base.Snapshot)
	if errors.Is(err, ErrNoSnapshot) { // of another source, as the jobs of older releases can be
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the claims that arrived after job %s: %w", base.ID, err)
	}
	return arrived, nil
}

// before is since, or an earlier time if claims of the enrollee that are older have
// arrived.
func before(since time.Time, arrived map[coverage.EnrolleeID]time.Time, id coverage.EnrolleeID) time.Time {
	oldest, has := arrived[id]
	if from := oldest.Add(-time.Millisecond); has && from.Before(since) {
		return from
	}
	return since
}

// startFrom sets the starts of those who are to go on from base, and takes
// them out of open; with them those who were not in it, whose start stays the
// beginning.
func (w *Worker) startFrom(ctx context.Context, t *Task, base *Job, enrollees []coverage.Enrollee, open map[coverage.EnrolleeID]int, starts []Start) error {
	outcomes, err := w.outcomes(ctx, base.ID, t.Part)
	if err != nil {
		return err
	}
	months, err := w.months(ctx, base, t.Part)
	if err != nil {
		return err
	}
	arrived, err := w.arrived(ctx, t, base)
	if err != nil {
		return err
	}
	for id, i := range open {
		outcome, was := outcomes[id]
		switch {
		case !was:
		case outcome == Delivered || outcome == NoClaims:
			starts[i] = Start{Since: before(base.TransactionTime, arrived, id), Added: enrollees[i].Months.Without(months[id])}
		default:
			continue
		}
		delete(open, id)
	}
	return nil
}

// outcomes reads how the part's enrollees ended in an earlier job.
func (w *Worker) outcomes(ctx context.Context, job string, p Part) (map[coverage.EnrolleeID]Outcome, error) {
	parts, err := w.Ledgers.Ledgers(ctx, job, p.First, p.Last)
	if err != nil {
		return nil, err
	}
	outcomes := map[coverage.EnrolleeID]Outcome{}
	for _, part := range parts {
		for e, err := range Entries(part.Ledger) {
			if err != nil {
				return nil, fmt.Errorf("part %d: %w", part.Number, err)
			}
			if e.Enrollee >= p.First && e.Enrollee <= p.Last {
				outcomes[e.Enrollee] = e.Outcome
			}
		}
	}
	return outcomes, nil
}

// months reads the enrollment months that an earlier job was asked with. Where
// its snapshot is not kept any more there are none, and all count as new.
func (w *Worker) months(ctx context.Context, base *Job, p Part) (map[coverage.EnrolleeID]coverage.MonthSet, error) {
	months := map[coverage.EnrolleeID]coverage.MonthSet{}
	for from := p.First; from <= p.Last; {
		page, err := w.Roster.Enrollees(ctx, base.Contract, base.Snapshot, from, w.PartEnrollees)
		if errors.Is(err, ErrNoSnapshot) {
			return months, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read its enrollment: %w", err)
		}
		for _, e := range page {
			months[e.ID] = e.Months
			from = e.ID + 1
		}
		if len(page) < w.PartEnrollees {
			break
		}
	}
	return months, nil
}
