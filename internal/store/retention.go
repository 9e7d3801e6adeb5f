package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/fhir"
)

// Retention says how long the database holds what is over. Zero: for ever.
type Retention struct {
	Jobs    time.Duration // jobs, since they and their files are over; and admin tokens that have expired
	Ledgers time.Duration // the outcomes of their enrollees, and the rows of their files
	Imports time.Duration // the rows of imports and of mirror passes, since they were published
}

// Removed counts the rows that were removed.
type Removed struct {
	Jobs, Ledgers, Arrivals, Withdrawals, Imports, Passes, Tokens, Leftovers int64
}

// Any tells whether anything was removed.
func (r Removed) Any() bool { return r != Removed{} }

const (
	// removeJobs is how many jobs are removed in one transaction.
	removeJobs = 20
	// removeRows is how many small rows are.
	removeRows = 5000
	// lapsedFor is how long ago a reservation must have lapsed.
	lapsedFor = time.Hour
)

// RemoveOld removes what the retention says, in short transactions: it can be called
// while others read and write, by several processes, and again after it was stopped.
// Nothing that an export under way or a later one can need is removed, see decision
// 0135. The audit log is not touched: see ArchiveAudit.
func (db *DB) RemoveOld(ctx context.Context, r Retention) (Removed, error) {
	var sum Removed
	steps := []struct {
		what   string
		count  *int64
		after  time.Duration
		always bool
		remove func(ctx context.Context, before int64) (int64, error)
	}{
		{"ledgers of jobs", &sum.Ledgers, r.Ledgers, false, db.removeLedgers},
		{"jobs", &sum.Jobs, r.Jobs, false, db.removeJobs},
		{"arrivals", &sum.Arrivals, 0, true, db.removeArrivals},
		{"withdrawals", &sum.Withdrawals, r.Imports, false, db.removeWithdrawals},
		{"imports", &sum.Imports, r.Imports, false, db.removeLoads},
		{"mirror passes", &sum.Passes, r.Imports, false, db.removePasses},
		{"admin tokens", &sum.Tokens, r.Jobs, false, db.removeTokens},
		{"leftovers", &sum.Leftovers, 0, true, db.removeLeftovers},
	}
	for _, s := range steps {
		if s.after <= 0 && !s.always {
			continue
		}
		var err error
		if *s.count, err = s.remove(ctx, millis(db.now().Add(-s.after))); err != nil {
			return sum, fmt.Errorf("remove old %s: %w", s.what, err)
		}
	}
	return sum, db.prune(ctx)
}

// over is a condition on jobs j that ended before $1 and have nothing stored any more.
const over = ` j.state not in ('accepted', 'running', 'completed') and j.swept = 1 and j.finished < $1 and j.expires < $1
	and not exists (select 1 from job u where u.base = j.id and u.state in ('accepted', 'running'))`

// continued is a condition on a job j: a later one without _since continues from it.
const continued = ` j.continuous = 1 and j.completed = 1 and j.downloaded = 1 and not exists (select 1 from job n where n.contract = j.contract
	and n.version = j.version and n.continuous = 1 and n.completed = 1 and n.downloaded = 1 and n.transaction_time > j.transaction_time)`

// removeLedgers removes parts and files. The next export continues from one job of
// its contract and needs who was delivered in it, so that one's ledger stays. Those of the
// jobs before that one matter only for enrollees whom it did not deliver: without
// them these start from the beginning.
func (db *DB) removeLedgers(ctx context.Context, before int64) (int64, error) {
	return db.removeByID(ctx, `select j.id from job j where`+over+` and not (`+continued+`)
		and (exists (select 1 from part p where p.job = j.id) or exists (select 1 from file f where f.job = j.id))
		order by j.id limit $2`, before, `delete from part where job = $1`, `delete from file where job = $1`)
}

// removeJobs removes jobs, also the one that the next export would continue from: that
// export then starts from the beginning.
func (db *DB) removeJobs(ctx context.Context, before int64) (int64, error) {
	return db.removeByID(ctx, `select j.id from job j where`+over+` order by j.id limit $2`, before,
		`insert into removed_job (contract, version, transaction_time) select contract, version, transaction_time from job where id = $1 and completed = 1
			on conflict (contract, version) do update set transaction_time = excluded.transaction_time
			where removed_job.transaction_time < excluded.transaction_time`,
		// The chain of those who continue ends here. Workers of older releases need it, too.
		`update job set base = '' where base = $1`,
		`delete from delivery where job = $1`, `delete from file where job = $1`, `delete from part where job = $1`,
		`delete from job_patient where job = $1`, `delete from job where id = $1`)
}

// removeByID runs statements for the jobs that a query finds, and counts these.
func (db *DB) removeByID(ctx context.Context, query string, before int64, statements ...string) (removed int64, err error) {
	for {
		var ids []string
		err := db.tx(ctx, func(tx *sql.Tx) (err error) {
			if ids, err = listed(ctx, tx, query, before, removeJobs); err != nil {
				return err
			}
			for _, id := range ids {
				for _, s := range statements {
					if _, err := tx.ExecContext(ctx, s, id); err != nil {
						return err
					}
				}
			}
			return nil
		})
		removed += int64(len(ids))
		if err != nil || len(ids) < removeJobs {
			return removed, err
		}
	}
}

