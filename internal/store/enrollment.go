package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize/english"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
)

// pin is what a snapshot's name stands for: an enrollment, and the claims of
// all loads up to one. Zero: none yet.
type pin struct {
	enrollment, load int64
}

const pinFormat = "enrollment-%d.load-%d"

func (p pin) String() string { return fmt.Sprintf(pinFormat, p.enrollment, p.load) }

func parsePin(name string) (p pin, err error) {
	if n, err := fmt.Sscanf(name, pinFormat, &p.enrollment, &p.load); err != nil || n != 2 || p.String() != name {
		return pin{}, fmt.Errorf("snapshot %q is not one of imported data: %w", name, export.ErrNoSnapshot)
	}
	return p, nil
}

// pinsLock is held by transactions that pin a snapshot, and by those that delete
// what no job has pinned.
const pinsLock = "pins"

// pinnable returns export.ErrNoSnapshot if a newer load or enrollment than that of
// the snapshot was published: what no job had pinned by then may be deleted. Loads that
// fold deltas change no claims, and count only when rows have been deleted since.
// Snapshots of other sources need no pin.
func (db *DB) pinnable(ctx context.Context, tx *sql.Tx, snapshot string) error {
	p, err := parsePin(snapshot)
	if err != nil {
		return nil //nolint:nilerr // it is of another source
	}
	if err := db.alone(ctx, tx, pinsLock); err != nil {
		return err
	}
	var kept, load, floor int64
	err = tx.QueryRowContext(ctx, `select (select count(*) from snapshot where id = $1), coalesce((select max(id) from load where published > 0 and digest <> $2), 0),
		(select floor from claim_store where id = 1)`, p.enrollment, foldDigest).Scan(&kept, &load, &floor)
	if err != nil {
		return fmt.Errorf("look for snapshot %s: %w", snapshot, err)
	}
	if p.enrollment > 0 && kept == 0 || p.load < max(load, floor) {
		return fmt.Errorf("snapshot %s was replaced while the export was planned: %w", snapshot, export.ErrNoSnapshot)
	}
	return nil
}

// Snapshot names the current enrollment of a contract, and what is published
// of the claims.
func (db *DB) Snapshot(ctx context.Context, contract string) (string, error) {
	var p pin
	err := db.read.QueryRowContext(ctx, `select coalesce((select id from snapshot where contract = $1 and current = 1), 0),
		coalesce((select max(id) from load where published > 0), 0)`, contract).Scan(&p.enrollment, &p.load)
	if err != nil {
		return "", fmt.Errorf("find the current enrollment of contract %s: %w", contract, err)
	}
	return p.String(), nil
}

// Enrollees reads a page of a snapshot, with opt-outs as of now.
func (db *DB) Enrollees(ctx context.Context, contract, snapshot string, from coverage.EnrolleeID, limit int) ([]coverage.Enrollee, error) {
	p, err := parsePin(snapshot)
	if err != nil || p.enrollment == 0 {
		return nil, err
	}
	if err := db.keepsSnapshot(ctx, contract, p); err != nil {
		return nil, err
	}
	page, err := db.queryEnrollees(ctx, `where e.snapshot = $1 and e.enrollee >= $2 order by e.enrollee limit $3`, p.enrollment, int64(from), limit)
	if err == nil {
		err = db.markOptOuts(ctx, page)
	}
	if err != nil {
		return nil, fmt.Errorf("read the enrollment of contract %s: %w", contract, err)
	}
	return page, nil
}

// keepsSnapshot returns export.ErrNoSnapshot if the snapshot of a contract is not
// kept any more.
func (db *DB) keepsSnapshot(ctx context.Context, contract string, p pin) error {
	var kept int
	err := db.read.QueryRowContext(ctx, `select count(*) from snapshot where id = $1 and contract = $2`, p.enrollment, contract).Scan(&kept)
	if err != nil {
		return fmt.Errorf("look for enrollment %d of contract %s: %w", p.enrollment, contract, err)
	}
	if kept == 0 {
		return fmt.Errorf("enrollment %d of contract %s: %w", p.enrollment, contract, export.ErrNoSnapshot)
	}
	return nil
}

// queryEnrollees lists enrollees e. The condition is one of ours, never from
// outside.
func (db *DB) queryEnrollees(ctx context.Context, condition string, args ...any) ([]coverage.Enrollee, error) {
	rows, err := db.read.QueryContext(ctx, `select e.enrollee, e.patient_v3, e.mbis, e.months0, e.months1, e.months2, e.months3 from enrollment e `+condition, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	page := []coverage.Enrollee{}
	for rows.Next() {
		var e coverage.Enrollee
		var mbis string
		var months [4]int64
		if err := rows.Scan(&e.ID, &e.PatientV3, &mbis, &months[0], &months[1], &months[2], &months[3]); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(mbis), &e.MBIs); err != nil {
			return nil, errors.New("stored identifiers cannot be read")
		}
		for i, m := range months {
			e.Months[i] = uint64(m)
		}
		page = append(page, e)
	}
	return page, rows.Err()
}

