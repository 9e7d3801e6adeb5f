package store

import (
	"github.com/dustin/go-humanize/english"

	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/obs"
)

// Lease takes the next step. What concerns a whole job (plan, finish, sweep)
// is short and comes before the parts.
func (db *DB) Lease(ctx context.Context, worker, source string, ttl time.Duration) (*export.Task, error) {
	now := millis(db.now())
	var task *export.Task
	err := db.tx(ctx, func(tx *sql.Tx) (err error) {
		if err := db.expire(ctx, tx, now); err != nil {
			return fmt.Errorf("expire jobs: %w", err)
		}
		task, err = db.leaseJob(ctx, tx, worker, source, now, now+ttl.Milliseconds())
		if errors.Is(err, sql.ErrNoRows) {
			task, err = db.leasePart(ctx, tx, worker, source, now, now+ttl.Milliseconds())
		}
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, export.ErrNoWork
	}
	if err != nil {
		return nil, fmt.Errorf("lease a step: %w", err)
	}
	return task, nil
}

// expire moves completed jobs whose time is up; their files go with the sweep.
func (db *DB) expire(ctx context.Context, tx *sql.Tx, now int64) error {
	rows, err := tx.QueryContext(ctx, `update job set state = 'expired', swept = 0, worker = '', lease_until = 0, not_before = 0,
		failures = 0, fence = fence + 1 where state = 'completed' and expires <= $1 returning id`, now)
	if err != nil {
		return err
	}
	defer rows.Close()
	var expired []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		expired = append(expired, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, id := range expired {
		if err := db.appendJob(ctx, tx, audit.JobExpired, id, ""); err != nil {
			return err
		}
	}
	return nil
}

// The jobs that are to be planned or finished, and those that are to be swept,
// with $1 the time and $2 the worker's source, which does not matter for a sweep. An ended job is swept only when no part of it is under way
// any more, so that nothing is written behind the sweep.
var jobSteps = []string{
	`(j.state = 'accepted' or j.state = 'running' and j.parts_done = j.parts) and j.source in ('', $2)`,
	`j.swept = 0 and j.state not in ('accepted', 'running')
		and not exists (select 1 from part p where p.job = j.id and p.done = 0 and p.lease_until > $1)`,
}

// leaseJob leases a step of a whole job.
func (db *DB) leaseJob(ctx context.Context, tx *sql.Tx, worker, source string, now, until int64) (*export.Task, error) {
	var t export.Task
	var j *export.Job
	err := sql.ErrNoRows
	args := [][]any{{now, source}, {now}}
	for i := 0; i < len(jobSteps) && errors.Is(err, sql.ErrNoRows); i++ {
		j, err = scanJob(tx.QueryRowContext(ctx, `select `+leasedColumns+`, j.fence + 1, j.failures from job j
			where j.lease_until <= $1 and j.not_before <= $1 and `+jobSteps[i]+`
			order by j.transaction_time, j.id limit 1`+db.lockJob, args[i]...), &t.Lease.Fence, &t.Failures)
	}
	if err != nil {
		return nil, err
	}
	t.Job, t.Lease.Job = *j, j.ID
	switch j.State {
	case export.Accepted:
		t.Lease.Step = export.StepPlan
	case export.Running:
		t.Lease.Step = export.StepFinish
	default:
		t.Lease.Step = export.StepSweep
	}
	_, err = tx.ExecContext(ctx, `update job set worker = $2, lease_until = $3, fence = $4 where id = $1`, j.ID, worker, until, t.Lease.Fence)
	return &t, err
}

// leasePart leases a part of the job that has the fewest parts under way, and
// of those the one that was accepted first.
func (db *DB) leasePart(ctx context.Context, tx *sql.Tx, worker, source string, now, until int64) (*export.Task, error) {
	t := export.Task{Lease: export.Lease{Step: export.StepPart}}
	err := tx.QueryRowContext(ctx, `select j.id from job j where j.state = 'running' and j.source in ('', $2) and exists (
			select 1 from part p where p.job = j.id and p.done = 0 and p.lease_until <= $1 and p.not_before <= $1)
		order by (select count(*) from part p where p.job = j.id and p.done = 0 and p.lease_until > $1), j.transaction_time, j.id
		limit 1`, now, source).Scan(&t.Lease.Job)
	if err != nil {
		return nil, err
	}
	p := &t.Part
	var members string
	// The plus keeps SQLite from finding all parts that are free, by their leases, to sort
	// them by number: the index of those to be done has them in that order.
	err = tx.QueryRowContext(ctx, `select p.number, p.first, p.last, p.enrollees, p.members, p.fence + 1, p.failures from part p
		where p.job = $1 and p.done = 0 and +p.lease_until <= $2 and p.not_before <= $2
		order by p.number limit 1`+db.lockPart, t.Lease.Job, now).Scan(&p.Number, &p.First, &p.Last, &p.Enrollees, &members, &t.Lease.Fence, &t.Failures)
	if err != nil {
		return nil, err
	}
	if p.Members, err = decodedMembers(members); err != nil {
		return nil, err
	}
	t.Lease.Part = p.Number
	_, err = tx.ExecContext(ctx, `update part set worker = $3, lease_until = $4, fence = $5 where job = $1 and number = $2`,
		t.Lease.Job, p.Number, worker, until, t.Lease.Fence)
	if err != nil {
		return nil, err
	}
	j, err := scanJob(tx.QueryRowContext(ctx, `select `+leasedColumns+` from job j where j.id = $1`, t.Lease.Job))
	if err != nil {
		return nil, err
	}
	if j.State != export.Running { // since a moment ago
		return nil, sql.ErrNoRows
	}
	t.Job = *j
	return &t, nil
}

// Conditions under which a lease is still held, with $1 the job, $2 the fence
// and, for a part, $3 its number. That a job's state is right for the step
// follows from the fence: every move raises it or ends the lease.
const (
	jobHeld  = ` where id = $1 and fence = $2 and lease_until > 0`
	partHeld = ` where job = $1 and fence = $2 and number = $3 and done = 0 and lease_until > 0
		and exists (select 1 from job j where j.id = $1 and j.state = 'running')`
)

// held runs changes in a transaction; any of them that finds its condition
// broken makes it export.ErrLeaseLost.
func (db *DB) held(ctx context.Context, doing string, f func(change func(statement string, args ...any) error, tx *sql.Tx) error) error {
	ctx, span := obs.StartSpan(ctx, "store", doing)
	err := db.tx(ctx, func(tx *sql.Tx) error {
		return f(func(statement string, args ...any) error {
			ok, err := exactlyOne(ctx, tx, statement, args...)
			if err == nil && !ok {
				err = export.ErrLeaseLost
			}
			return err
		}, tx)
	})
	span.End(err)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// Extend holds a lease for longer and notes the progress, which never goes back.
func (db *DB) Extend(ctx context.Context, l export.Lease, ttl time.Duration, progress int64) error {
	until := millis(db.now().Add(ttl))
	return db.held(ctx, "extend a lease", func(change func(string, ...any) error, _ *sql.Tx) error {
		if l.Step != export.StepPart {
			return change(`update job set lease_until = $3`+jobHeld, l.Job, l.Fence, until)
		}
		return change(`update part set lease_until = $4, progress = case when progress < $5 then $5 else progress end`+partHeld,
			l.Job, l.Fence, l.Part, until, progress)
	})
}

// SavePlan stores the parts and starts the job, which from then on pins what its
// snapshot names. If a newer load or enrollment was published since the snapshot was
// taken, a part of that may be deleted already: that is export.ErrNoSnapshot.
func (db *DB) SavePlan(ctx context.Context, l export.Lease, snapshot string, parts []export.Part) error {
	var expected int64
	for _, p := range parts {
		expected += p.Enrollees
	}
	return db.held(ctx, "save a plan", func(change func(string, ...any) error, tx *sql.Tx) error {
		if err := db.pinnable(ctx, tx, snapshot); err != nil {
			return err
		}
		err := change(`update job set state = 'running', started = $3, snapshot = $4, expected = $5, parts = $6,
			worker = '', lease_until = 0, failures = 0`+jobHeld+` and state = 'accepted'`,
			l.Job, l.Fence, millis(db.now()), snapshot, expected, len(parts))
		if err != nil {
			return err
		}
		insert, err := tx.PrepareContext(ctx, `insert into part (job, number, first, last, enrollees, members) values ($1, $2, $3, $4, $5, $6)`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, p := range parts {
			if _, err := insert.ExecContext(ctx, l.Job, p.Number, int64(p.First), int64(p.Last), p.Enrollees, encodedMembers(p.Members)); err != nil {
				return err
			}
		}
		return nil
	})
}

// CommitPart stores what a part has written and marks it done.
func (db *DB) CommitPart(ctx context.Context, l export.Lease, r export.PartResult) error {
	return db.held(ctx, "commit a part", func(change func(string, ...any) error, tx *sql.Tx) error {
		err := change(`update part set done = 1, ledger = $4, totals = $5, progress = enrollees, worker = '', lease_until = 0`+partHeld,
			l.Job, l.Fence, l.Part, r.Ledger.Bytes, encoded(r.Ledger.Totals))
		if err != nil {
			return err
		}
		if err := change(`update job set parts_done = parts_done + 1 where id = $1 and state = 'running'`, l.Job); err != nil {
			return err
		}
		for i := range r.Files {
			if err := insertFile(ctx, tx, &r.Files[i]); err != nil {
				return err
			}
		}
		if err := numberReady(ctx, tx, l.Job); err != nil {
			return fmt.Errorf("number the files of parts that are done: %w", err)
		}
		obs.CrashPoint("committing a part")
		return nil
	})
}

// Results reads the parts of a job with their files. Parts are read in pages,
// so that no cursor stays open while see works.
func (db *DB) Results(ctx context.Context, job string, see func(export.Part, []export.File) error) error {
	ctx, span := obs.StartSpan(ctx, "store", "read the results")
	defer span.End(nil)
	for after := 0; ; {
		parts, err := db.partsAfter(ctx, job, after)
		if err != nil {
			return fmt.Errorf("read the parts of job %s: %w", job, err)
		}
		if len(parts) == 0 {
			return nil
		}
		last := parts[len(parts)-1].Number
		files, err := db.filesOfParts(ctx, job, after+1, last)
		if err != nil {
			return fmt.Errorf("read the files of job %s: %w", job, err)
		}
		for _, p := range parts {
			if err := see(p, files[p.Number]); err != nil {
				return err
			}
		}
		after = last
	}
}

func (db *DB) partsAfter(ctx context.Context, job string, after int) ([]export.Part, error) {
	return db.queryParts(ctx, `where job = $1 and number > $2 order by number limit 200`, job, after)
}

// Ledgers reads the done parts of a job that hold enrollees from first to last.
func (db *DB) Ledgers(ctx context.Context, job string, first, last coverage.EnrolleeID) ([]export.Part, error) {
	parts, err := db.queryParts(ctx, `where job = $1 and done = 1 and last >= $2 and first <= $3 order by number`, job, int64(first), int64(last))
	if err != nil {
		return nil, fmt.Errorf("read the ledger of job %s: %w", job, err)
	}
	return parts, nil
}

// queryParts lists parts. The condition is one of ours, never from outside.
func (db *DB) queryParts(ctx context.Context, condition string, args ...any) ([]export.Part, error) {
	rows, err := db.read.QueryContext(ctx, `select number, first, last, enrollees, ledger, totals from part `+condition, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var parts []export.Part
	for rows.Next() {
		var p export.Part
		var totals string
		if err := rows.Scan(&p.Number, &p.First, &p.Last, &p.Enrollees, &p.Ledger, &totals); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(totals), &p.Totals); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, rows.Err()
}

// Finish names the files and completes the job. A job without claim files has
// nothing left to download.
func (db *DB) Finish(ctx context.Context, l export.Lease, files []export.File, totals export.Totals, expires time.Time) error {
	return db.held(ctx, "complete a job", func(change func(string, ...any) error, tx *sql.Tx) error {
		err := change(`update job set state = 'completed', finished = $3, expires = $4, totals = $5, completed = 1, downloaded = 0,
			worker = '', lease_until = 0, failures = 0, swept = 0`+jobHeld+` and state = 'running' and parts_done = parts`,
			l.Job, l.Fence, millis(db.now()), millis(expires), encoded(totals))
		if err != nil {
			return err
		}
		for i := range files {
			if err := nameFile(ctx, tx, &files[i]); err != nil {
				return err
			}
		}
		if err := noteDownloaded(ctx, tx, l.Job); err != nil {
			return err
		}
		return db.appendJob(ctx, tx, audit.JobCompleted, l.Job, english.Plural(len(files), "file", "")+", "+english.Plural(int(totals.Claims), "claim", ""))
	})
}

// Release gives a lease back, and fails the job if the fault says so.
func (db *DB) Release(ctx context.Context, l export.Lease, f *export.StepFailure) error {
	err := db.held(ctx, "give a lease back", func(change func(string, ...any) error, tx *sql.Tx) error {
		var again int64 // when the step is free again
		failures, text := 0, ""
		if f != nil {
			again, failures, text = millis(db.now().Add(f.Pause)), 1, f.Text
		}
		set := `update job set worker = '', lease_until = 0, not_before = $3, failures = failures + $4, fault = $5` + jobHeld
		args := []any{l.Job, l.Fence, again, failures, text}
		if l.Step == export.StepPart {
			set = `update part set worker = '', lease_until = 0, not_before = $3, failures = failures + $4, fault = $5
				where job = $1 and fence = $2 and number = $6 and done = 0 and lease_until > 0`
			args = append(args, l.Part)
		}
		if err := change(set, args...); err != nil {
			return err
		}
		if f == nil || f.Reason == "" {
			return nil
		}
		err := change(`update job set state = 'failed', reason = $2, fault = $3, finished = $4, swept = 0, not_before = 0, failures = 0,
			fence = fence + 1 where id = $1 and state in ('accepted', 'running')`, l.Job, f.Reason, f.Text, millis(db.now()))
		if err != nil {
			return err
		}
		return db.appendJob(ctx, tx, audit.JobFailed, l.Job, f.Reason)
	})
	if errors.Is(err, export.ErrLeaseLost) {
		return nil
	}
	return err
}

// Swept notes that an ended job has nothing but its files.
func (db *DB) Swept(ctx context.Context, l export.Lease) error {
	return db.held(ctx, "note a sweep", func(change func(string, ...any) error, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `delete from job_patient where job = $1`, l.Job); err != nil {
			return err
		}
		return change(`update job set swept = 1, worker = '', lease_until = 0`+jobHeld+` and state not in ('accepted', 'running')`, l.Job, l.Fence)
	})
}

// SweepAgain lets an ended job be swept once more.
func (db *DB) SweepAgain(ctx context.Context, job string) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `update job set swept = 0 where id = $1 and swept = 1 and state not in ('accepted', 'running')`, job)
		return err
	})
	if err != nil {
		return fmt.Errorf("sweep job %s again: %w", job, err)
	}
	return nil
}
