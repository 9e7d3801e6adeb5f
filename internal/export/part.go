package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
	"ab2d/internal/segment"
)

// errNothingRead says that a part has enrollees, and of not one of them the
// claims could be read: a fault of the source rather than of the enrollees.
var errNothingRead = errors.New("the claims of none of the part's enrollees could be read")

// runPart exports the enrollees of one part and commits it.
func (w *Worker) runPart(ctx context.Context, t *Task, progress *atomic.Int64) error {
	contract, enrollees, err := w.readPart(ctx, t)
	if err != nil {
		return err
	}
	starts, err := w.starts(ctx, t, enrollees)
	if err != nil {
		return err
	}
	reader, err := w.Claims.Open(ctx, query(t))
	if err != nil {
		return fmt.Errorf("open the claims of part %d: %w", t.Part.Number, err)
	}
	defer reader.Close()
	reading, span := obs.StartSpan(ctx, "claims", "select and write")
	defer span.End(nil)
	out := w.newOutput(ctx, t.Lease, Data)
	defer out.abort()
	var subset *fhir.Subset
	if len(t.Job.Elements) > 0 {
		subset = fhir.NewSubset(t.Job.Elements)
	}
	var ledger Ledger
	for i := range enrollees {
		entry, err := w.exportEnrollee(reading, t, &ledger, t.Job.Selection(contract, &enrollees[i], starts[i]), reader, out, subset)
		if err != nil {
			return err
		}
		ledger.Record(entry)
		if progress.Add(1) == t.Part.Enrollees/2 {
			obs.CrashPoint("middle of a part")
		}
	}
	span.End(nil)
	if n := ledger.Totals.NotRead; n > 0 && n == ledger.Totals.Enrollees() && t.Failures+1 < w.Attempts {
		return errNothingRead
	}
	if _, err := out.close(); err != nil {
		return err
	}
	deleted, err := w.writeDeleted(ctx, t, contract, enrollees)
	if err != nil {
		return err
	}
	out.done = append(out.done, deleted...)
	files := out.done
	obs.CrashPoint("part written")
	if err := w.Queue.CommitPart(ctx, t.Lease, PartResult{Files: files, Ledger: ledger}); err != nil {
		out.discard(err)
		return fmt.Errorf("commit part %d: %w", t.Part.Number, err)
	}
	obs.CrashPoint("part committed")
	w.countFiles(files)
	return nil
}

// query is what a part asks of the claims.
func query(t *Task) Query {
	return Query{Version: t.Job.Version, Snapshot: t.Job.Snapshot, Request: t.Job.Request, First: t.Part.First, Last: t.Part.Last,
		Members: t.Part.Members != nil, Since: t.Job.Since}
}

// readPart reads the part's enrollees, exactly those it was planned with.
func (w *Worker) readPart(ctx context.Context, t *Task) (coverage.Contract, []coverage.Enrollee, error) {
	ctx, span := obs.StartSpan(ctx, "claims", "read the enrollees")
	defer span.End(nil)
	contract, err := w.attestedContract(ctx, t.Job.Contract)
	if err != nil {
		return contract, nil, err
	}
	var enrollees []coverage.Enrollee
	if t.Part.Members != nil {
		enrollees, err = w.Roster.Members(ctx, t.Job.Contract, t.Job.Snapshot, t.Job.Version, t.Part.Members)
	} else {
		enrollees, err = w.Roster.Enrollees(ctx, t.Job.Contract, t.Job.Snapshot, t.Part.First, int(t.Part.Enrollees))
	}
	if err != nil {
		return contract, nil, fmt.Errorf("read the enrollees of part %d: %w", t.Part.Number, err)
	}
	if n := int64(len(enrollees)); n != t.Part.Enrollees || (n > 0 && enrollees[n-1].ID != t.Part.Last) {
		return contract, nil, fmt.Errorf("part %d has %d enrollees, but was planned with %d: snapshot %s has changed",
			t.Part.Number, n, t.Part.Enrollees, t.Job.Snapshot)
	}
	return contract, enrollees, nil
}

// exportEnrollee writes one enrollee's claims and says how it went. An error
// is one of the whole part.
func (w *Worker) exportEnrollee(ctx context.Context, t *Task, ledger *Ledger, s *coverage.Selection, from Reader, out *output, subset *fhir.Subset) (Entry, error) {
	entry := Entry{Enrollee: s.Enrollee.ID}
	switch {
	case s.Enrollee.OptedOut:
		entry.Outcome = OptedOut
		return entry, nil
	case len(s.Enrollee.MBIs) == 0, t.Job.Version == fhir.V3 && s.Enrollee.PatientV3 == 0:
		entry.Outcome = NoIdentifier
		return entry, nil
	}
	sink := partSink{selection: s, out: out, subset: subset}
	err := from.Write(ctx, s, &sink)
	switch {
	case ctx.Err() != nil:
		return entry, context.Cause(ctx)
	case sink.failed != nil: // the output's fault, not the source's
		return entry, sink.failed
	case err != nil:
		if err := out.drop(); err != nil {
			return entry, err
		}
		w.Log.WarnContext(ctx, "the claims of an enrollee could not be read", "job", t.Job.ID, "part", t.Part.Number, "error", err)
		entry.Outcome, entry.Reason = NotRead, err.Error()
		return entry, nil
	}
	if err := out.keep(); err != nil {
		return entry, err
	}
	for v, n := range sink.leftOut {
		ledger.Totals.LeftOut[v] += n
	}
	entry.Outcome, entry.Claims = NoClaims, sink.lines
	if sink.lines > 0 {
		entry.Outcome = Delivered
	}
	return entry, nil
}

// partSink takes one enrollee's claims into the part's output.
type partSink struct {
	selection *coverage.Selection
	out       *output
	subset    *fhir.Subset // nil: claims are whole
	cut       []byte
	lines     int64
	leftOut   [coverage.VerdictCount]int64
	failed    error
}

// Wants applies the rules.
func (s *partSink) Wants(c *coverage.Claim) bool {
	v := s.selection.Verdict(c)
	if v != coverage.Deliver {
		s.leftOut[v]++
	}
	return v == coverage.Deliver
}

// Line passes a claim on to the output.
func (s *partSink) Line(line []byte) error {
	s.lines++
	if s.subset != nil {
		if s.cut, s.failed = s.subset.Append(s.cut[:0], bytes.TrimSuffix(line, []byte("\n"))); s.failed != nil {
			return s.failed
		}
		s.cut = append(s.cut, '\n')
		line = s.cut
	}
	s.failed = s.out.line(line)
	return s.failed
}

// Segment passes all claims on to the output, as they are stored unless they are cut.
func (s *partSink) Segment(stored segment.Segment, plain []byte, n int64) error {
	if s.subset != nil {
		for line := range bytes.Lines(plain) {
			if err := s.Line(line); err != nil {
				return err
			}
		}
		return nil
	}
	s.lines += n
	s.failed = s.out.segment(stored, plain, n)
	return s.failed
}
