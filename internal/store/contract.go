package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
)

// Contract finds a contract by its number.
func (db *DB) Contract(ctx context.Context, number string) (coverage.Contract, error) {
	c := coverage.Contract{Number: number}
	var attested sql.NullInt64
	err := db.read.QueryRowContext(ctx, `select sponsor, attested from contract where number = $1`, number).Scan(&c.Sponsor, &attested)
	if errors.Is(err, sql.ErrNoRows) {
		return c, export.ErrNoContract
	}
	if err != nil {
		return c, fmt.Errorf("read contract %s: %w", number, err)
	}
	c.Attested, c.HasAttested = coverage.Date(attested.Int64), attested.Valid
	return c, nil
}

// AttestationLossError says that an import would take the attestation from contracts that
// have one, so that their sponsors would get no data any more.
type AttestationLossError struct {
	Contracts []string
}

// Error names the contracts.
func (d *AttestationLossError) Error() string {
	return fmt.Sprintf("the attestation of %d contracts would be taken away: %v", len(d.Contracts), d.Contracts)
}

// PutContracts stores contracts, all or none. Contracts that are not among
// them stay as they are: that a file lacks one says nothing about it. To take
// an attestation away is *AttestationLossError unless forced. A contract that is attested
// from an earlier day on, or again, has its next export begin at the beginning.
func (db *DB) PutContracts(ctx context.Context, contracts []coverage.Contract, force bool) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		var lost []string
		var entries []audit.Entry
		for _, c := range contracts {
			event, err := contractEvent(ctx, tx, c)
			if err != nil {
				return fmt.Errorf("read contract %s: %w", c.Number, err)
			}
			if event == audit.ContractUnattested {
				lost = append(lost, c.Number)
			}
			if event != "" {
				entries = append(entries, audit.Entry{Event: event, Contract: c.Number, Detail: attestation(c)})
			}
		}
		if len(lost) > 0 && !force {
			return &AttestationLossError{Contracts: lost}
		}
		for _, c := range contracts {
			if err := startAnew(ctx, tx, c); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `insert into contract (number, sponsor, attested) values ($1, $2, $3)
				on conflict (number) do update set sponsor = excluded.sponsor, attested = excluded.attested`,
				c.Number, c.Sponsor, sql.NullInt64{Int64: int64(c.Attested), Valid: c.HasAttested})
			if err != nil {
				return fmt.Errorf("store contract %s: %w", c.Number, err)
			}
		}
		for _, e := range entries {
			if err := db.append(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// startAnew has the next export begin at the beginning, whatever was exported
// before, if the contract is about to be attested from an earlier day on than it
// is now, or again. What that adds is older than the default _since.
func startAnew(ctx context.Context, tx *sql.Tx, c coverage.Contract) error {
	if !c.HasAttested {
		return nil
	}
	_, err := tx.ExecContext(ctx, `update job set continuous = 0 where contract = $1 and exists
		(select 1 from contract where number = $1 and (attested is null or attested > $2))`, c.Number, int64(c.Attested))
	if err != nil {
		return fmt.Errorf("start the exports of contract %s anew: %w", c.Number, err)
	}
	return nil
}

// contractEvent is what storing a contract would change; "" for nothing that
// the audit wants to know.
func contractEvent(ctx context.Context, tx *sql.Tx, c coverage.Contract) (audit.Event, error) {
	var attested sql.NullInt64
	err := tx.QueryRowContext(ctx, `select attested from contract where number = $1`, c.Number).Scan(&attested)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return audit.ContractAdded, nil
	case err != nil:
		return "", err
	case attested.Valid && !c.HasAttested:
		return audit.ContractUnattested, nil
	case c.HasAttested && (!attested.Valid || attested.Int64 != int64(c.Attested)):
		return audit.ContractAttested, nil
	}
	return "", nil
}

func attestation(c coverage.Contract) string {
	if !c.HasAttested {
		return "not attested"
	}
	return "attested " + c.Attested.String()
}

// ContractRow is a contract with what the administration sees of it.
type ContractRow struct {
	coverage.Contract
	Stored   bool // false: only its clients are known here, as in a sandbox
	Disabled bool
	V3       sql.NullBool // whether version 3 of the API is enabled; null: as the server has it
	Clients  int
}

// Contracts lists the stored contracts, and those of clients.
func (db *DB) Contracts(ctx context.Context) ([]ContractRow, error) {
	rows, err := db.read.QueryContext(ctx, `select n.number, coalesce(c.sponsor, ''), c.attested, c.number is not null,
		exists (select 1 from disabled_contract d where d.number = n.number), (select v.enabled from contract_v3 v where v.number = n.number), (select count(*) from client k where k.contract = n.number)
		from (select number from contract union select contract from client) n left join contract c on c.number = n.number order by n.number`)
	if err != nil {
		return nil, fmt.Errorf("list contracts: %w", err)
	}
	defer rows.Close()
	list := []ContractRow{}
	for rows.Next() {
		var r ContractRow
		var attested sql.NullInt64
		if err := rows.Scan(&r.Number, &r.Sponsor, &attested, &r.Stored, &r.Disabled, &r.V3, &r.Clients); err != nil {
			return nil, fmt.Errorf("list contracts: %w", err)
		}
		r.Attested, r.HasAttested = coverage.Date(attested.Int64), attested.Valid
		list = append(list, r)
	}
	return list, rows.Err()
}

// SetContractEnabled lets all clients of a contract in or keeps them out, from
// the next request on, whatever the clients' own switches say.
func (db *DB) SetContractEnabled(ctx context.Context, number string, enabled bool) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		if enabled {
			if _, err := tx.ExecContext(ctx, `delete from disabled_contract where number = $1`, number); err != nil {
				return err
			}
			return db.append(ctx, tx, audit.Entry{Event: audit.ContractEnabled, Contract: number})
		}
		_, err := tx.ExecContext(ctx, `insert into disabled_contract (number, since) values ($1, $2) on conflict (number) do nothing`, number, millis(db.now()))
		if err != nil {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.ContractDisabled, Contract: number})
	})
	if err != nil {
		return fmt.Errorf("change contract %s: %w", number, err)
	}
	return nil
}

