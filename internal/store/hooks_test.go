package store

import "context"

// WorthFolding has Fold fold all deltas.
func (db *DB) WorthFolding(ctx context.Context) error {
	return db.exec(ctx, `update delta set fold = 1`)
}

// Rows counts the rows of segments and of deltas.
func (db *DB) Rows(ctx context.Context) (segments, deltas int, err error) {
	err = db.read.QueryRowContext(ctx, `select (select count(*) from segment), (select count(*) from delta)`).Scan(&segments, &deltas)
	return segments, deltas, err
}
