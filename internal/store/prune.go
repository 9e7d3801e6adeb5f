package store

import (
	"context"
	"database/sql"
	"fmt"
)

// pruneRows is how many rows are deleted in one transaction.
const pruneRows = 2000

// prune deletes the rows that a newer base has replaced for every job under way and
// every job to come. It looks only at the enrollees of whom loads have written a base
// since it ran last, and deletes in short transactions. If it is stopped, the next one
// goes on.
func (db *DB) prune(ctx context.Context) error {
	for {
		done := false
		err := db.tx(ctx, func(tx *sql.Tx) (err error) {
			if err := db.alone(ctx, tx, pinsLock); err != nil {
				return err
			}
			done, err = pruneSome(ctx, tx)
			return err
		})
		if err != nil {
			return fmt.Errorf("delete replaced claims: %w", err)
		}
		if done {
			return nil
		}
	}
}

// pruneSome deletes some rows, and tells whether there are no more.
func pruneSome(ctx context.Context, tx *sql.Tx) (bool, error) {
	oldest, err := oldestPin(ctx, tx)
	if err != nil {
		return false, err
	}
	var pruned int64
	if err := tx.QueryRowContext(ctx, `select pruned from claim_store where id = 1`).Scan(&pruned); err != nil {
		return false, err
	}
	if oldest <= pruned {
		return true, nil
	}
	if _, err := tx.ExecContext(ctx, `update claim_store set floor = $1 where id = 1`, oldest); err != nil {
		return false, err
	}
	for _, statement := range []string{
		`delete from segment where (version, enrollee, load) in (select distinct s.version, s.enrollee, s.load from segment n
			join segment s on s.version = n.version and s.enrollee = n.enrollee and s.load < n.load where n.load > $1 and n.load <= $2 limit $3)`,
		`delete from delta where (version, enrollee, load) in (select distinct d.version, d.enrollee, d.load from segment n
			join delta d on d.version = n.version and d.enrollee = n.enrollee and d.load < n.load where n.load > $1 and n.load <= $2 limit $3)`,
	} {
		r, err := tx.ExecContext(ctx, statement, pruned, oldest, pruneRows)
		if err != nil {
			return false, err
		}
		if n, err := r.RowsAffected(); err != nil || n == pruneRows {
			return false, err
		}
	}
	_, err = tx.ExecContext(ctx, `update claim_store set pruned = $1 where id = 1`, oldest)
	return true, err
}
