package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/export"
)

// Maintenance is the time in which no new exports are taken.
type Maintenance struct {
	Since   time.Time
	Until   time.Time // when it is expected to end; zero: not known
	Message string    // for sponsors
}

// Maintenance gives the maintenance that is on, or nil.
func (db *DB) Maintenance(ctx context.Context) (*Maintenance, error) {
	var since, until int64
	var m Maintenance
	err := db.read.QueryRowContext(ctx, `select since, until, message from maintenance`).Scan(&since, &until, &m.Message)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the maintenance: %w", err)
	}
	m.Since, m.Until = timeOf(since), timeOf(until)
	return &m, nil
}

// SetMaintenance begins a maintenance, or with nil ends it. All processes see
// it with their next request.
func (db *DB) SetMaintenance(ctx context.Context, m *Maintenance) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		if m == nil {
			if _, err := tx.ExecContext(ctx, `delete from maintenance`); err != nil {
				return err
			}
			return db.append(ctx, tx, audit.Entry{Event: audit.MaintenanceOff})
		}
		_, err := tx.ExecContext(ctx, `insert into maintenance (id, since, until, message) values (1, $1, $2, $3)
			on conflict (id) do update set until = excluded.until, message = excluded.message`, millis(m.Since), millis(m.Until), m.Message)
		if err != nil {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.MaintenanceOn, Detail: m.Message})
	})
	if err != nil {
		return fmt.Errorf("set the maintenance: %w", err)
	}
	return nil
}

// AdminToken lets somebody use the administration over HTTP.
type AdminToken struct {
	ID      string
	Name    string // of the person or program
	Digest  string // SHA-256 of the token, hex
	Scopes  []string
	Created time.Time
	Expires time.Time
}

// ErrNoAdminToken says that there is no such token.
var ErrNoAdminToken = errors.New("no such admin token")

const adminTokenColumns = `id, name, digest, scopes, created, expires`

func scanAdminToken(row interface{ Scan(...any) error }) (*AdminToken, error) {
	var t AdminToken
	var scopes string
	var created, expires int64
	if err := row.Scan(&t.ID, &t.Name, &t.Digest, &scopes, &created, &expires); err != nil {
		return nil, err
	}
	t.Created, t.Expires = timeOf(created), timeOf(expires)
	return &t, json.Unmarshal([]byte(scopes), &t.Scopes)
}

