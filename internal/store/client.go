package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"ab2d/internal/auth"
)

// Client finds an OAuth2 client by its id.
func (db *DB) Client(ctx context.Context, id string) (*auth.Client, error) {
	c := auth.Client{ID: id}
	var secrets string
	err := db.read.QueryRowContext(ctx, `select contract, secrets, enabled, max_jobs from client where id = $1`, id).
		Scan(&c.Contract, &secrets, &c.Enabled, &c.MaxJobs)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, auth.ErrNoClient
	}
	if err == nil {
		err = json.Unmarshal([]byte(secrets), &c.Secrets)
	}
	if err != nil {
		return nil, fmt.Errorf("read client %q: %w", id, err)
	}
	return &c, nil
}

// AddClient stores a client, unless there is one with its id already.
func (db *DB) AddClient(ctx context.Context, c auth.Client) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `insert into client (id, contract, secrets, enabled, max_jobs, created)
			values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing`,
			c.ID, c.Contract, encoded(c.Secrets), bit(c.Enabled), c.MaxJobs, millis(db.now()))
		return err
	})
	if err != nil {
		return fmt.Errorf("store client %q: %w", c.ID, err)
	}
	return nil
}

// SetClientEnabled lets a client in or keeps it out, from the next request on;
// auth.ErrNoClient when absent.
func (db *DB) SetClientEnabled(ctx context.Context, id string, enabled bool) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		ok, err := exactlyOne(ctx, tx, `update client set enabled = $2 where id = $1`, id, bit(enabled))
		if err == nil && !ok {
			err = auth.ErrNoClient
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("change client %q: %w", id, err)
	}
	return nil
}

// Keys reads the signing keys, newest first.
func (db *DB) Keys(ctx context.Context) ([]auth.Key, error) {
	rows, err := db.read.QueryContext(ctx, `select id, pem, created from signing_key order by created desc, id`)
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	defer rows.Close()
	var keys []auth.Key
	for rows.Next() {
		var id, pem string
		var created int64
		if err := rows.Scan(&id, &pem, &created); err != nil {
			return nil, fmt.Errorf("read the signing keys: %w", err)
		}
		k, err := auth.ParseKey(id, timeOf(created), []byte(pem))
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

// AddFirstKey stores a signing key if there is none yet.
func (db *DB) AddFirstKey(ctx context.Context, k auth.Key) error {
	pem, err := k.MarshalPEM()
	if err != nil {
		return err
	}
	err = db.tx(ctx, func(tx *sql.Tx) error {
		if err := db.alone(ctx, tx, "signing keys"); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `insert into signing_key (id, pem, created)
			select $1, $2, cast($3 as bigint) where not exists (select 1 from signing_key)`, k.ID, string(pem), millis(k.Created))
		return err
	})
	if err != nil {
		return fmt.Errorf("store the first signing key: %w", err)
	}
	return nil
}
