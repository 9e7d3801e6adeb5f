package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/gofrs/flock"
)

// Attach says that this process is going to lease steps. With SQLite it locks a file
// beside the database until Close. If no other process is attached, nobody is left
// who could hold a lease: Attach then frees all leases, so that a process that was
// killed and started again need not wait until they lapse. With PostgreSQL, where
// processes on other machines may hold them, it does nothing. Call it once, before
// the first lease.
func (db *DB) Attach(ctx context.Context) error {
	if db.path == "" {
		return nil
	}
	lock := flock.New(db.path+".lock", flock.SetPermissions(0o600))
	alone, err := lock.TryLock()
	if err == nil && alone {
		err = db.freeLeases(ctx)
	}
	// The lock is shared from now on. Between the two locks another process may be
	// alone and free the leases; this one has none yet.
	if err == nil && alone {
		err = lock.Unlock()
	}
	if err == nil {
		err = lock.RLock()
	}
	if err != nil {
		lock.Close()
		return fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	db.attached = lock
	return nil
}

// freeLeases ends all leases.
func (db *DB) freeLeases(ctx context.Context) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		for _, table := range []string{"job", "part", "mirror_part", "mirror_enrollment", "claim_store"} {
			if _, err := tx.ExecContext(ctx, `update `+table+` set lease_until = 0 where lease_until > 0`); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("free the leases of processes that have ended: %w", err)
	}
	return nil
}
