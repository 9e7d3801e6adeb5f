package store

import (
	"context"
	"fmt"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// Freshness tells when enrollment and claims were imported last.
func (db *DB) Freshness(ctx context.Context, contract string, v fhir.Version) (export.Freshness, error) {
	var f export.Freshness
	var enrollment, load, newest int64
	err := db.read.QueryRowContext(ctx, `select
		coalesce((select created from snapshot where contract = $1 and current = 1), 0),
		coalesce((select enrollees from snapshot where contract = $1 and current = 1), 0),
		coalesce((select max(published) from load where version = $2 and digest not like 'refresh:%'), 0),
		coalesce((select max(newest) from load where version = $2 and published > 0), 0)`, contract, int(v)).
		Scan(&enrollment, &f.Enrollees, &load, &newest)
	if err != nil {
		return f, fmt.Errorf("tell how fresh the data of contract %s is: %w", contract, err)
	}
	f.Enrollment, f.LastLoad, f.NewestClaim = timeOf(enrollment), timeOf(load), timeOf(newest)
	return f, nil
}
