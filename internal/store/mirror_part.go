package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
)

// MirrorPart is a run of a pass's people that one worker reads.
type MirrorPart struct {
	Pass        int64
	Number      int
	First, Last coverage.EnrolleeID // numbers under which claims are stored
	People      int64
	Fence       int64 // of the lease
	Failures    int   // of the whole part, in a row
}

// MirrorPatient is somebody whose claims are read.
type MirrorPatient struct {
	Patient  coverage.EnrolleeID // the number under which the claims are stored
	Since    time.Time           // up to when the claims were read; zero: all are to be read
	Known    bool                // claims are stored
	Read     bool                // an earlier pass had an answer
	Failures int                 // in a row
}

// MirrorRead is what was read of a patient.
type MirrorRead struct {
	Patient  coverage.EnrolleeID
	Claims   []Claim
	Complete bool // these are all claims that the upstream server has: others are removed
	Answered bool // it had an answer with claims, which may be none that are kept
}

// MirrorFailure is a patient who could not be read.
type MirrorFailure struct {
	Patient   coverage.EnrolleeID
	Fault     string    // without identifiers
	NotBefore time.Time // the next try
}

// LeaseMirrorPart takes a part of a pass. export.ErrNoWork when there is none now.
func (db *DB) LeaseMirrorPart(ctx context.Context, pass int64, worker string, ttl time.Duration) (*MirrorPart, error) {
	p := &MirrorPart{Pass: pass}
	err := db.tx(ctx, func(tx *sql.Tx) error {
		now := millis(db.now())
		err := tx.QueryRowContext(ctx, `select p.number, p.first, p.last, p.people, p.fence + 1, p.failures from mirror_part p
			where p.pass = $1 and p.done = 0 and p.lease_until <= $2 and p.not_before <= $2 order by p.number limit 1`+db.lockPart, pass, now).
			Scan(&p.Number, &p.First, &p.Last, &p.People, &p.Fence, &p.Failures)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `update mirror_part set worker = $3, lease_until = $4, fence = $5 where pass = $1 and number = $2`,
			pass, p.Number, worker, now+ttl.Milliseconds(), p.Fence)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, export.ErrNoWork
	}
	if err != nil {
		return nil, fmt.Errorf("lease a part of mirror pass %d: %w", pass, err)
	}
	return p, nil
}

// mirrorHeld is the condition under which a part's lease is held.
const mirrorHeld = ` where pass = $1 and number = $2 and fence = $3 and done = 0 and lease_until > 0`

// changePart changes a part that is leased. export.ErrLeaseLost when it is not.
func (db *DB) changePart(ctx context.Context, p *MirrorPart, doing, set string, args ...any) error {
	err := db.tx(ctx, func(tx *sql.Tx) error { return changePart(ctx, tx, p, set, args...) })
	if err != nil {
		return fmt.Errorf("%s part %d of mirror pass %d: %w", doing, p.Number, p.Pass, err)
	}
	return nil
}

func changePart(ctx context.Context, tx *sql.Tx, p *MirrorPart, set string, args ...any) error {
	ok, err := exactlyOne(ctx, tx, `update mirror_part set `+set+mirrorHeld, append([]any{p.Pass, p.Number, p.Fence}, args...)...)
	if err == nil && !ok {
		err = export.ErrLeaseLost
	}
	return err
}

// ExtendMirrorPart holds a lease for longer.
func (db *DB) ExtendMirrorPart(ctx context.Context, p *MirrorPart, ttl time.Duration) error {
	return db.changePart(ctx, p, "extend", `lease_until = $4`, millis(db.now().Add(ttl)))
}

// ReleaseMirrorPart gives a part back, not to be taken before a time. An empty fault
// is none: the worker stops.
func (db *DB) ReleaseMirrorPart(ctx context.Context, p *MirrorPart, fault string, notBefore time.Time) error {
	return db.changePart(ctx, p, "release", `lease_until = 0, worker = '', fault = $4, not_before = $5, failures = failures + $6`,
		fault, millis(notBefore), bit(fault != ""))
}

// FinishMirrorPart says that everybody of a part has been read, or has failed.
func (db *DB) FinishMirrorPart(ctx context.Context, p *MirrorPart) error {
	return db.changePart(ctx, p, "finish", `done = 1, lease_until = 0, fault = ''`)
}

