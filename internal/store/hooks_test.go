package store

import (
	"context"
	"errors"
)

// Rows counts the rows of segments and of deltas.
func (db *DB) Rows(ctx context.Context) (segments, deltas int, err error) {
	err = db.read.QueryRowContext(ctx, `select (select count(*) from segment), (select count(*) from delta)`).Scan(&segments, &deltas)
	return segments, deltas, err
}

// UnfinishUpgrade makes the database one that processes of a former release may be on.
func (db *DB) UnfinishUpgrade(ctx context.Context) error {
	return db.exec(ctx, `update claim_store set deltas = 0`)
}

// RevertDeltas makes the tables those of the release before.
func (db *DB) RevertDeltas(ctx context.Context) error {
	var faults []error
	for _, statement := range []string{`drop table delta`, `drop table claim_store`, `drop index if exists segment_newest`, `delete from goose_db_version where version_id >= 35`} {
		_, err := db.write.ExecContext(ctx, statement)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// CopySegment stores a copy of an enrollee's segment under a load.
func (db *DB) CopySegment(ctx context.Context, enrollee, load int64) error {
	return errors.Join(db.exec(ctx, `insert into load (id, source, digest, version, started, published) select $1, '', '', version, 1, 1 from segment where enrollee = $2`, load, enrollee),
		db.exec(ctx, `insert into segment (version, enrollee, load, allow_list, newest, undated, mbis, crc, length, entries, tail, deflate)
			select version, enrollee, $2, allow_list, newest, undated, mbis, crc, length, entries, tail, deflate from segment where enrollee = $1`, enrollee, load))
}
