package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
)

// withdraw notes claims that the load takes away from an enrollee. Claims that came with
// the same load were never published, so that nobody has them.
func (m *Merger) withdraw(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID, gone []segment.Entry, stored *storedClaims) error {
	if len(gone) == 0 {
		return nil
	}
	if stored.load() == m.load.ID {
		published, err := m.keys.storedIDs(ctx, tx, m.load.Version, id, m.load.ID-1)
		if err != nil {
			return err
		}
		gone = slices.DeleteFunc(gone, func(e segment.Entry) bool { return !published[e.ID] })
	}
	day := func(d int32, has bool) sql.NullInt64 { return sql.NullInt64{Int64: int64(d), Valid: has} }
	for _, e := range gone {
		_, err := tx.ExecContext(ctx, `insert into withdrawal (version, enrollee, load, id, type, first_day, last_day, last_updated)
			values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
			int(m.load.Version), int64(id), m.load.ID, e.ID, int(e.Type), day(e.Start, e.HasStart), day(e.End, e.HasEnd), e.LastUpdated)
		if err != nil {
			return fmt.Errorf("note a claim that is withdrawn: %w", err)
		}
	}
	return nil
}

// storedIDs are the claims that are stored of an enrollee as of a load.
func (k *segmentKeys) storedIDs(ctx context.Context, q querier, v fhir.Version, patient coverage.EnrolleeID, load int64) (map[string]bool, error) {
	rows, err := k.layers(ctx, q, v, patient, load)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	over, _ := superseded(rows)
	for k, r := range rows {
		for i, e := range r.index {
			if over[k] == nil || !over[k][i] {
				ids[e.ID] = true
			}
		}
	}
	return ids, nil
}

// Withdrawn finds the claims of a part's enrollees that were withdrawn.
func (db *DB) Withdrawn(ctx context.Context, q export.Query, after, until time.Time) ([]export.Withdrawal, error) {
	p, err := parsePin(q.Snapshot)
	if err != nil {
		return nil, err
	}
	all, err := db.queryWithdrawn(ctx, q, p, after, until)
	if err != nil {
		return nil, fmt.Errorf("find the claims that were withdrawn: %w", err)
	}
	var kept []export.Withdrawal
	var there map[string]bool
	keys := segmentKeys{db: db}
	for i, w := range all {
		if i == 0 || w.patient != all[i-1].patient {
			if there, err = keys.storedIDs(ctx, db.read, q.Version, w.patient, p.load); err != nil {
				return nil, err
			}
		}
		if there[w.ID] || len(kept) > 0 && kept[len(kept)-1].ID == w.ID && kept[len(kept)-1].Claim.Patient == w.Claim.Patient {
			continue // it came back; or it was withdrawn twice
		}
		var home int64
		err := db.read.QueryRowContext(ctx, `select enrollee from claim_home where version = $1 and id = $2 and load <= $3 order by load desc limit 1`,
			int(q.Version), w.ID, p.load).Scan(&home)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("find whose claim it is: %w", err)
		}
		if err == nil && coverage.EnrolleeID(home) != w.patient {
			w.Home = coverage.EnrolleeID(home)
		}
		kept = append(kept, w.Withdrawal)
	}
	return kept, nil
}

// withdrawn is a Withdrawal, with the number under which the claim was stored.
type withdrawn struct {
	export.Withdrawal
	patient coverage.EnrolleeID
}

// queryWithdrawn reads withdrawals by enrollee and claim, the last one of a claim first.
func (db *DB) queryWithdrawn(ctx context.Context, q export.Query, p pin, after, until time.Time) ([]withdrawn, error) {
	const columns = `w.enrollee, w.id, w.type, w.first_day, w.last_day, w.last_updated, l.published`
	const condition = ` w.load <= $4 and l.published > $5 and l.published <= $6 order by 1, w.id, w.load desc`
	end := int64(math.MaxInt64)
	if !until.IsZero() {
		end = millis(until)
	}
	query, args := `select w.enrollee, `+columns+` from withdrawal w join load l on l.id = w.load
		where w.version = $1 and w.enrollee between $2 and $3 and`+condition, []any{int(q.Version), int64(q.First), int64(q.Last), p.load, millis(after), end}
	if q.Version == fhir.V3 { // stored under another number
		query = `select e.enrollee, ` + columns + ` from enrollment e join withdrawal w on w.version = $1 and w.enrollee = e.patient_v3 join load l on l.id = w.load
			where e.snapshot = $7 and e.enrollee between $2 and $3 and e.patient_v3 <> 0 and` + condition
		args = append(args, p.enrollment)
	}
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []withdrawn
	for rows.Next() {
		var w withdrawn
		var enrollee, patient, updated, published int64
		var first, last sql.NullInt64
		if err := rows.Scan(&enrollee, &patient, &w.ID, &w.Claim.Type, &first, &last, &updated, &published); err != nil {
			return nil, err
		}
		w.patient, w.At = coverage.EnrolleeID(patient), timeOf(published)
		w.Claim.Patient, w.Claim.LastUpdated = coverage.EnrolleeID(enrollee), timeOf(updated)
		w.Claim.Start, w.Claim.HasStart = coverage.Date(first.Int64), first.Valid
		w.Claim.End, w.Claim.HasEnd = coverage.Date(last.Int64), last.Valid
		all = append(all, w)
	}
	return all, rows.Err()
}
