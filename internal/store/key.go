package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
)

// Keys reads the signing keys, newest first.
func (db *DB) Keys(ctx context.Context) ([]auth.StoredKey, error) {
	rows, err := db.read.QueryContext(ctx, `select id, pem, created from signing_key order by created desc, id`)
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	defer rows.Close()
	keys := []auth.StoredKey{}
	for rows.Next() {
		var k auth.StoredKey
		var created int64
		if err := rows.Scan(&k.ID, &k.Sealed, &created); err != nil {
			return nil, fmt.Errorf("read the signing keys: %w", err)
		}
		k.Created = timeOf(created)
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

// AddKey stores a signing key, unless there is one that was created after
// newest.
func (db *DB) AddKey(ctx context.Context, k auth.StoredKey, newest time.Time) (bool, error) {
	var added bool
	err := db.tx(ctx, func(tx *sql.Tx) (err error) {
		if err := db.alone(ctx, tx, "signing keys"); err != nil {
			return err
		}
		added, err = exactlyOne(ctx, tx, `insert into signing_key (id, pem, created)
			select $1, $2, cast($3 as bigint) where not exists (select 1 from signing_key where created > $4)`,
			k.ID, k.Sealed, millis(k.Created), millis(newest))
		if err != nil || !added {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.KeyAdded, Detail: "key " + k.ID})
	})
	if err != nil {
		return false, fmt.Errorf("store a signing key: %w", err)
	}
	return added, nil
}

// SealKeys replaces what is stored of keys, if it still is what it was. Only
// how they are encrypted changes.
func (db *DB) SealKeys(ctx context.Context, was, is []auth.StoredKey) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		for i := range was {
			if _, err := tx.ExecContext(ctx, `update signing_key set pem = $3 where id = $1 and pem = $2`, was[i].ID, was[i].Sealed, is[i].Sealed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("encrypt the signing keys: %w", err)
	}
	return nil
}

// RemoveKeys removes signing keys. What they signed is not believed any more.
func (db *DB) RemoveKeys(ctx context.Context, ids []string) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			removed, err := exactlyOne(ctx, tx, `delete from signing_key where id = $1`, id)
			if err == nil && removed {
				err = db.append(ctx, tx, audit.Entry{Event: audit.KeyRemoved, Detail: "key " + id})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove signing keys: %w", err)
	}
	return nil
}
