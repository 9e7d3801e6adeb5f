package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/fhir"
)

// refreshDigest begins the digest of loads that only write identifiers anew.
const refreshDigest = "refresh:"

// refreshBatch is how many enrollees are written in one transaction.
const refreshBatch = 200

// RefreshMBIs writes the stored claims of a contract's enrollees anew where
// others than their current identifiers are in them, so that an export can
// take them as they are. Until then an export puts the identifiers right
// itself, which takes longer. It does nothing while an import of claims has
// not been completed. It tells how many enrollees were refreshed.
func (db *DB) RefreshMBIs(ctx context.Context, contract string) (int, error) {
	total := 0
	for _, v := range []fhir.Version{fhir.V1, fhir.V2} {
		n, err := db.refreshVersion(ctx, contract, v)
		total += n
		var other *OtherLoad
		if errors.As(err, &other) {
			return total, nil
		}
		if err != nil {
			return total, fmt.Errorf("refresh the identifiers of contract %s: %w", contract, err)
		}
	}
	return total, nil
}

func (db *DB) refreshVersion(ctx context.Context, contract string, v fhir.Version) (int, error) {
	return db.rewrite(ctx, "identifiers of contract "+contract, fmt.Sprintf("%s%s:%s", refreshDigest, contract, v), v,
		func(after coverage.EnrolleeID) ([]coverage.EnrolleeID, error) {
			return db.staleMBIs(ctx, contract, v, after)
		})
}

// ApplyAllowList applies today's allow-list to the stored claims that an older
// one has reduced: claims that must not be shared by it are removed. It tells how
// many enrollees had such claims. *OtherLoad when an import of claims has not
// been completed.
func (db *DB) ApplyAllowList(ctx context.Context) (int, error) {
	total := 0
	for _, v := range []fhir.Version{fhir.V1, fhir.V2} {
		n, err := db.rewrite(ctx, fmt.Sprintf("allow-list %d", eob.AllowList), fmt.Sprintf("%sallow-list %d:%s", refreshDigest, eob.AllowList, v), v,
			func(after coverage.EnrolleeID) ([]coverage.EnrolleeID, error) { return db.olderLists(ctx, v, after) })
		total += n
		if err != nil {
			return total, fmt.Errorf("apply the allow-list to stored claims: %w", err)
		}
	}
	return total, nil
}

// rewrite writes the claims of enrollees anew, in a load of its own. next finds
// the next of them after one.
func (db *DB) rewrite(ctx context.Context, source, digest string, v fhir.Version, next func(coverage.EnrolleeID) ([]coverage.EnrolleeID, error)) (int, error) {
	stale, err := next(minEnrollee)
	if err != nil || len(stale) == 0 {
		return 0, err
	}
	l, err := db.BeginLoad(ctx, source, digest, v)
	if err != nil {
		return 0, err
	}
	m, err := db.NewMerger(l)
	if err != nil {
		return 0, err
	}
	total := 0
	for len(stale) > 0 {
		if err := m.refresh(ctx, stale); err != nil {
			return total, err
		}
		total += len(stale)
		if stale, err = next(stale[len(stale)-1]); err != nil {
			return total, err
		}
	}
	return total, db.Publish(ctx, l, audit.Entry{})
}

// olderLists finds the next enrollees after one whose newest segment was reduced
// by an older allow-list.
func (db *DB) olderLists(ctx context.Context, v fhir.Version, after coverage.EnrolleeID) ([]coverage.EnrolleeID, error) {
	return db.enrollees(ctx, `select s.enrollee from segment s where s.version = $1 and s.enrollee > $2 and s.allow_list < $3
		and not exists (select 1 from segment n where n.version = s.version and n.enrollee = s.enrollee and n.load > s.load)
		order by s.enrollee limit $4`, int(v), int64(after), eob.AllowList, refreshBatch)
}

func (db *DB) enrollees(ctx context.Context, query string, args ...any) ([]coverage.EnrolleeID, error) {
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []coverage.EnrolleeID
	for rows.Next() {
		var id coverage.EnrolleeID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// minEnrollee is below every enrollee's id.
const minEnrollee coverage.EnrolleeID = -1 << 63

// staleMBIs finds the next enrollees after one whose newest segment has other
// identifiers than the contract's current enrolment.
func (db *DB) staleMBIs(ctx context.Context, contract string, v fhir.Version, after coverage.EnrolleeID) ([]coverage.EnrolleeID, error) {
	return db.enrollees(ctx, `select s.enrollee from snapshot p join enrolment e on e.snapshot = p.id
		join segment s on s.version = $2 and s.enrollee = e.enrollee
		where p.contract = $1 and p.current = 1 and e.enrollee > $3 and s.mbis <> e.mbis
			and not exists (select 1 from segment n where n.version = s.version and n.enrollee = s.enrollee and n.load > s.load)
		order by e.enrollee limit $4`, contract, int(v), int64(after), refreshBatch)
}

// refresh writes the claims of enrollees anew with their current identifiers.
func (m *Merger) refresh(ctx context.Context, ids []coverage.EnrolleeID) error {
	return m.db.txOn(ctx, func(tx *sql.Tx, conn *sql.Conn) error {
		m.rows.values = nil
		ok, err := exactlyOne(ctx, tx, `update load set line = line + 1 where id = $1 and published = 0`, m.load.ID)
		if err == nil && !ok {
			err = ErrLoadMoved
		}
		changed := map[coverage.EnrolleeID]*change{}
		var all []Claim
		for i := 0; i < len(ids) && err == nil; i++ {
			var claims []Claim
			claims, err = m.refreshOne(ctx, tx, ids[i])
			changed[ids[i]] = &change{claims: claims}
			all = append(all, claims...)
		}
		if err != nil {
			return err
		}
		if err := m.settleAll(ctx, tx, conn, changed, all); err != nil {
			return err
		}
		return m.db.bulk(ctx, tx, conn, m.rows)
	})
}

// settleAll notes where claims are of which older releases did not.
func (m *Merger) settleAll(ctx context.Context, tx *sql.Tx, conn *sql.Conn, changed map[coverage.EnrolleeID]*change, all []Claim) error {
	homes, err := m.homes(ctx, tx, all)
	if err != nil {
		return err
	}
	settled, err := m.settle(ctx, tx, changed, homes)
	if err != nil {
		return err
	}
	return m.db.bulk(ctx, tx, conn, settled)
}

func (m *Merger) refreshOne(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID) ([]Claim, error) {
	stored, err := m.stored(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	mbis, err := currentMBIs(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return stored.claims, m.add(ctx, tx, id, stored.claims, mbis, stored)
}
