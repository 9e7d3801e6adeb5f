package store

import (
	"context"
	"fmt"
	"math"
	"time"

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
	var unread int64
	err = db.read.QueryRowContext(ctx, `select count(*) from snapshot s join enrollment e on e.snapshot = s.id
		join mirror_person p on p.version = $2 and p.patient = `+storedUnder(v)+`
		where s.contract = $1 and s.current = 1 and (p.failures > 0 or p.read_in = 0)`, contract, int(v)).Scan(&unread)
	if err != nil {
		return f, fmt.Errorf("count the enrollees of contract %s who were not read: %w", contract, err)
	}
	f.Unread = unread
	f.UpstreamRead, err = db.readUpTo(ctx, v, math.MaxInt64)
	return f, err
}

// ReadUpTo tells up to when a snapshot has the claims of an upstream server.
func (db *DB) ReadUpTo(ctx context.Context, v fhir.Version, snapshot string) (time.Time, error) {
	p, err := parsePin(snapshot)
	if err != nil {
		return time.Time{}, err
	}
	return db.readUpTo(ctx, v, p.load)
}

// readUpTo looks at the passes over all people whose load is at most one.
func (db *DB) readUpTo(ctx context.Context, v fhir.Version, load int64) (time.Time, error) {
	var at int64
	err := db.read.QueryRowContext(ctx, `select coalesce(max(read_up_to), 0) from mirror_pass
		where version = $1 and again = 0 and published > 0 and load <= $2`, int(v), load).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("find up to when the upstream server was read: %w", err)
	}
	return timeOf(at), nil
}
