package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/fhir"
)

// Load is one import of claims. Nothing of it is seen before Publish.
type Load struct {
	ID       int64
	Source   string // the file's name, for people
	Version  fhir.Version
	Started  time.Time
	Position int64 // up to where the source has been taken in, in uncompressed bytes
	Line     int64 // of the source, at Position
	Report   string
	Mirror   bool // it is a pass of the mirror, not an import of a file
}

// LoadInProgressError says that another import of claims is under way, or was broken
// off: only one at a time can be.
type LoadInProgressError struct {
	Load Load
}

// Error names its source.
func (o *LoadInProgressError) Error() string {
	return fmt.Sprintf("an import of %s, begun %s, has not been completed", o.Load.Source, o.Load.Started.Format(time.RFC3339))
}

// ErrLoadMoved says that somebody else goes on with the same load.
var ErrLoadMoved = errors.New("another process goes on with this import")

// BeginLoad begins an import, or goes on with one that was broken off: with the
// same digest it gives back where that was. *LoadInProgressError when another one has
// not been completed.
func (db *DB) BeginLoad(ctx context.Context, source, digest string, v fhir.Version) (*Load, error) {
	l := &Load{Source: source, Version: v, Started: db.now().UTC().Truncate(time.Millisecond), Report: "{}"}
	err := db.tx(ctx, func(tx *sql.Tx) error {
		if err := errors.Join(db.patient(ctx, tx), db.alone(ctx, tx, "loads")); err != nil {
			return err
		}
		open, openDigest, err := openLoad(ctx, tx)
		switch {
		case err == nil && openDigest == digest && open.Version == v:
			l = open
			return nil
		case err == nil && strings.HasPrefix(openDigest, refreshDigest):
			if err := deleteLoad(ctx, tx, open.ID); err != nil { // it can be had again
				return err
			}
		case err == nil:
			return &LoadInProgressError{Load: *open}
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		return tx.QueryRowContext(ctx, `insert into load (source, digest, version, started) values ($1, $2, $3, $4) returning id`,
			source, digest, int(v), millis(l.Started)).Scan(&l.ID)
	})
	if err != nil {
		return nil, fmt.Errorf("begin an import: %w", err)
	}
	return l, nil
}

// openLoad finds the load that has not been published.
func openLoad(ctx context.Context, tx *sql.Tx) (*Load, string, error) {
	var l Load
	var digest string
	var version int
	var started int64
	err := tx.QueryRowContext(ctx, `select id, source, digest, version, started, position, line, report from load where published = 0`).
		Scan(&l.ID, &l.Source, &digest, &version, &started, &l.Position, &l.Line, &l.Report)
	l.Version, l.Started, l.Mirror = fhir.Version(version), timeOf(started), strings.HasPrefix(digest, mirrorDigest)
	return &l, digest, err
}

// AbandonLoad deletes what an import that has not been completed has written.
// It tells whether there was one.
func (db *DB) AbandonLoad(ctx context.Context) (was *Load, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		if err := db.patient(ctx, tx); err != nil {
			return err
		}
		open, _, err := openLoad(ctx, tx)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		was = open
		return deleteLoad(ctx, tx, open.ID)
	})
	if err != nil {
		return nil, fmt.Errorf("abandon an import: %w", err)
	}
	return was, nil
}

func deleteLoad(ctx context.Context, tx *sql.Tx, id int64) error {
	if err := forgetPass(ctx, tx, id); err != nil {
		return err
	}
	for _, statement := range []string{`delete from segment where load = $1`, `delete from delta where load = $1`, `delete from claim_home where load = $1`, `delete from arrival where load = $1`, `delete from withdrawal where load = $1`, `delete from load where id = $1`} {
		if _, err := tx.ExecContext(ctx, statement, id); err != nil {
			return err
		}
	}
	return nil
}

// Publish makes all that a load has written visible at once, to jobs that are
// planned from now on, and deletes what no job needs any more. The entry, if it
// has an event, is recorded in the audit log by the same transaction.
func (db *DB) Publish(ctx context.Context, l *Load, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error { return db.publish(ctx, tx, l, e) })
	if err != nil {
		return fmt.Errorf("publish an import: %w", err)
	}
	db.prune(ctx) //nolint:errcheck // it is published; RemoveOld deletes what this left
	return nil
}

// publish is Publish within a transaction.
func (db *DB) publish(ctx context.Context, tx *sql.Tx, l *Load, e audit.Entry) error {
	if err := db.patient(ctx, tx); err != nil {
		return err
	}
	ok, err := exactlyOne(ctx, tx, `update load set published = $2 where id = $1 and published = 0 and position = $3`,
		l.ID, millis(db.now()), l.Position)
	if err != nil {
		return err
	}
	if !ok {
		return ErrLoadMoved
	}
	if e.Event == "" {
		return nil
	}
	return db.append(ctx, tx, e)
}

// oldestPin is the oldest load that a job under way reads up to, or what is
// published.
func oldestPin(ctx context.Context, tx *sql.Tx) (int64, error) {
	var oldest int64
	if err := tx.QueryRowContext(ctx, `select coalesce(max(id), 0) from load where published > 0`).Scan(&oldest); err != nil {
		return 0, err
	}
	rows, err := tx.QueryContext(ctx, `select snapshot from job where state = 'running'`)
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
			oldest = min(oldest, p.load)
		}
	}
	return oldest, rows.Err()
}
