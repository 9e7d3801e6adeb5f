package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"ab2d/internal/coverage"
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
	stale, err := db.staleMBIs(ctx, contract, v, minEnrollee)
	if err != nil || len(stale) == 0 {
		return 0, err
	}
	l, err := db.BeginLoad(ctx, "identifiers of contract "+contract, fmt.Sprintf("%s%s:%s", refreshDigest, contract, v), v)
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
		if stale, err = db.staleMBIs(ctx, contract, v, stale[len(stale)-1]); err != nil {
			return total, err
		}
	}
	return total, db.Publish(ctx, l)
}

// minEnrollee is below every enrollee's id.
const minEnrollee coverage.EnrolleeID = -1 << 63

// staleMBIs finds the next enrollees after one whose newest segment has other
// identifiers than the contract's current enrolment.
func (db *DB) staleMBIs(ctx context.Context, contract string, v fhir.Version, after coverage.EnrolleeID) ([]coverage.EnrolleeID, error) {
	rows, err := db.read.QueryContext(ctx, `select s.enrollee from snapshot p join enrolment e on e.snapshot = p.id
		join segment s on s.version = $2 and s.enrollee = e.enrollee
		where p.contract = $1 and p.current = 1 and e.enrollee > $3 and s.mbis <> e.mbis
			and not exists (select 1 from segment n where n.version = s.version and n.enrollee = s.enrollee and n.load > s.load)
		order by e.enrollee limit $4`, contract, int(v), int64(after), refreshBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var stale []coverage.EnrolleeID
	for rows.Next() {
		var id coverage.EnrolleeID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		stale = append(stale, id)
	}
	return stale, rows.Err()
}

// refresh writes the claims of enrollees anew with their current identifiers.
func (m *Merger) refresh(ctx context.Context, ids []coverage.EnrolleeID) error {
	return m.db.txOn(ctx, func(tx *sql.Tx, conn *sql.Conn) error {
		m.rows.values = nil
		ok, err := exactlyOne(ctx, tx, `update load set line = line + 1 where id = $1 and published = 0`, m.load.ID)
		if err == nil && !ok {
			err = ErrLoadMoved
		}
		for i := 0; i < len(ids) && err == nil; i++ {
			err = m.refreshOne(ctx, tx, ids[i])
		}
		if err != nil {
			return err
		}
		return m.db.bulk(ctx, tx, conn, m.rows)
	})
}

func (m *Merger) refreshOne(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID) error {
	stored, err := m.stored(ctx, tx, id)
	if err != nil {
		return err
	}
	mbis, err := currentMBIs(ctx, tx, id)
	if err != nil {
		return err
	}
	return m.add(ctx, tx, stored.claims, mbis, stored.load == m.load.ID)
}
