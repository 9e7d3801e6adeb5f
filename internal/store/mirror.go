package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// mirrorDigest begins the digest of the loads of mirror passes.
const mirrorDigest = "mirror:"

// MirrorPass reads the claims of one version of all people who are enrolled.
type MirrorPass struct {
	ID       int64
	Version  fhir.Version
	Source   string // the upstream server's host
	Complete bool   // all claims of each person are read, not only changed ones
	Again    bool   // only people who failed, or were never read, are read
	Load     *Load
	Started  time.Time // before the first call
	ReadUpTo time.Time // what the server had at this time is read
	// Published is when exports began to see the claims; zero while the pass runs.
	Published time.Time
	People    int64
	Parts     int
	Done      int    // parts
	Report    string // JSON of whoever reads
}

// MirrorPlan is what a new pass needs.
type MirrorPlan struct {
	Version  fhir.Version
	Source   string        // the upstream server's host
	Overlap  time.Duration // between ReadUpTo and the start of the pass
	Every    time.Duration // between the starts of two passes of a version; 0: at any time
	Complete time.Duration // between the starts of two complete passes; 0: this one is
	People   int           // of a part
	// Again says that the pass is only for people who failed, or were never read.
	Again bool
}

// ErrNotDue says that it is too early for another pass.
var ErrNotDue = errors.New("it is too early for another pass")

// BeginMirrorPass begins a pass, or returns the one that is running, of whatever
// version. ErrNotDue when it is too early, and *LoadInProgressError when an import of
// a file has not been completed. Safe to call by several processes at once.
func (db *DB) BeginMirrorPass(ctx context.Context, p MirrorPlan) (pass *MirrorPass, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		if err := errors.Join(db.patient(ctx, tx), db.alone(ctx, tx, "loads")); err != nil {
			return err
		}
		if pass, err = scanPass(tx.QueryRowContext(ctx, passQuery+` where m.published = 0`)); !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		pass, err = db.newPass(ctx, tx, &p)
		if err != nil {
			return err
		}
		if err := db.planPass(ctx, tx, pass, &p); err != nil {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.ImportBegan, Detail: fmt.Sprintf("claims of %s from %s, mirror pass %d: %d people",
			p.Version.Name(), p.Source, pass.ID, pass.People)})
	})
	if err != nil {
		return nil, fmt.Errorf("begin a mirror pass of %s: %w", p.Version, err)
	}
	return pass, nil
}

// MirrorDue returns ErrNotDue if it is too early for a pass. BeginMirrorPass asks
// again; this only reads.
func (db *DB) MirrorDue(ctx context.Context, p MirrorPlan) error {
	_, err := db.lastComplete(ctx, db.read, &p)
	return err
}

// lastComplete returns when the last complete pass began, or ErrNotDue if it is too
// early for another pass.
func (db *DB) lastComplete(ctx context.Context, q rowQuerier, p *MirrorPlan) (time.Time, error) {
	var last, complete int64
	err := q.QueryRowContext(ctx, `select coalesce(max(started), 0), coalesce(max(case when complete = 1 then started end), 0)
		from mirror_pass where version = $1 and again = 0`, int(p.Version)).Scan(&last, &complete)
	if err != nil {
		return time.Time{}, fmt.Errorf("find the last pass: %w", err)
	}
	if p.Every > 0 && timeOf(last).Add(p.Every).After(db.now()) {
		return time.Time{}, ErrNotDue
	}
	return timeOf(complete), nil
}

