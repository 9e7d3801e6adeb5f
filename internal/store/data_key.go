package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/encryption"
)

// DataKeys reads the keys that encrypt what is stored, newest first.
func (db *DB) DataKeys(ctx context.Context) ([]encryption.StoredKey, error) {
	rows, err := db.read.QueryContext(ctx, `select id, wrapped, by_key, created from data_key order by created desc, id`)
	if err != nil {
		return nil, fmt.Errorf("read the data keys: %w", err)
	}
	defer rows.Close()
	var keys []encryption.StoredKey
	for rows.Next() {
		var k encryption.StoredKey
		var created int64
		if err := rows.Scan(&k.ID, &k.Wrapped, &k.By, &created); err != nil {
			return nil, fmt.Errorf("read the data keys: %w", err)
		}
		k.Created = timeOf(created)
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

// AddDataKey stores a data key, unless there is one that was created after newest.
func (db *DB) AddDataKey(ctx context.Context, k encryption.StoredKey, newest time.Time) (added bool, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) (err error) {
		if err := db.alone(ctx, tx, "data keys"); err != nil {
			return err
		}
		added, err = exactlyOne(ctx, tx, `insert into data_key (id, wrapped, by_key, created)
			select $1, $2, $3, cast($4 as bigint) where not exists (select 1 from data_key where created > $5)`,
			k.ID, k.Wrapped, k.By, millis(k.Created), millis(newest))
		if err != nil || !added {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.DataKeyAdded, Detail: "data key " + k.ID + ", wrapping key " + k.By})
	})
	if err != nil {
		return false, fmt.Errorf("store a data key: %w", err)
	}
	return added, nil
}

// RewrapDataKeys replaces how data keys are wrapped, if it still is what it was.
func (db *DB) RewrapDataKeys(ctx context.Context, was, is []encryption.StoredKey) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		for i := range was {
			if bytes.Equal(was[i].Wrapped, is[i].Wrapped) {
				continue
			}
			done, err := exactlyOne(ctx, tx, `update data_key set wrapped = $3, by_key = $4 where id = $1 and wrapped = $2`, was[i].ID, was[i].Wrapped, is[i].Wrapped, is[i].By)
			if err != nil {
				return err
			}
			if !done {
				return fmt.Errorf("another process has changed data key %s; run the command again", was[i].ID)
			}
			entry := audit.Entry{Event: audit.DataKeyRewrapped, Detail: "data key " + is[i].ID + ", wrapping key " + is[i].By}
			if err := db.append(ctx, tx, entry); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("encrypt the data keys anew: %w", err)
	}
	return nil
}

var _ encryption.Store = (*DB)(nil)
