package store

import (
	"context"
	"database/sql"
	"fmt"
)

// deltasAllowed tells whether loads may write deltas.
func deltasAllowed(ctx context.Context, q rowQuerier) (bool, error) {
	var on int64
	if err := q.QueryRowContext(ctx, `select deltas from claim_store where id = 1`).Scan(&on); err != nil {
		return false, fmt.Errorf("look whether deltas may be written: %w", err)
	}
	return on == 1, nil
}

func allowDeltas(ctx context.Context, pool *sql.DB) error {
	if _, err := pool.ExecContext(ctx, `update claim_store set deltas = 1 where id = 1`); err != nil {
		return fmt.Errorf("allow deltas: %w", err)
	}
	return nil
}

// UpgradeFinished tells whether loads write what this release, and not the one before,
// reads.
func (db *DB) UpgradeFinished(ctx context.Context) (bool, error) { return deltasAllowed(ctx, db.read) }

// FinishUpgrade says that every process on this database runs this release, or a later
// one, from now on: loads write only what they change. The release before would not
// see these claims. It can be repeated.
func (db *DB) FinishUpgrade(ctx context.Context) error {
	return db.exec(ctx, `update claim_store set deltas = 1 where id = 1`)
}