// newPass inserts a pass with its load, if it is time.
func (db *DB) newPass(ctx context.Context, tx *sql.Tx, p *MirrorPlan) (*MirrorPass, error) {
	complete, err := db.lastComplete(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	now := db.now().UTC().Truncate(time.Millisecond)
	pass := &MirrorPass{Version: p.Version, Source: p.Source, Started: now, ReadUpTo: now.Add(-p.Overlap), Report: "{}", Again: p.Again,
		Complete: !p.Again && !complete.Add(p.Complete).After(now)}
	pass.Load = &Load{Source: "the claims of " + p.Version.Name() + " at " + p.Source, Version: p.Version, Started: now, Report: "{}"}
	open, digest, err := openLoad(ctx, tx)
	switch {
	case err == nil && strings.HasPrefix(digest, refreshDigest):
		if err := deleteLoad(ctx, tx, open.ID); err != nil { // it can be had again
			return nil, err
		}
	case err == nil:
		return nil, &LoadInProgressError{Load: *open}
	case !errors.Is(err, sql.ErrNoRows):
		return nil, err
	}
	err = tx.QueryRowContext(ctx, `insert into load (source, digest, version, started) values ($1, $2, $3, $4) returning id`,
		pass.Load.Source, mirrorDigest+p.Version.String(), int(p.Version), millis(now)).Scan(&pass.Load.ID)
	if err != nil {
		return nil, err
	}
	err = tx.QueryRowContext(ctx, `insert into mirror_pass (version, source, complete, again, load, started, read_up_to) values ($1, $2, $3, $4, $5, $6, $7) returning id`,
		int(p.Version), p.Source, bit(pass.Complete), bit(p.Again), pass.Load.ID, millis(now), millis(pass.ReadUpTo)).Scan(&pass.ID)
	return pass, err
}

// enrolledPatients is a condition on the number $patient of a version: somebody who
// is enrolled has it.
func enrolledPatients(v fhir.Version, patient string) string {
	return ` exists (select 1 from enrollment e join snapshot s on s.id = e.snapshot where s.current = 1 and ` + storedUnder(v) + ` = ` + patient + `) `
}

// planPass adds people who are new, and cuts those who are to be read into parts.
func (db *DB) planPass(ctx context.Context, tx *sql.Tx, pass *MirrorPass, p *MirrorPlan) error {
	number := storedUnder(p.Version)
	_, err := tx.ExecContext(ctx, `insert into mirror_person (version, patient)
		select distinct cast($1 as bigint), `+number+` from enrollment e join snapshot s on s.id = e.snapshot where s.current = 1 and `+number+` <> 0
		on conflict do nothing`, int(p.Version))
	if err != nil {
		return fmt.Errorf("add new people: %w", err)
	}
	again := ""
	if p.Again {
		again = ` and (p.failures > 0 or p.read_in = 0)`
	}
	rows, err := tx.QueryContext(ctx, `select p.patient from mirror_person p where p.version = $1 and p.not_before <= $2`+again+` and `+
		enrolledPatients(p.Version, "p.patient")+` order by p.patient`, int(p.Version), millis(pass.Started))
	if err != nil {
		return fmt.Errorf("find who is to be read: %w", err)
	}
	defer rows.Close()
	parts := []MirrorPart{}
	for rows.Next() {
		var id coverage.EnrolleeID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		pass.People++
		if n := len(parts); n == 0 || parts[n-1].People == int64(p.People) {
			parts = append(parts, MirrorPart{First: id})
		}
		part := &parts[len(parts)-1]
		part.Last = id
		part.People++
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	pass.Parts = len(parts)
	return insertParts(ctx, tx, pass, parts)
}

func insertParts(ctx context.Context, tx *sql.Tx, pass *MirrorPass, parts []MirrorPart) error {
	for i, part := range parts {
		_, err := tx.ExecContext(ctx, `insert into mirror_part (pass, number, first, last, people) values ($1, $2, $3, $4, $5)`,
			pass.ID, i+1, int64(part.First), int64(part.Last), part.People)
		if err != nil {
			return fmt.Errorf("store the parts: %w", err)
		}
	}
	_, err := tx.ExecContext(ctx, `update mirror_pass set people = $2, parts = $3 where id = $1`, pass.ID, pass.People, pass.Parts)
	return err
}

// passQuery reads what scanPass scans.
const passQuery = `select m.id, m.version, m.source, m.complete, m.again, m.load, m.started, m.read_up_to, m.published, m.people, m.parts, m.report,
	(select count(*) from mirror_part p where p.pass = m.id and p.done = 1) from mirror_pass m`

func scanPass(row interface{ Scan(...any) error }) (*MirrorPass, error) {
	p := MirrorPass{Load: &Load{Report: "{}"}}
	var version int
	var started, readUpTo, published int64
	err := row.Scan(&p.ID, &version, &p.Source, &p.Complete, &p.Again, &p.Load.ID, &started, &readUpTo, &published, &p.People, &p.Parts, &p.Report, &p.Done)
	if err != nil {
		return nil, err
	}
	p.Version, p.Load.Version = fhir.Version(version), fhir.Version(version)
	p.Started, p.ReadUpTo, p.Published = timeOf(started), timeOf(readUpTo), timeOf(published)
	return &p, nil
}

// MirrorPass reads a pass as it is now.
func (db *DB) MirrorPass(ctx context.Context, id int64) (*MirrorPass, error) {
	p, err := scanPass(db.read.QueryRowContext(ctx, passQuery+` where m.id = $1`, id))
	if err != nil {
		return nil, fmt.Errorf("read mirror pass %d: %w", id, err)
	}
	return p, nil
}

// MirrorPasses lists the newest passes, the newest first.
func (db *DB) MirrorPasses(ctx context.Context, limit int) ([]*MirrorPass, error) {
	rows, err := db.read.QueryContext(ctx, passQuery+` order by m.id desc limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list mirror passes: %w", err)
	}
	defer rows.Close()
	list := []*MirrorPass{}
	for rows.Next() {
		p, err := scanPass(rows)
		if err != nil {
			return nil, fmt.Errorf("list mirror passes: %w", err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// PublishMirrorPass makes what a pass has read visible to exports that are planned
// from now on. It reports false when another process has done so.
func (db *DB) PublishMirrorPass(ctx context.Context, pass *MirrorPass, detail string) (published bool, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		if err := db.patient(ctx, tx); err != nil {
			return err
		}
		var ok bool
		ok, err = exactlyOne(ctx, tx, `update mirror_pass set published = $2 where id = $1 and published = 0
			and not exists (select 1 from mirror_part p where p.pass = mirror_pass.id and p.done = 0)`, pass.ID, millis(db.now()))
		if err != nil || !ok {
			return err
		}
		if _, err := tx.ExecContext(ctx, `delete from mirror_part where pass = $1`, pass.ID); err != nil {
			return err
		}
		published = true
		return db.publish(ctx, tx, pass.Load, audit.Entry{Event: audit.ImportEnded, Detail: fmt.Sprintf("claims of %s from %s, mirror pass %d: %s",
			pass.Version.Name(), pass.Source, pass.ID, detail)})
	})
	if err != nil {
		return false, fmt.Errorf("publish mirror pass %d: %w", pass.ID, err)
	}
	db.prune(ctx) //nolint:errcheck // it is published; RemoveOld deletes what this left
	return published, nil
}

// forgetPass deletes the pass of a load that is abandoned. Whoever it has read is
// read completely by the next pass.
func forgetPass(ctx context.Context, tx *sql.Tx, load int64) error {
	const pass = `(select id from mirror_pass where load = $1 and published = 0)`
	for _, statement := range []string{
		`update mirror_person set since = 0, pass = 0, read_in = case when read_in = $1 then 0 else read_in end where pass = ` + pass,
		`delete from mirror_part where pass = ` + pass,
		`delete from mirror_pass where load = $1 and published = 0`,
	} {
		if _, err := tx.ExecContext(ctx, statement, load); err != nil {
			return fmt.Errorf("forget a mirror pass: %w", err)
		}
	}
	return nil
}

// errUnread says that the mirror has not read an enrollee's claims yet, so that it is
// not known whether there are any.
var errUnread = errors.New("the claims have not been read from the upstream server yet")

// unread finds the enrollees of a query who have no stored claims as of a pin because
// the mirror had not read them.
func (db *DB) unread(ctx context.Context, q export.Query, p pin) (map[coverage.EnrolleeID]bool, error) {
	const unread = ` (p.read_in = 0 or p.read_in > $4) and not exists (select 1 from segment g where g.version = p.version and g.enrollee = p.patient and g.load <= $4)`
	query, args := `select p.patient from mirror_person p where p.version = $1 and p.patient between $2 and $3 and`+unread,
		[]any{int(q.Version), int64(q.First), int64(q.Last), p.load}
	if q.Version == fhir.V3 { // another number
		query = `select e.enrollee from enrollment e join mirror_person p on p.version = $1 and p.patient = e.patient_v3
			where e.snapshot = $5 and e.enrollee between $2 and $3 and e.patient_v3 <> 0 and` + unread
		args = append(args, p.enrollment)
	}
	ids, err := db.enrollees(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("find who has not been read: %w", err)
	}
	found := make(map[coverage.EnrolleeID]bool, len(ids))
	for _, id := range ids {
		found[id] = true
	}
	return found, nil
}