// markOptOuts marks those of whom any identifier does not share.
func (db *DB) markOptOuts(ctx context.Context, page []coverage.Enrollee) error {
	holder := map[string]int{} // index into page by MBI
	var mbis []string
	for i, e := range page {
		for _, m := range e.MBIs {
			holder[string(m)] = i
			mbis = append(mbis, string(m))
		}
	}
	if len(mbis) == 0 {
		return nil
	}
	rows, err := db.read.QueryContext(ctx, `select mbi from opt_out where share = 0 and mbi`+db.inList, encoded(mbis))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var mbi string
		if err := rows.Scan(&mbi); err != nil {
			return err
		}
		page[holder[mbi]].OptedOut = true
	}
	return rows.Err()
}

// OptOut is a person's word on sharing claims.
type OptOut struct {
	MBI       coverage.MBI
	Share     bool
	Effective coverage.Date // the day from which it counts
}

// OptOutCounts tells what became of imported preferences. The rest say what was
// known.
type OptOutCounts struct {
	Changed int // new, or another word than was known
	Older   int // another word than is known, of an earlier day: not taken
}

// PutOptOuts stores preferences, all or none, each replacing what was known of
// its MBI, unless that has a later effective day.
func (db *DB) PutOptOuts(ctx context.Context, list []OptOut) (OptOutCounts, error) {
	var sum OptOutCounts
	err := db.tx(ctx, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, `insert into opt_out (mbi, share, effective, changed) values ($1, $2, $3, $4)
			on conflict (mbi) do update set share = excluded.share, effective = excluded.effective,
				changed = case when opt_out.share = excluded.share then opt_out.changed else excluded.changed end
			where opt_out.effective <= excluded.effective`)
		if err != nil {
			return err
		}
		defer put.Close()
		for _, o := range list {
			known, share, err := optOutOf(ctx, tx, o.MBI)
			if err != nil {
				return err
			}
			r, err := put.ExecContext(ctx, string(o.MBI), bit(o.Share), int64(o.Effective), millis(db.now()))
			if err != nil {
				return err
			}
			taken, err := r.RowsAffected()
			switch {
			case err != nil:
				return err
			case known && share == o.Share:
			case taken == 0:
				sum.Older++
			default:
				sum.Changed++
			}
		}
		return nil
	})
	if err != nil {
		return OptOutCounts{}, fmt.Errorf("store opt-outs: %w", err)
	}
	return sum, nil
}

// optOutOf reads what is known of an MBI.
func optOutOf(ctx context.Context, tx *sql.Tx, m coverage.MBI) (known, share bool, err error) {
	var n int
	err = tx.QueryRowContext(ctx, `select share from opt_out where mbi = $1`, string(m)).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, nil
	}
	return err == nil, n != 0, err
}

// ShrinkError says that an enrollment file is empty, or so much smaller than what it
// would replace that it is rather a broken file than a change.
type ShrinkError struct {
	Contract     string
	Before, Then int64
}

// Error gives both numbers.
func (s *ShrinkError) Error() string {
	return fmt.Sprintf("contract %s would go from %s to %d", s.Contract, english.Plural(int(s.Before), "enrollee", ""), s.Then)
}

// farSmaller: a fifth fewer enrollees, or none.
func farSmaller(before, then int64) bool { return then == 0 || then < before-before/5 }

// Enrolled is what became of an enrollment file.
type Enrolled struct {
	Before, Enrollees int64
	Unchanged         bool // the file says what was known
}

// PutEnrollment makes enrollees, in ascending order of id, the contract's
// current enrollment: all at once, so that a job sees the one before or this
// one. ErrNoContract when the contract is unknown; *ShrinkError unless forced. The
// same enrollment again changes nothing.
func (db *DB) PutEnrollment(ctx context.Context, contract string, enrollees []coverage.Enrollee, force bool) (Enrolled, error) {
	done := Enrolled{Enrollees: int64(len(enrollees))}
	err := db.txOn(ctx, func(tx *sql.Tx, conn *sql.Conn) error {
		if err := errors.Join(db.patient(ctx, tx), db.alone(ctx, tx, "enrollment of contract "+contract)); err != nil {
			return err
		}
		var known int
		if err := tx.QueryRowContext(ctx, `select count(*) from contract where number = $1`, contract).Scan(&known); err != nil {
			return err
		}
		if known == 0 {
			return export.ErrNoContract
		}
		var old int64
		err := tx.QueryRowContext(ctx, `select id, enrollees from snapshot where contract = $1 and current = 1`, contract).Scan(&old, &done.Before)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if farSmaller(done.Before, done.Enrollees) && !force {
			return &ShrinkError{Contract: contract, Before: done.Before, Then: done.Enrollees}
		}
		if old != 0 {
			if done.Unchanged, err = sameEnrollment(ctx, tx, old, enrollees); err != nil || done.Unchanged {
				return err
			}
		}
		return db.replaceEnrollment(ctx, tx, conn, contract, enrollees)
	})
	if err != nil {
		return done, fmt.Errorf("store the enrollment of contract %s: %w", contract, err)
	}
	return done, nil
}

