package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// arrivalRows is the table of what each load brought, for a bulk insert.
func arrivalRows() rows {
	return rows{table: "arrival", columns: []string{"version", "enrollee", "load", "oldest"}}
}

// hasEarlierLoad tells whether claims of the load's version were published before. If
// not, no export can continue from what was there before the load.
func (m *Merger) hasEarlierLoad(ctx context.Context, tx *sql.Tx) (bool, error) {
	if m.later {
		return true, nil
	}
	var n int
	err := tx.QueryRowContext(ctx, `select count(*) from load where version = $1 and published > 0`, int(m.load.Version)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for earlier imports: %w", err)
	}
	m.later = n > 0
	return m.later, nil
}

// arrive notes the earliest lastUpdated, in milliseconds, of the claims that the load
// brought for an enrollee. A batch of the same load may have brought others before.
func (m *Merger) arrive(ctx context.Context, tx *sql.Tx, stored *storedClaims, oldest int64) error {
	if later, err := m.hasEarlierLoad(ctx, tx); err != nil || !later {
		return err
	}
	id := stored.patient
	if stored.load() == m.load.ID {
		var err error
		if oldest, err = m.forgetArrival(ctx, tx, id, oldest); err != nil {
			return err
		}
	}
	m.arrivals.values = append(m.arrivals.values, []any{int64(m.load.Version), int64(id), m.load.ID, oldest})
	return nil
}

// forgetArrival deletes what a batch before has noted, and returns the earlier of the two
// times.
func (m *Merger) forgetArrival(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID, oldest int64) (int64, error) {
	var noted int64
	err := tx.QueryRowContext(ctx, `delete from arrival where version = $1 and enrollee = $2 and load = $3 returning oldest`,
		int(m.load.Version), int64(id), m.load.ID).Scan(&noted)
	if errors.Is(err, sql.ErrNoRows) {
		return oldest, nil
	}
	if err != nil {
		return 0, fmt.Errorf("note which claims arrived: %w", err)
	}
	return min(oldest, noted), nil
}

// Arrived finds the enrollees with claims that the loads after an earlier snapshot
// brought.
func (db *DB) Arrived(ctx context.Context, q export.Query, earlier string) (map[coverage.EnrolleeID]time.Time, error) {
	now, err := parsePin(q.Snapshot)
	if err != nil {
		return nil, err
	}
	before, err := parsePin(earlier)
	if err != nil {
		return nil, err
	}
	query, args := `select enrollee, min(oldest) from arrival where version = $1 and enrollee between $2 and $3 and load > $4 and load <= $5
		group by enrollee`, []any{int(q.Version), int64(q.First), int64(q.Last), before.load, now.load}
	if q.Version == fhir.V3 { // stored under another number
		query = `select e.enrollee, min(a.oldest) from enrollment e join arrival a on a.version = $1 and a.enrollee = e.patient_v3
			where e.snapshot = $6 and e.enrollee between $2 and $3 and e.patient_v3 <> 0 and a.load > $4 and a.load <= $5 group by e.enrollee`
		args = append(args, now.enrollment)
	}
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("find the claims that arrived: %w", err)
	}
	defer rows.Close()
	arrived := map[coverage.EnrolleeID]time.Time{}
	for rows.Next() {
		var id coverage.EnrolleeID
		var oldest int64
		if err := rows.Scan(&id, &oldest); err != nil {
			return nil, fmt.Errorf("find the claims that arrived: %w", err)
		}
		arrived[id] = timeOf(oldest)
	}
	return arrived, rows.Err()
}
