package export

import (
	"context"
	"fmt"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/obs"
)

// plan cuts the contract's enrollment into parts of consecutive enrollees.
func (w *Worker) plan(ctx context.Context, t *Task) error {
	contract := t.Job.Contract
	if _, err := w.attestedContract(ctx, contract); err != nil {
		return err
	}
	snapshot, err := w.Roster.Snapshot(ctx, contract)
	if err != nil {
		return fmt.Errorf("take a snapshot of the enrollment of %s: %w", contract, err)
	}
	cut := w.planAll
	if t.Job.PatientsHash != "" {
		cut = w.planPatients
	}
	reading, span := obs.StartSpan(ctx, "claims", "read the enrollment")
	parts, err := cut(reading, &t.Job, snapshot, w.partSize(&t.Job))
	span.End(err)
	if err != nil {
		return err
	}
	obs.CrashPoint("planning")
	if err := w.Queue.SavePlan(ctx, t.Lease, snapshot, parts); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	obs.CrashPoint("planned")
	return nil
}

// planAll cuts the whole enrollment.
func (w *Worker) planAll(ctx context.Context, j *Job, snapshot string, size int) ([]Part, error) {
	var parts []Part
	for from := coverage.EnrolleeID(minEnrollee); ; {
		page, err := w.Roster.Enrollees(ctx, j.Contract, snapshot, from, size)
		if err != nil {
			return nil, fmt.Errorf("read the enrollment of %s: %w", j.Contract, err)
		}
		if len(page) > 0 {
			last := page[len(page)-1].ID
			parts = append(parts, Part{Number: len(parts) + 1, First: page[0].ID, Last: last, Enrollees: int64(len(page))})
			from = last + 1
		}
		if len(page) < size {
			return parts, nil
		}
	}
}

// attestedContract finds the contract of a job. A job whose attestation was
// withdrawn meanwhile fails: it must not complete as if there were no claims.
func (w *Worker) attestedContract(ctx context.Context, number string) (coverage.Contract, error) {
	c, err := w.Roster.Contract(ctx, number)
	if err != nil {
		return c, fmt.Errorf("contract %s: %w", number, err)
	}
	if !c.HasAttested {
		return c, finalError{fmt.Errorf("contract %s: %w", number, ErrNotAttested),
			"The attestation of the contract was withdrawn. Attest the contract, then start a new export."}
	}
	return c, nil
}

const (
	// recent is how little time makes an export one of what is new.
	recent = 90 * 24 * time.Hour
	// recentFactor is how many times larger the parts of such an export are:
	// an enrollee has a tenth of the claims, or less, and the cost of a part and
	// of a file must not outweigh them.
	recentFactor = 10
)

// partSize is how many enrollees a part of the job has.
func (w *Worker) partSize(j *Job) int {
	if !j.Since.IsZero() && j.TransactionTime.Sub(j.Since) < recent {
		return w.PartEnrollees * recentFactor
	}
	return w.PartEnrollees
}

// minEnrollee is below every enrollee's id.
const minEnrollee = -1 << 63