// MirrorPatients lists the people of a part who have not been read in its pass.
func (db *DB) MirrorPatients(ctx context.Context, pass *MirrorPass, p *MirrorPart) ([]MirrorPatient, error) {
	rows, err := db.read.QueryContext(ctx, `select p.patient, case when $6 = 1 then 0 else p.since end, p.read_in, p.failures, coalesce((select g.length from segment g
			where g.version = p.version and g.enrollee = p.patient order by g.load desc limit 1), 0)
		from mirror_person p where p.version = $1 and p.patient between $2 and $3 and p.pass <> $4 and p.not_before <= $5
			and ($7 = 0 or p.failures > 0 or p.read_in = 0) and `+enrolledPatients(pass.Version, "p.patient")+` order by p.patient`,
		int(pass.Version), int64(p.First), int64(p.Last), pass.ID, millis(pass.Started), bit(pass.Complete), bit(pass.Again))
	if err != nil {
		return nil, fmt.Errorf("list the people of a part: %w", err)
	}
	defer rows.Close()
	list := make([]MirrorPatient, 0, p.People)
	for rows.Next() {
		var m MirrorPatient
		var since, readIn, length int64
		if err := rows.Scan(&m.Patient, &since, &readIn, &m.Failures, &length); err != nil {
			return nil, fmt.Errorf("list the people of a part: %w", err)
		}
		m.Since, m.Read, m.Known = timeOf(since), readIn != 0, length > 0
		list = append(list, m)
	}
	return list, rows.Err()
}

// MergeMirror takes what was read into the load of a pass, in one transaction:
// each patient's claims wholly or not at all. The stored claims of those who failed
// stay as they are. report gets the report of the pass so
// far, and returns it with what is added. export.ErrLeaseLost when somebody else has
// the part.
func (m *Merger) MergeMirror(ctx context.Context, pass *MirrorPass, p *MirrorPart, reads []MirrorRead, failed []MirrorFailure, report func(before string, merged Merged) (string, error)) error {
	var claims []Claim
	whole := map[coverage.EnrolleeID]bool{}
	for _, r := range reads {
		claims = append(claims, r.Claims...)
		if r.Complete {
			whole[r.Patient] = true
		}
	}
	err := m.db.txOn(ctx, func(tx *sql.Tx, conn *sql.Conn) error {
		if err := errors.Join(m.db.patient(ctx, tx), changePart(ctx, tx, p, `failures = 0`)); err != nil {
			return err
		}
		// The pass's row is locked by this: one transaction at a time changes its
		// claims, because a claim may move from one person to another.
		var before string
		err := tx.QueryRowContext(ctx, `update mirror_pass set report = report where id = $1 and published = 0 returning report`, pass.ID).Scan(&before)
		if errors.Is(err, sql.ErrNoRows) {
			return export.ErrLeaseLost
		}
		if err != nil {
			return err
		}
		merged, err := m.merge(ctx, tx, conn, claims, whole)
		if err != nil {
			return err
		}
		after, err := report(before, merged)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `update mirror_pass set report = $2 where id = $1`, pass.ID, after); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `update load set newest = case when newest < $2 then $2 else newest end where id = $1`, pass.Load.ID, newestOf(claims))
		return errors.Join(err, m.db.markRead(ctx, tx, pass, reads), markFailed(ctx, tx, pass, failed))
	})
	if err != nil {
		return fmt.Errorf("store the claims of part %d of mirror pass %d: %w", p.Number, pass.ID, err)
	}
	return nil
}

// markRead notes who has been read. Only an answer with claims moves since.
func (db *DB) markRead(ctx context.Context, tx *sql.Tx, pass *MirrorPass, reads []MirrorRead) error {
	var all, answered []int64
	for _, r := range reads {
		all = append(all, int64(r.Patient))
		if r.Answered {
			answered = append(answered, int64(r.Patient))
		}
	}
	_, err := tx.ExecContext(ctx, `update mirror_person set pass = $2, failures = 0, not_before = 0, fault = '',
		read_in = case when read_in = 0 then $3 else read_in end where version = $4 and patient`+db.inIDs,
		encoded(all), pass.ID, pass.Load.ID, int(pass.Version))
	if err == nil && len(answered) > 0 {
		_, err = tx.ExecContext(ctx, `update mirror_person set since = $2 where version = $3 and patient`+db.inIDs,
			encoded(answered), millis(pass.ReadUpTo), int(pass.Version))
	}
	if err != nil {
		return fmt.Errorf("note who was read: %w", err)
	}
	return nil
}

// markFailed notes who could not be read. Whoever failed in a complete pass is read
// completely the next time.
func markFailed(ctx context.Context, tx *sql.Tx, pass *MirrorPass, failed []MirrorFailure) error {
	for _, f := range failed {
		_, err := tx.ExecContext(ctx, `update mirror_person set failures = failures + 1, fault = $3, not_before = $4,
			since = case when $5 = 1 then 0 else since end where version = $1 and patient = $2`,
			int(pass.Version), int64(f.Patient), f.Fault, millis(f.NotBefore), bit(pass.Complete))
		if err != nil {
			return fmt.Errorf("note who could not be read: %w", err)
		}
	}
	return nil
}