// AdminToken finds a token by its id; ErrNoAdminToken when absent.
func (db *DB) AdminToken(ctx context.Context, id string) (*AdminToken, error) {
	t, err := scanAdminToken(db.read.QueryRowContext(ctx, `select `+adminTokenColumns+` from admin_token where id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoAdminToken
	}
	if err != nil {
		return nil, fmt.Errorf("read an admin token: %w", err)
	}
	return t, nil
}

// AdminTokens lists all tokens.
func (db *DB) AdminTokens(ctx context.Context) ([]*AdminToken, error) {
	rows, err := db.read.QueryContext(ctx, `select `+adminTokenColumns+` from admin_token order by created, id`)
	if err != nil {
		return nil, fmt.Errorf("list admin tokens: %w", err)
	}
	defer rows.Close()
	list := []*AdminToken{}
	for rows.Next() {
		t, err := scanAdminToken(rows)
		if err != nil {
			return nil, fmt.Errorf("list admin tokens: %w", err)
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// AddAdminToken stores a token.
func (db *DB) AddAdminToken(ctx context.Context, t AdminToken) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `insert into admin_token (`+adminTokenColumns+`) values ($1, $2, $3, $4, $5, $6)`,
			t.ID, t.Name, t.Digest, encoded(t.Scopes), millis(t.Created), millis(t.Expires))
		if err != nil {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.AdminTokenAdded, Detail: fmt.Sprintf("token %s of %s for %v", t.ID, t.Name, t.Scopes)})
	})
	if err != nil {
		return fmt.Errorf("store an admin token: %w", err)
	}
	return nil
}

// RemoveAdminToken takes a token away, at once; ErrNoAdminToken when absent.
func (db *DB) RemoveAdminToken(ctx context.Context, id string) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		removed, err := exactlyOne(ctx, tx, `delete from admin_token where id = $1`, id)
		if err == nil && !removed {
			err = ErrNoAdminToken
		}
		if err != nil {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.AdminTokenRemoved, Detail: "token " + id})
	})
	if err != nil {
		return fmt.Errorf("remove admin token %q: %w", id, err)
	}
	return nil
}

// ErrNotCompleted says that a job has no result that could be kept longer.
var ErrNotCompleted = errors.New("the job is not completed")

// KeepLonger keeps a completed job and its files until later, and gives until when;
// ErrNotCompleted for any other job.
func (db *DB) KeepLonger(ctx context.Context, id string, by time.Duration) (time.Time, error) {
	var expires int64
	err := db.tx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `update job set expires = expires + $2 where id = $1 and state = 'completed' and expires > $3 returning expires`,
			id, by.Milliseconds(), millis(db.now())).Scan(&expires)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotCompleted
		}
		if err != nil {
			return err
		}
		e := audit.Entry{Event: audit.JobExtended, Job: id, Detail: "by " + by.String()}
		if err := tx.QueryRowContext(ctx, `select contract from job where id = $1`, id).Scan(&e.Contract); err != nil {
			return err
		}
		return db.append(ctx, tx, e)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("extend job %s: %w", id, err)
	}
	return timeOf(expires), nil
}

// Volume is what a job has written and what of it was fetched.
type Volume struct {
	Files     int
	Bytes     int64 // uncompressed
	Stored    int64 // as they are kept
	Downloads int   // complete ones
}

// Volumes sums the files of jobs up, by job. A job without any has none.
func (db *DB) Volumes(ctx context.Context, jobs []string) (map[string]Volume, error) {
	if jobs == nil {
		jobs = []string{}
	}
	rows, err := db.read.QueryContext(ctx, `select job, count(*), cast(sum(length) as bigint), cast(sum(stored) as bigint), cast(sum(downloads) as bigint)
		from file where job`+db.inList+` group by job`, encoded(jobs))
	if err != nil {
		return nil, fmt.Errorf("sum files up: %w", err)
	}
	defer rows.Close()
	volumes := map[string]Volume{}
	for rows.Next() {
		var job string
		var v Volume
		if err := rows.Scan(&job, &v.Files, &v.Bytes, &v.Stored, &v.Downloads); err != nil {
			return nil, fmt.Errorf("sum files up: %w", err)
		}
		volumes[job] = v
	}
	return volumes, rows.Err()
}

// Lease is a step that a worker holds.
type Lease struct {
	Worker string
	Job    string
	Part   int // 0: plan, finish or sweep of the whole job
	Until  time.Time
}

// Leases lists the steps that are held at the moment.
func (db *DB) Leases(ctx context.Context) ([]Lease, error) {
	rows, err := db.read.QueryContext(ctx, `select worker, id, 0, lease_until from job where lease_until > $1
		union all select worker, job, number, lease_until from part where lease_until > $1 and done = 0 order by 1, 2, 3`, millis(db.now()))
	if err != nil {
		return nil, fmt.Errorf("list the leases: %w", err)
	}
	defer rows.Close()
	list := []Lease{}
	for rows.Next() {
		var l Lease
		var until int64
		if err := rows.Scan(&l.Worker, &l.Job, &l.Part, &until); err != nil {
			return nil, fmt.Errorf("list the leases: %w", err)
		}
		l.Until = timeOf(until)
		list = append(list, l)
	}
	return list, rows.Err()
}

// RecentFailedSteps lists the steps that failed at least once, those of the newest
// jobs first.
func (db *DB) RecentFailedSteps(ctx context.Context, limit int) (map[string][]FailedStep, []string, error) {
	rows, err := db.read.QueryContext(ctx, `select j.id, 0, j.failures, j.fault, j.transaction_time from job j where j.fault <> ''
		union all select p.job, p.number, p.failures, p.fault, j.transaction_time from part p join job j on j.id = p.job where p.fault <> ''
		order by 5 desc, 1, 2 limit $1`, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("list what failed: %w", err)
	}
	defer rows.Close()
	failed, order := map[string][]FailedStep{}, []string{}
	for rows.Next() {
		var job string
		var at int64
		t := FailedStep{Step: export.StepPart}
		if err := rows.Scan(&job, &t.Part, &t.Failures, &t.Fault, &at); err != nil {
			return nil, nil, fmt.Errorf("list what failed: %w", err)
		}
		if t.Part == 0 {
			t.Step = "job"
		}
		if failed[job] == nil {
			order = append(order, job)
		}
		failed[job] = append(failed[job], t)
	}
	return failed, order, rows.Err()
}