// enrollmentBatch is how many enrollees are inserted at a time.
const enrollmentBatch = 10_000

func enrollmentRow(snapshot int64, e *coverage.Enrollee) []any {
	m := e.Months
	return []any{snapshot, int64(e.ID), int64(e.PatientV3), mbiList(e.MBIs), int64(m[0]), int64(m[1]), int64(m[2]), int64(m[3])}
}

// mbiList is identifiers as the tables hold them.
func mbiList(mbis []coverage.MBI) string {
	if len(mbis) == 0 {
		return "[]"
	}
	return encoded(mbis)
}

// sameEnrollment tells whether a snapshot holds exactly these enrollees.
func sameEnrollment(ctx context.Context, tx *sql.Tx, id int64, enrollees []coverage.Enrollee) (bool, error) {
	rows, err := tx.QueryContext(ctx, `select snapshot, enrollee, patient_v3, mbis, months0, months1, months2, months3 from enrollment
		where snapshot = $1 order by enrollee`, id)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var mbis string
		var v [7]int64
		if err := rows.Scan(&v[0], &v[1], &v[2], &mbis, &v[3], &v[4], &v[5], &v[6]); err != nil {
			return false, err
		}
		if n == len(enrollees) {
			return false, nil
		}
		want := enrollmentRow(id, &enrollees[n])
		if got := []any{v[0], v[1], v[2], mbis, v[3], v[4], v[5], v[6]}; fmt.Sprint(got...) != fmt.Sprint(want...) {
			return false, nil
		}
		n++
	}
	return n == len(enrollees), rows.Err()
}

// mayBeReal tells whether an enrollee could be a real person: any of the
// identifiers is not a synthetic one.
func mayBeReal(e coverage.Enrollee) bool {
	return slices.ContainsFunc(e.MBIs, func(m coverage.MBI) bool { return !m.Synthetic() })
}

// RealPeople tells whether any enrollee that a contract has or had could be a
// real person. A contract keeps this mark for good: what was exported stays when
// the enrollment is replaced. It is asked with every request of a sandbox.
func (db *DB) RealPeople(ctx context.Context, contract string) (bool, error) {
	var n int
	if err := db.read.QueryRowContext(ctx, `select count(*) from real_people where contract = $1`, contract).Scan(&n); err != nil {
		return false, fmt.Errorf("read whose claims contract %s has: %w", contract, err)
	}
	return n > 0, nil
}

func (db *DB) replaceEnrollment(ctx context.Context, tx *sql.Tx, conn *sql.Conn, contract string, enrollees []coverage.Enrollee) error {
	var id int64
	err := tx.QueryRowContext(ctx, `insert into snapshot (contract, created, enrollees) values ($1, $2, $3) returning id`,
		contract, millis(db.now()), len(enrollees)).Scan(&id)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(enrollees, mayBeReal) {
		_, err := tx.ExecContext(ctx, `insert into real_people (contract) values ($1) on conflict do nothing`, contract)
		if err != nil {
			return fmt.Errorf("mark the contract: %w", err)
		}
	}
	r := rows{table: "enrollment", columns: []string{"snapshot", "enrollee", "patient_v3", "mbis", "months0", "months1", "months2", "months3"}}
	for i := range enrollees {
		if i > 0 && enrollees[i].ID <= enrollees[i-1].ID {
			return errors.New("the enrollees are not in ascending order")
		}
		if r.values = append(r.values, enrollmentRow(id, &enrollees[i])); len(r.values) == enrollmentBatch || i == len(enrollees)-1 {
			if err := db.bulk(ctx, tx, conn, r); err != nil {
				return fmt.Errorf("store enrollees: %w", err)
			}
			r.values = r.values[:0]
		}
	}
	if err := db.alone(ctx, tx, pinsLock); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `update snapshot set current = 0 where contract = $1 and current = 1`, contract); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `update snapshot set current = 1 where id = $1`, id); err != nil {
		return err
	}
	return pruneEnrollments(ctx, tx)
}

// pruneEnrollments deletes the snapshots that nobody needs: neither current, nor
// of a job under way, nor of one that a default _since may go on from.
func pruneEnrollments(ctx context.Context, tx *sql.Tx) error {
	const unneeded = ` in (select s.id from snapshot s where s.current = 0 and not exists (
		select 1 from job j where j.contract = s.contract and j.snapshot like 'enrollment-' || s.id || '.%'
			and (j.state in ('accepted', 'running') or j.continuous = 1 and (j.state = 'completed' or j.completed = 1 and j.downloaded = 1
				and not exists (select 1 from job n where n.contract = j.contract and n.version = j.version and n.continuous = 1 and n.completed = 1
					and n.downloaded = 1 and n.transaction_time > j.transaction_time)))))`
	if _, err := tx.ExecContext(ctx, `delete from enrollment where snapshot`+unneeded); err != nil {
		return fmt.Errorf("delete old enrollment: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `delete from snapshot where id`+unneeded); err != nil {
		return fmt.Errorf("delete old enrollment: %w", err)
	}
	return nil
}
