package export

import (
	"github.com/dustin/go-humanize/english"

	"context"
	"errors"
	"fmt"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

// finish completes a job all of whose parts are done.
func (w *Worker) finish(ctx context.Context, t *Task) error {
	if _, err := w.attestedContract(ctx, t.Job.Contract); err != nil {
		return err
	}
	errs := w.newOutput(ctx, t.Lease, Errors)
	defer errs.abort()
	for _, note := range t.Job.Notes {
		if err := errs.outcome(fhir.Note(note)); err != nil {
			return err
		}
	}
	if err := w.nameUnknown(ctx, t, errs); err != nil {
		return err
	}
	totals, files, err := w.reconcile(ctx, t, errs)
	if err != nil {
		return err
	}
	written, err := errs.close()
	if err != nil {
		return err
	}
	for i := range written {
		written[i].Number = i + 1
		written[i].Name = FileName(t.Job.Contract, Errors, i+1)
	}
	obs.CrashPoint("finishing")
	err = w.Queue.Finish(ctx, t.Lease, append(files, written...), totals, w.Now().Add(w.Retention).UTC())
	if err != nil {
		errs.discard(err)
		return fmt.Errorf("complete the job: %w", err)
	}
	obs.CrashPoint("finished")
	w.countJob(t, totals, written)
	w.Log.InfoContext(ctx, "export completed", "job", t.Job.ID, "contract", t.Job.Contract, "version", t.Job.Version.String(),
		"enrollees", totals.Enrollees(), "claims", totals.Claims, "files", len(files), "notRead", totals.NotRead, "withoutDates", totals.NoDates(),
		"took", w.Now().Sub(t.Job.TransactionTime).String())
	return nil
}

// countJob counts a completed job.
func (w *Worker) countJob(t *Task, totals Totals, errs []File) {
	w.Metrics.JobEnded(obs.JobCompleted, w.Now().Sub(t.Job.TransactionTime))
	w.Metrics.JobExported(obs.Exported{Delivered: totals.Delivered, NoClaims: totals.NoClaims, OptedOut: totals.OptedOut,
		NoIdentifier: totals.NoIdentifier, NotRead: totals.NotRead, Claims: totals.Claims})
	w.countFiles(errs)
}

// countFiles counts the bytes of files that became part of a job.
func (w *Worker) countFiles(files []File) {
	for i := range files {
		w.Metrics.FileWritten(files[i].Stored)
	}
}

// reconcile sums up the parts' ledgers, numbers their files in order, and
// names every enrollee who could not be read in the error file. Enrollees
// expected and enrollees accounted for must be the same number.
func (w *Worker) reconcile(ctx context.Context, t *Task, errs *output) (Totals, []File, error) {
	var totals Totals
	var files []File
	numbers := map[Kind]int{}
	err := w.Queue.Results(ctx, t.Job.ID, func(p Part, fs []File) error {
		sum, err := reconcilePart(p, errs)
		if err != nil {
			return err
		}
		totals.Add(sum)
		for _, f := range fs {
			numbers[f.Kind]++
			f.Number = numbers[f.Kind]
			f.Name = FileName(t.Job.Contract, f.Kind, f.Number)
			files = append(files, f)
		}
		return nil
	})
	if err != nil {
		return totals, nil, fmt.Errorf("read the results: %w", err)
	}
	var lines int64
	for _, f := range files {
		if f.Kind == Data {
			lines += f.Count
		}
	}
	switch {
	case totals.Enrollees() != t.Job.Expected || lines != totals.Claims:
		err := fmt.Errorf("the ledger has %s and %s, but %s enrolled and %s written",
			english.Plural(int(totals.Enrollees()), "enrollee", ""), english.Plural(int(totals.Claims), "claim", ""),
			english.Plural(int(t.Job.Expected), "enrollee is", "enrollees are"), english.Plural(int(lines), "claim is", "claims are"))
		return totals, nil, finalError{err, "The export does not account for every enrollee and was stopped. Tell the operator this job's id."}
	case totals.NotRead > 0 && totals.NotRead == t.Job.Expected:
		return totals, nil, finalError{errors.New("no enrollee could be read"),
			"No enrollee's claims could be read. Start a new export later; if it fails again, tell the operator this job's id."}
	}
	return totals, files, nil
}

// reconcilePart sums up one part's ledger and holds it against the part.
func reconcilePart(p Part, errs *output) (Totals, error) {
	var sum Ledger
	for e, err := range Entries(p.Ledger) {
		if err != nil {
			return Totals{}, fmt.Errorf("part %d: %w", p.Number, err)
		}
		sum.count(e)
		if e.Outcome == NotRead {
			if err := errs.outcome(notRead(e.Enrollee)); err != nil {
				return Totals{}, err
			}
		}
	}
	sum.Totals.LeftOut = p.Totals.LeftOut
	if sum.Totals != p.Totals || sum.Totals.Enrollees() != p.Enrollees {
		return Totals{}, fmt.Errorf("the ledger of part %d does not add up: %+v of %d enrollees, noted %+v", p.Number, sum.Totals, p.Enrollees, p.Totals)
	}
	return sum.Totals, nil
}

// notRead tells the sponsor whose claims are missing.
func notRead(id coverage.EnrolleeID) fhir.Issue {
	return fhir.ErrorIssue(fhir.CodeTransient, fmt.Sprintf("The claims of Patient/%d could not be read and are not in this export. "+
		"The next export without _since will hold them.", id))
}

// outcome writes an OperationOutcome line.
func (o *output) outcome(i fhir.Issue) error {
	b, err := fhir.Encode(fhir.Outcome(i))
	if err != nil {
		return fmt.Errorf("encode an OperationOutcome: %w", err)
	}
	if err := o.line(append(b, '\n')); err != nil {
		return err
	}
	return o.keep()
}
