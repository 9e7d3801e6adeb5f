package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
)

const clientColumns = `c.id, c.name, c.contract, c.secrets, c.enabled, c.max_jobs, c.networks, c.keys, c.keys_url, c.created, c.sandbox = 1, c.operator_networks,
	exists (select 1 from disabled_contract d where d.number = c.contract)`

// secret is an auth.Secret as the tables hold it.
type secret struct {
	ID      string `json:"id"`
	Hash    string `json:"hash"`
	Created int64  `json:"created"`
	Expires int64  `json:"expires"`
}

func scanClient(row interface{ Scan(...any) error }) (*auth.Client, error) {
	var c auth.Client
	var secrets, networks, chosen string
	var created int64
	err := row.Scan(&c.ID, &c.Name, &c.Contract, &secrets, &c.Enabled, &c.MaxJobs, &networks, &c.KeySet, &c.KeysURL, &created, &c.Sandbox, &chosen, &c.ContractDisabled)
	if err != nil {
		return nil, err
	}
	c.Created = timeOf(created)
	var stored []secret
	if err := json.Unmarshal([]byte(secrets), &stored); err != nil {
		return nil, errors.New("its secrets cannot be read") // lest the error quote a hash
	}
	for _, s := range stored {
		c.Secrets = append(c.Secrets, auth.Secret{ID: s.ID, Hash: s.Hash, Created: timeOf(s.Created), Expires: timeOf(s.Expires)})
	}
	if err := json.Unmarshal([]byte(networks), &c.Networks); err != nil {
		return nil, err
	}
	c.OperatorNetworks, err = operatorNetworks(chosen, c.Networks)
	return &c, err
}

// choice is what a client chose of the networks that an operator set.
type choice struct {
	Operator []netip.Prefix `json:"operator"`
	Chosen   []netip.Prefix `json:"chosen"`
}

// operatorNetworks reads a choice. One that is not of these networks is over: an
// operator has set others.
func operatorNetworks(text string, networks []netip.Prefix) ([]netip.Prefix, error) {
	if text == "" {
		return networks, nil
	}
	var c choice
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return nil, err
	}
	if !slices.Equal(c.Chosen, networks) {
		return networks, nil
	}
	return c.Operator, nil
}

func encodedChoice(c *auth.Client) string {
	if slices.Equal(c.OperatorNetworks, c.Networks) {
		return ""
	}
	return encoded(choice{Operator: c.OperatorNetworks, Chosen: c.Networks})
}

func encodedSecrets(secrets []auth.Secret) string {
	stored := []secret{}
	for _, s := range secrets {
		stored = append(stored, secret{ID: s.ID, Hash: s.Hash, Created: millis(s.Created), Expires: millis(s.Expires)})
	}
	return encoded(stored)
}

func encodedNetworks(networks []netip.Prefix) string {
	if networks == nil {
		return "[]"
	}
	return encoded(networks)
}

// Client finds an OAuth2 client by its id.
func (db *DB) Client(ctx context.Context, id string) (*auth.Client, error) {
	c, err := scanClient(db.read.QueryRowContext(ctx, `select `+clientColumns+` from client c where c.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, auth.ErrNoClient
	}
	if err != nil {
		return nil, fmt.Errorf("read client %q: %w", id, err)
	}
	return c, nil
}

// Clients lists the clients of a contract, or of all for "".
func (db *DB) Clients(ctx context.Context, contract string) ([]*auth.Client, error) {
	rows, err := db.read.QueryContext(ctx, `select `+clientColumns+` from client c where ($1 = '' or c.contract = $1) order by c.contract, c.created, c.id`, contract)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	defer rows.Close()
	list := []*auth.Client{}
	for rows.Next() {
		c, err := scanClient(rows)
		if err != nil {
			return nil, fmt.Errorf("list clients: %w", err)
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// AddClient stores a client; auth.ErrClientTaken when there is one with its id.
func (db *DB) AddClient(ctx context.Context, c auth.Client) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		added, err := exactlyOne(ctx, tx, `insert into client (id, name, contract, secrets, enabled, max_jobs, networks, keys, keys_url, created, sandbox)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (id) do nothing`,
			c.ID, c.Name, c.Contract, encodedSecrets(c.Secrets), bit(c.Enabled), c.MaxJobs, encodedNetworks(c.Networks), c.KeySet, c.KeysURL, millis(db.now()), bit(c.Sandbox))
		if err == nil && !added {
			err = auth.ErrClientTaken
		}
		if err != nil {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.ClientAdded, Client: c.ID, Contract: c.Contract})
	})
	if err != nil {
		return fmt.Errorf("store client %q: %w", c.ID, err)
	}
	return nil
}

// ChangeClient lets change alter a client, alone, and stores it: from the next
// request on it is as it then is. The entry is recorded with it; what it says of
// the client is filled in. auth.ErrNoClient when absent; an error of change
// leaves everything as it was.
func (db *DB) ChangeClient(ctx context.Context, id string, e audit.Entry, change func(*auth.Client) error) (*auth.Client, error) {
	var c *auth.Client
	err := db.tx(ctx, func(tx *sql.Tx) (err error) {
		c, err = db.changeClient(ctx, tx, id, e, change)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("change client %q: %w", id, err)
	}
	return c, nil
}

// changeClient is ChangeClient within a transaction.
func (db *DB) changeClient(ctx context.Context, tx *sql.Tx, id string, e audit.Entry, change func(*auth.Client) error) (*auth.Client, error) {
	if err := db.alone(ctx, tx, "client "+id); err != nil {
		return nil, err
	}
	c, err := scanClient(tx.QueryRowContext(ctx, `select `+clientColumns+` from client c where c.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, auth.ErrNoClient
	}
	if err != nil {
		return nil, err
	}
	if err := change(c); err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `update client set name = $2, secrets = $3, enabled = $4, max_jobs = $5, networks = $6, keys = $7, keys_url = $8, operator_networks = $9
		where id = $1`, id, c.Name, encodedSecrets(c.Secrets), bit(c.Enabled), c.MaxJobs, encodedNetworks(c.Networks), c.KeySet, c.KeysURL, encodedChoice(c))
	if err != nil {
		return nil, err
	}
	e.Client, e.Contract = c.ID, c.Contract
	return c, db.append(ctx, tx, e)
}

// SetClientEnabled lets a client in or keeps it out, from the next request on;
// auth.ErrNoClient when absent.
func (db *DB) SetClientEnabled(ctx context.Context, id string, enabled bool) error {
	event := audit.ClientDisabled
	if enabled {
		event = audit.ClientEnabled
	}
	_, err := db.ChangeClient(ctx, id, audit.Entry{Event: event}, func(c *auth.Client) error {
		c.Enabled = enabled
		return nil
	})
	return err
}

// UseAssertion notes that an assertion was used; false when it was before. Those
// that have expired are forgotten.
func (db *DB) UseAssertion(ctx context.Context, client, digest string, expires time.Time) (bool, error) {
	var fresh bool
	err := db.tx(ctx, func(tx *sql.Tx) (err error) {
		if fresh, err = exactlyOne(ctx, tx, `insert into used_assertion (client, digest, expires) values ($1, $2, $3) on conflict do nothing`,
			client, digest, millis(expires)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `delete from used_assertion where expires < $1`, millis(db.now()))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("note an assertion of client %q: %w", client, err)
	}
	return fresh, nil
}