// listed reads the one column of a query.
func listed(ctx context.Context, tx *sql.Tx, query string, args ...any) (list []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// removeArrivals removes the arrivals that no job continues from: those of loads that
// every job which a later one can continue from had itself. The jobs that can be
// continued from are all that are stored and were completed, or will be.
func (db *DB) removeArrivals(ctx context.Context, _ int64) (int64, error) {
	floor, err := db.lowestPin(ctx)
	if err != nil {
		return 0, err
	}
	return db.removeBatches(ctx, `delete from arrival where (version, enrollee, load) in
		(select version, enrollee, load from arrival where load <= $1 limit $2)`, floor, removeRows)
}

// lowestPin is the lowest load that a stored job, which others can continue from, reads up to.
// It is read before: jobs that are planned meanwhile read up to a later one.
func (db *DB) lowestPin(ctx context.Context) (int64, error) {
	var lowest int64
	if err := db.read.QueryRowContext(ctx, `select coalesce(max(id), 0) from load where published > 0`).Scan(&lowest); err != nil {
		return 0, err
	}
	rows, err := db.read.QueryContext(ctx, `select distinct snapshot from job where completed = 1 or state = 'running'`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return 0, err
		}
		if p, err := parsePin(name); err == nil { // others are of another source
			lowest = min(lowest, p.load)
		}
	}
	return lowest, rows.Err()
}

// removeWithdrawals removes the notes of claims that imports published before a time took
// away. Exports with an earlier _since no longer name these claims.
func (db *DB) removeWithdrawals(ctx context.Context, before int64) (int64, error) {
	return db.removeBatches(ctx, `delete from withdrawal where (version, enrollee, load, id) in (select w.version, w.enrollee, w.load, w.id
		from withdrawal w join load l on l.id = w.load where l.published > 0 and l.published < $1 limit $2)`, before, removeRows)
}

// removeLoads removes the rows of imports of which no claims and no withdrawals are stored. Of each version
// it leaves the newest ones, which tell when claims were imported, and that there were any.
func (db *DB) removeLoads(ctx context.Context, before int64) (int64, error) {
	return db.removeBatches(ctx, `delete from load where id in (select l.id from load l where l.published > 0 and l.published < $1
		and not exists (select 1 from segment s where s.load = l.id)
		and not exists (select 1 from delta d where d.load = l.id)
		and not exists (select 1 from withdrawal w where w.load = l.id)
		and exists (select 1 from load n where n.version = l.version and n.published > 0 and n.id > l.id and n.digest not like 'refresh:%')
		and exists (select 1 from load n where n.version = l.version and n.published > 0 and n.id > l.id and n.newest >= l.newest)
		order by l.id limit $2)`, before, removeRows)
}

// removePasses removes passes before the last complete one of their version.
func (db *DB) removePasses(ctx context.Context, before int64) (int64, error) {
	return db.removeBatches(ctx, `delete from mirror_pass where id in (select m.id from mirror_pass m where m.published > 0 and m.published < $1
		and exists (select 1 from mirror_pass n where n.version = m.version and n.complete = 1 and n.again = 0 and n.published > 0 and n.id > m.id)
		order by m.id limit $2)`, before, removeRows)
}

// removeLeftovers removes what has no retention of its own, because it lapses by itself:
// reservations of downloads whose process died, and assertions that have expired.
func (db *DB) removeLeftovers(ctx context.Context, now int64) (int64, error) {
	var sum int64
	for statement, before := range map[string]int64{
		`delete from delivery where id in (select id from delivery where held_until < $1 limit $2)`: now - lapsedFor.Milliseconds(),
		`delete from used_assertion where (client, digest) in
			(select client, digest from used_assertion where expires < $1 limit $2)`: now,
	} {
		n, err := db.removeBatches(ctx, statement, before, removeRows)
		sum += n
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// removeTokens removes admin tokens that expired before a time.
func (db *DB) removeTokens(ctx context.Context, before int64) (removed int64, err error) {
	tokens, err := db.AdminTokens(ctx)
	if err != nil {
		return 0, err
	}
	for _, t := range tokens {
		if t.Expires.IsZero() || millis(t.Expires) >= before {
			continue
		}
		err := db.RemoveAdminToken(audit.With(ctx, &audit.Facts{Actor: "schedule"}), t.ID)
		if err != nil && !errors.Is(err, ErrNoAdminToken) { // another process was faster
			return removed, err
		}
		removed++
	}
	return removed, nil
}

// removeBatches runs a statement, which deletes up to limit rows, until it finds fewer.
func (db *DB) removeBatches(ctx context.Context, statement string, before int64, limit int64) (removed int64, err error) {
	for {
		var n int64
		err := db.tx(ctx, func(tx *sql.Tx) error {
			r, err := tx.ExecContext(ctx, statement, before, limit)
			if err == nil {
				n, err = r.RowsAffected()
			}
			return err
		})
		removed += n
		if err != nil || n < limit {
			return removed, err
		}
	}
}

// LastRemoved returns the transactionTime of the newest completed job of a contract and
// version that is not stored any more; the zero time if there is none.
func (db *DB) LastRemoved(ctx context.Context, contract string, v fhir.Version) (time.Time, error) {
	var at int64
	err := db.read.QueryRowContext(ctx, `select transaction_time from removed_job where contract = $1 and version = $2`, contract, int(v)).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("find the last removed job of contract %s: %w", contract, err)
	}
	return timeOf(at), nil
}
