package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

// Accept inserts a job, unless its contract has limit jobs under way. It moves the job's
// transactionTime on where another job of the contract has it.
func (db *DB) Accept(ctx context.Context, j *export.Job, limit int) error {
	ctx, span := obs.StartSpan(ctx, "store", "accept a job")
	defer span.End(nil) // a refusal is no failure
	return db.tx(ctx, func(tx *sql.Tx) error {
		if err := db.alone(ctx, tx, "jobs of contract "+j.Contract); err != nil {
			return err
		}
		known, err := db.known(ctx, tx, j.Key)
		if err != nil {
			return fmt.Errorf("look for a job with the same key: %w", err)
		}
		if known != nil {
			return &export.DuplicateRequestError{Job: known}
		}
		running, err := underWay(ctx, tx, j.Contract)
		if err != nil {
			return fmt.Errorf("look for jobs under way: %w", err)
		}
		if len(running) >= limit {
			return &export.JobLimitError{Running: running}
		}
		if err := ownMillisecond(ctx, tx, j); err != nil {
			return fmt.Errorf("look for a job with the same transactionTime: %w", err)
		}
		_, err = tx.ExecContext(ctx, `insert into job (id, contract, client, version, request, since, since_source, until,
			service_dates, transaction_time, continuous, notes, state, base, key, source, patients_hash, elements, partial, trace) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
			j.ID, j.Contract, j.Client, int(j.Version), j.Request, millis(j.Since), string(j.SinceSource), millis(j.Until),
			encoded(j.ServiceDates), millis(j.TransactionTime), bit(j.Continuous), encoded(j.Notes), string(export.Accepted), j.Base, j.Key, j.Source, j.PatientsHash, strings.Join(j.Elements, ","), bit(j.Partial), j.Trace)
		if err != nil {
			return fmt.Errorf("insert the job: %w", err)
		}
		if err := insertPatients(ctx, tx, j); err != nil {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.JobAccepted, Job: j.ID, Contract: j.Contract, Client: j.Client})
	})
}

// ownMillisecond moves the job's transactionTime on to the next millisecond that no other
// job of the contract has. A _since tells by it alone which job it continues from.
func ownMillisecond(ctx context.Context, tx *sql.Tx, j *export.Job) error {
	for {
		var taken bool
		err := tx.QueryRowContext(ctx, `select exists (select 1 from job where contract = $1 and transaction_time = $2)`,
			j.Contract, millis(j.TransactionTime)).Scan(&taken)
		if err != nil || !taken {
			return err
		}
		j.TransactionTime = j.TransactionTime.Add(time.Millisecond)
	}
}

// known finds the job that has a key and is not over; nil when there is none.
func (db *DB) known(ctx context.Context, tx *sql.Tx, key string) (*export.Job, error) {
	if key == "" {
		return nil, nil
	}
	j, err := scanJob(tx.QueryRowContext(ctx, `select `+jobColumns+` from job j where j.key = $1 and (j.state in ('accepted', 'running')
		or j.state = 'completed' and j.expires > $2) order by j.transaction_time desc, j.id limit 1`, key, millis(db.now())))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return j, err
}

// bit is a boolean as the tables hold it.
func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func underWay(ctx context.Context, tx *sql.Tx, contract string) ([]export.RunningJob, error) {
	rows, err := tx.QueryContext(ctx, `select id, version from job where contract = $1 and state in ('accepted', 'running')
		order by transaction_time, id`, contract)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var running []export.RunningJob
	for rows.Next() {
		var j export.RunningJob
		if err := rows.Scan(&j.ID, &j.Version); err != nil {
			return nil, err
		}
		running = append(running, j)
	}
	return running, rows.Err()
}

// jobColumns are what scanJob reads. The progress is that of the parts. It is read from
// all of them.
const jobColumns = jobFacts + `, (select coalesce(sum(p.progress), 0) from part p where p.job = j.id)`

// leasedColumns are the same for those who need no progress, so that their cost does not
// grow with the number of parts.
const leasedColumns = jobFacts + `, 0`

const jobFacts = `j.id, j.contract, j.client, j.version, j.request, j.key, j.source, j.since, j.since_source, j.base, j.until, j.service_dates,
	j.transaction_time, j.continuous, j.notes, j.state, j.reason, j.started, j.finished, j.expires, j.snapshot, j.expected,
	j.parts, j.parts_done, j.totals, j.patients_hash, j.elements, j.partial > 0, j.ready_files, j.trace`

func scanJob(row interface{ Scan(...any) error }, more ...any) (*export.Job, error) {
	var j export.Job
	var version int
	var since, until, transactionTime, started, finished, expires int64
	var dates, notes, totals, source, state, elements string
	err := row.Scan(append([]any{&j.ID, &j.Contract, &j.Client, &version, &j.Request, &j.Key, &j.Source, &since, &source, &j.Base, &until, &dates,
		&transactionTime, &j.Continuous, &notes, &state, &j.Reason, &started, &finished, &expires, &j.Snapshot, &j.Expected,
		&j.Parts, &j.PartsDone, &totals, &j.PatientsHash, &elements, &j.Partial, &j.ReadyFiles, &j.Trace, &j.Progress}, more...)...)
	if err != nil {
		return nil, err
	}
	if elements != "" {
		j.Elements = strings.Split(elements, ",")
	}
	j.Version, j.SinceSource, j.State = fhir.Version(version), export.SinceSource(source), export.State(state)
	j.Since, j.Until, j.TransactionTime = timeOf(since), timeOf(until), timeOf(transactionTime)
	j.Started, j.Finished, j.Expires = timeOf(started), timeOf(finished), timeOf(expires)
	return &j, errors.Join(json.Unmarshal([]byte(dates), &j.ServiceDates), json.Unmarshal([]byte(notes), &j.Notes),
		json.Unmarshal([]byte(totals), &j.Totals))
}

// Job finds a job by its id.
func (db *DB) Job(ctx context.Context, id string) (*export.Job, error) {
	ctx, span := obs.StartSpan(ctx, "store", "read a job")
	defer span.End(nil)
	j, err := scanJob(db.read.QueryRowContext(ctx, `select `+jobColumns+` from job j where j.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, export.ErrNoJob
	}
	if err != nil {
		return nil, fmt.Errorf("read job %s: %w", id, err)
	}
	return j, nil
}

// List reads the newest jobs of a contract, or of all for "".
func (db *DB) List(ctx context.Context, contract string, limit int) ([]*export.Job, error) {
	return db.ListBefore(ctx, contract, "", limit)
}

// ListBefore is List of the jobs that follow the one with this id in the list; none if
// the contract has no such job. With "" it begins with the newest.
func (db *DB) ListBefore(ctx context.Context, contract, before string, limit int) ([]*export.Job, error) {
	rows, err := db.read.QueryContext(ctx, `select `+jobColumns+` from job j where ($1 = '' or j.contract = $1)
		and ($2 = '' or exists (select 1 from job b where b.id = $2 and b.contract = j.contract
			and (j.transaction_time < b.transaction_time or j.transaction_time = b.transaction_time and j.id > b.id)))
		order by j.transaction_time desc, j.id limit $3`, contract, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	defer rows.Close()
	list := []*export.Job{}
	for rows.Next() {
		j, err := scanJob(rows)
		if err != nil {
			return nil, fmt.Errorf("list jobs: %w", err)
		}
		list = append(list, j)
	}
	return list, rows.Err()
}

// Ahead counts the contract's jobs under way that were accepted before this one.
func (db *DB) Ahead(ctx context.Context, id string) (int, error) {
	var n int
	err := db.read.QueryRowContext(ctx, `select count(*) from job a, job j where j.id = $1 and a.contract = j.contract and a.state in ('accepted', 'running')
		and (a.transaction_time < j.transaction_time or a.transaction_time = j.transaction_time and a.id < j.id)`, id).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the jobs before job %s: %w", id, err)
	}
	return n, nil
}

// Base finds the job that a default _since goes on from.
func (db *DB) Base(ctx context.Context, contract string, v fhir.Version) (*export.Job, error) {
	j, err := scanJob(db.read.QueryRowContext(ctx, `select `+jobColumns+` from job j
		where j.contract = $1 and j.version = $2 and j.continuous = 1 and j.completed = 1 and j.downloaded = 1
		order by j.transaction_time desc, j.id limit 1`, contract, int(v)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, export.ErrNoJob
	}
	if err != nil {
		return nil, fmt.Errorf("find the last downloaded job of contract %s: %w", contract, err)
	}
	return j, nil
}

// Ended finds a completed job by its transactionTime.
func (db *DB) Ended(ctx context.Context, contract string, v fhir.Version, transactionTime time.Time) (*export.Job, error) {
	j, err := scanJob(db.read.QueryRowContext(ctx, `select `+jobColumns+` from job j
		where j.contract = $1 and j.version = $2 and j.transaction_time = $3 and j.completed = 1
		order by j.id limit 1`, contract, int(v), millis(transactionTime)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, export.ErrNoJob
	}
	if err != nil {
		return nil, fmt.Errorf("find a job of contract %s by its transactionTime: %w", contract, err)
	}
	return j, nil
}

// Delete cancels a job. Its files go with the sweep. The fence moves on, so
// that nobody who plans, finishes or sweeps the job at this moment has a say
// any more.
func (db *DB) Delete(ctx context.Context, id string) (bool, error) {
	ctx, span := obs.StartSpan(ctx, "store", "cancel a job")
	defer span.End(nil)
	var moved bool
	err := db.tx(ctx, func(tx *sql.Tx) (err error) {
		moved, err = exactlyOne(ctx, tx, `update job set state = 'cancelled', finished = case finished when 0 then $2 else finished end,
			swept = 0, worker = '', lease_until = 0, not_before = 0, failures = 0, fence = fence + 1
			where id = $1 and state in ('accepted', 'running', 'completed', 'failed')`, id, millis(db.now()))
		if err != nil || !moved {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.JobCanceled, Job: id})
	})
	if err != nil {
		return false, fmt.Errorf("cancel job %s: %w", id, err)
	}
	return moved, nil
}

// FailedStep is a step of a job that failed at least once.
type FailedStep struct {
	Step     export.Step
	Part     int // of StepPart
	Failures int
	Fault    string // of the last time, for the operator
}

// FailedSteps lists the steps of a job that failed and were tried again, or made
// the job fail.
func (db *DB) FailedSteps(ctx context.Context, id string) ([]FailedStep, error) {
	rows, err := db.read.QueryContext(ctx, `select 0, failures, fault from job where id = $1 and fault <> ''
		union all select number, failures, fault from part where job = $1 and fault <> '' order by 1`, id)
	if err != nil {
		return nil, fmt.Errorf("read the faults of job %s: %w", id, err)
	}
	defer rows.Close()
	var all []FailedStep
	for rows.Next() {
		t := FailedStep{Step: export.StepPart}
		if err := rows.Scan(&t.Part, &t.Failures, &t.Fault); err != nil {
			return nil, fmt.Errorf("read the faults of job %s: %w", id, err)
		}
		if t.Part == 0 {
			t.Step = "job"
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// OtherSources returns the jobs that wait for workers with another source.
func (db *DB) OtherSources(ctx context.Context, source string, limit int) (map[string]string, error) {
	rows, err := db.read.QueryContext(ctx, `select id, source from job where state in ('accepted', 'running') and source not in ('', $1)
		order by transaction_time, id limit $2`, source, limit)
	if err != nil {
		return nil, fmt.Errorf("list jobs of other sources: %w", err)
	}
	defer rows.Close()
	others := map[string]string{}
	for rows.Next() {
		var id, source string
		if err := rows.Scan(&id, &source); err != nil {
			return nil, fmt.Errorf("list jobs of other sources: %w", err)
		}
		others[id] = source
	}
	return others, rows.Err()
}