// V3 tells whether version 3 of the API is enabled for a contract; otherwise is for
// a contract of which nobody has said so.
func (db *DB) V3(ctx context.Context, number string, otherwise bool) (bool, error) {
	var enabled bool
	err := db.read.QueryRowContext(ctx, `select enabled from contract_v3 where number = $1`, number).Scan(&enabled)
	if errors.Is(err, sql.ErrNoRows) {
		return otherwise, nil
	}
	if err != nil {
		return false, fmt.Errorf("read whether contract %s has version 3: %w", number, err)
	}
	return enabled, nil
}

// SetV3 enables or disables version 3 of the API for a contract, from the next
// request on.
func (db *DB) SetV3(ctx context.Context, number string, enabled bool) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `insert into contract_v3 (number, enabled) values ($1, $2)
			on conflict (number) do update set enabled = excluded.enabled`, number, bit(enabled))
		if err != nil {
			return err
		}
		detail := "disabled"
		if enabled {
			detail = "enabled"
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.ContractV3, Contract: number, Detail: detail})
	})
	if err != nil {
		return fmt.Errorf("change contract %s: %w", number, err)
	}
	return nil
}

// Imported tells whether anything was imported: contracts, enrollment or claims.
func (db *DB) Imported(ctx context.Context) (bool, error) {
	var n int
	err := db.read.QueryRowContext(ctx, `select (select count(*) from contract) + (select count(*) from snapshot) + (select count(*) from load)`).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("read what was imported: %w", err)
	}
	return n > 0, nil
}
