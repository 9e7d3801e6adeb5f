package simulation_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// engine is the store as a process calls it: each call can fail, be slow, or be the
// last of the process.
type engine struct{ caller }

// backend is the store, or a mutant of it.
type backend interface {
	export.Jobs
	export.Queue
	export.Ledgers
	export.Deliveries
	export.Roster
	export.Claims
	SweepAgain(ctx context.Context, job string) error
}

// db is the store, or a mutant of it.
func (e *engine) db() backend { return e.w.store }

// Accept numbers jobs by the seed.
func (e *engine) Accept(ctx context.Context, j *export.Job, limit int) error {
	j.ID = e.w.jobID()
	return doing(ctx, e.caller, "Accept", writes, func(ctx context.Context) error {
		job := *j
		err := e.w.store.Accept(ctx, &job, limit)
		if err == nil {
			e.w.judge.accepted(&job)
		}
		return err
	})
}

// jobID is the next id of a job.
func (w *world) jobID() string {
	r := w.random(w.number("job"))
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], r.Uint64())
	binary.BigEndian.PutUint64(b[8:], r.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (e *engine) Job(ctx context.Context, id string) (*export.Job, error) {
	return do(ctx, e.caller, "Job", reads, func(ctx context.Context) (*export.Job, error) { return e.db().Job(ctx, id) })
}

func (e *engine) Patients(ctx context.Context, id string) ([]coverage.EnrolleeID, error) {
	return do(ctx, e.caller, "Patients", reads, func(ctx context.Context) ([]coverage.EnrolleeID, error) { return e.db().Patients(ctx, id) })
}

func (e *engine) Ahead(ctx context.Context, id string) (int, error) {
	return do(ctx, e.caller, "Ahead", reads, func(ctx context.Context) (int, error) { return e.db().Ahead(ctx, id) })
}

func (e *engine) Base(ctx context.Context, contract string, v fhir.Version) (*export.Job, error) {
	return do(ctx, e.caller, "Base", reads, func(ctx context.Context) (*export.Job, error) { return e.db().Base(ctx, contract, v) })
}

func (e *engine) Ended(ctx context.Context, contract string, v fhir.Version, at time.Time) (*export.Job, error) {
	return do(ctx, e.caller, "Ended", reads, func(ctx context.Context) (*export.Job, error) { return e.db().Ended(ctx, contract, v, at) })
}

func (e *engine) Delete(ctx context.Context, id string) (bool, error) {
	return do(ctx, e.caller, "Delete", writes, func(ctx context.Context) (bool, error) {
		moved, err := e.db().Delete(ctx, id)
		if moved {
			e.w.judge.deleted(id)
		}
		return moved, err
	})
}

func (e *engine) Files(ctx context.Context, id string) ([]export.File, error) {
	return do(ctx, e.caller, "Files", reads, func(ctx context.Context) ([]export.File, error) { return e.db().Files(ctx, id) })
}

func (e *engine) File(ctx context.Context, id, name string) (*export.File, error) {
	return do(ctx, e.caller, "File", reads, func(ctx context.Context) (*export.File, error) { return e.db().File(ctx, id, name) })
}

func (e *engine) Ledgers(ctx context.Context, job string, first, last coverage.EnrolleeID) ([]export.Part, error) {
	return do(ctx, e.caller, "Ledgers", reads, func(ctx context.Context) ([]export.Part, error) {
		return e.w.store.Ledgers(ctx, job, first, last)
	})
}

// Lease does not ask the database again when there was no work and nothing has
// changed since: a look at the queue costs more than all else of an idle worker.
func (e *engine) Lease(ctx context.Context, worker, source string, ttl time.Duration) (*export.Task, error) {
	return do(ctx, e.caller, "Lease", leases, func(ctx context.Context) (*export.Task, error) {
		if e.w.nothingToDo() {
			return nil, export.ErrNoWork
		}
		t, err := e.w.store.Lease(ctx, worker, source, ttl)
		switch {
		case err == nil:
			e.w.judge.leased(t.Lease, e.actor, ttl)
			e.w.changes(ttl)
		case errors.Is(err, export.ErrNoWork):
			e.w.noWork()
		}
		return t, err
	})
}

func (e *engine) Extend(ctx context.Context, l export.Lease, ttl time.Duration, progress int64) error {
	return doing(ctx, e.caller, "Extend", writes, func(ctx context.Context) error {
		err := e.w.store.Extend(ctx, l, ttl, progress)
		if err == nil {
			e.w.judge.extended(l, e.actor, ttl)
			e.w.changes(ttl)
		}
		return err
	})
}

func (e *engine) SavePlan(ctx context.Context, l export.Lease, snapshot string, parts []export.Part) error {
	return doing(ctx, e.caller, "SavePlan", writes, func(ctx context.Context) error {
		err := e.w.store.SavePlan(ctx, l, snapshot, parts)
		if err == nil {
			e.w.judge.ended(l)
			e.w.hits.state(e.w, "job running")
		}
		e.w.changes(0)
		return err
	})
}

func (e *engine) CommitPart(ctx context.Context, l export.Lease, r export.PartResult) error {
	return doing(ctx, e.caller, "CommitPart", writes, func(ctx context.Context) error {
		if e.old {
			for i := range r.Files {
				r.Files[i].Checksums = nil
			}
		}
		err := e.w.store.CommitPart(ctx, l, r)
		if err == nil {
			e.w.judge.committed(l, r.Ledger)
			e.w.judge.ended(l)
		}
		e.w.changes(0)
		return err
	})
}

func (e *engine) Results(ctx context.Context, job string, see func(export.Part, []export.File) error) error {
	return doing(ctx, e.caller, "Results", reads, func(ctx context.Context) error { return e.w.store.Results(ctx, job, see) })
}

// Finish computes what the job has to be before it completes it: after that the
// claims and the enrollment that it was planned with may go.
func (e *engine) Finish(ctx context.Context, l export.Lease, files []export.File, totals export.Totals, expires time.Time) error {
	return doing(ctx, e.caller, "Finish", writes, func(ctx context.Context) error {
		judged := context.WithoutCancel(ctx)
		want := e.w.judge.undisturbed(judged, l.Job)
		err := e.w.store.Finish(ctx, l, files, totals, expires)
		if err == nil {
			e.w.judge.completed(judged, l.Job, want)
			e.w.judge.ended(l)
			e.w.changes(e.w.retention())
		}
		e.w.changes(0)
		return err
	})
}

func (e *engine) Release(ctx context.Context, l export.Lease, f *export.StepFailure) error {
	return doing(ctx, e.caller, "Release", writes, func(ctx context.Context) error {
		err := e.w.store.Release(ctx, l, f)
		if err == nil {
			e.w.judge.released(l, f)
		}
		e.w.changes(0)
		if f != nil {
			e.w.changes(f.Pause)
		}
		return err
	})
}

func (e *engine) Swept(ctx context.Context, l export.Lease) error {
	return doing(ctx, e.caller, "Swept", writes, func(ctx context.Context) error {
		err := e.w.store.Swept(ctx, l)
		if err == nil {
			e.w.judge.ended(l)
		}
		e.w.changes(0)
		return err
	})
}

func (e *engine) SweepAgain(ctx context.Context, job string) error {
	return doing(ctx, e.caller, "SweepAgain", writes, func(ctx context.Context) error {
		e.w.changes(0)
		return e.w.store.SweepAgain(ctx, job)
	})
}

// roster and claims of the store, which have some methods of the same names.
type roster struct{ *engine }

func (r roster) Contract(ctx context.Context, number string) (coverage.Contract, error) {
	return do(ctx, r.caller, "Contract", reads, func(ctx context.Context) (coverage.Contract, error) { return r.w.store.Contract(ctx, number) })
}

func (r roster) Snapshot(ctx context.Context, contract string) (string, error) {
	return do(ctx, r.caller, "Snapshot", reads, func(ctx context.Context) (string, error) { return r.w.store.Snapshot(ctx, contract) })
}

func (r roster) Enrollees(ctx context.Context, contract, snapshot string, from coverage.EnrolleeID, limit int) ([]coverage.Enrollee, error) {
	return do(ctx, r.caller, "Enrollees", reads, func(ctx context.Context) ([]coverage.Enrollee, error) {
		page, err := r.w.store.Enrollees(ctx, contract, snapshot, from, limit)
		if err == nil {
			r.w.judge.read(r.actor, page)
		}
		return page, err
	})
}

func (r roster) Members(ctx context.Context, contract, snapshot string, v fhir.Version, patients []coverage.EnrolleeID) ([]coverage.Enrollee, error) {
	return do(ctx, r.caller, "Members", reads, func(ctx context.Context) ([]coverage.Enrollee, error) {
		page, err := r.w.store.Members(ctx, contract, snapshot, v, patients)
		if err == nil {
			r.w.judge.read(r.actor, page)
		}
		return page, err
	})
}

type claims struct{ *engine }

func (c claims) Open(ctx context.Context, q export.Query) (export.Reader, error) {
	return do(ctx, c.caller, "Open claims", reads, func(ctx context.Context) (export.Reader, error) {
		r, err := c.w.store.Open(ctx, q)
		return &reader{c.caller, r}, err
	})
}

func (c claims) Arrived(ctx context.Context, q export.Query, earlier string) (map[coverage.EnrolleeID]time.Time, error) {
	return do(ctx, c.caller, "Arrived", reads, func(ctx context.Context) (map[coverage.EnrolleeID]time.Time, error) {
		return c.w.store.Arrived(ctx, q, earlier)
	})
}

func (c claims) Withdrawn(ctx context.Context, q export.Query, after, until time.Time) ([]export.Withdrawal, error) {
	return do(ctx, c.caller, "Withdrawn", reads, func(ctx context.Context) ([]export.Withdrawal, error) {
		return c.w.store.Withdrawn(ctx, q, after, until)
	})
}

func (c claims) ReadUpTo(ctx context.Context, v fhir.Version, snapshot string) (time.Time, error) {
	return do(ctx, c.caller, "ReadUpTo", reads, func(ctx context.Context) (time.Time, error) { return c.w.store.ReadUpTo(ctx, v, snapshot) })
}

// reader reads the claims of a part. Those of an enrollee may be unreadable.
type reader struct {
	caller
	export.Reader
}

func (r *reader) Write(ctx context.Context, s *coverage.Selection, sink export.Sink) error {
	v, err := r.w.ask(ctx, r.caller, "Write", of(unread, killBefore, slowBefore, freezeBefore))
	if err != nil {
		return err
	}
	if v.kind == killBefore {
		return r.die()
	}
	err = r.Reader.Write(ctx, s, sink)
	if err == nil && v.kind == unread {
		return errFault
	}
	return err
}
