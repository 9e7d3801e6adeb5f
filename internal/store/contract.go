package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize/english"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
)

// Contract finds a contract by its number. The last event of its history says whether
// it is attested, and from which day on.
func (db *DB) Contract(ctx context.Context, number string) (coverage.Contract, error) {
	was, err := readContract(ctx, db.read, number)
	if err != nil {
		return coverage.Contract{Number: number}, fmt.Errorf("read contract %s: %w", number, err)
	}
	if !was.stored {
		return coverage.Contract{Number: number}, export.ErrNoContract
	}
	return was.contract(number), nil
}

// AttestationLossError says that an import would take the attestation from contracts that
// have one, so that their sponsors would get no data any more.
type AttestationLossError struct {
	Contracts []string
}

// Error names the contracts.
func (d *AttestationLossError) Error() string {
	return fmt.Sprintf("the attestation of %s would be taken away: %v", english.Plural(len(d.Contracts), "contract", ""), d.Contracts)
}

// PutContracts stores contracts as an operator changes them, all or none. Contracts that
// are not among them stay as they are: that a file lacks one says nothing about it. To
// take an attestation away is *AttestationLossError unless forced. A contract that is
// attested from an earlier day on, or again, has its next export begin at the beginning.
// An attestation that changes is an event of the history.
func (db *DB) PutContracts(ctx context.Context, contracts []coverage.Contract, force bool) error {
	return db.putContracts(ctx, contracts, coverage.FromOperator, force)
}

// ImportContracts is PutContracts for contracts that are from a file, which the history
// then says.
func (db *DB) ImportContracts(ctx context.Context, contracts []coverage.Contract, force bool) error {
	return db.putContracts(ctx, contracts, coverage.FromFile, force)
}

func (db *DB) putContracts(ctx context.Context, contracts []coverage.Contract, source coverage.AttestationSource, force bool) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		if err := db.alone(ctx, tx, contractsLock); err != nil {
			return err
		}
		var lost []string
		var changes []contractChange
		for _, c := range contracts {
			was, err := readContract(ctx, tx, c.Number)
			if err != nil {
				return fmt.Errorf("read contract %s: %w", c.Number, err)
			}
			change := contractChange{contract: c, was: was, event: db.eventOf(ctx, was, c, source)}
			if change.loses() {
				lost = append(lost, c.Number)
			}
			changes = append(changes, change)
		}
		if len(lost) > 0 && !force {
			return &AttestationLossError{Contracts: lost}
		}
		return db.applyContracts(ctx, tx, changes)
	})
}

// eventOf is what storing a contract adds to its history; nil for nothing.
func (db *DB) eventOf(ctx context.Context, was contractState, c coverage.Contract, source coverage.AttestationSource) *coverage.AttestationEvent {
	day, attested := was.attested()
	e := db.newEvent(ctx, source)
	switch {
	case c.HasAttested && (!attested || day != c.Attested):
		e.Kind, e.Effective = coverage.AttestationGiven, c.Attested
	case attested && !c.HasAttested:
		e.Kind, e.Effective = coverage.AttestationWithdrawn, coverage.DateOf(e.Recorded.Date())
	default:
		return nil
	}
	return &e
}

// newEvent is an event that is about to be recorded.
func (db *DB) newEvent(ctx context.Context, source coverage.AttestationSource) coverage.AttestationEvent {
	return coverage.AttestationEvent{Source: source, Actor: audit.FactsOf(ctx).Actor, Recorded: db.now().UTC()}
}

// ContractRow is a contract with what the administration sees of it.
type ContractRow struct {
	coverage.Contract
	Stored   bool // false: only its clients are known here, as in a sandbox
	Disabled bool
	V3       sql.NullBool // whether version 3 of the API is enabled; null: as the server has it
	Manual   bool         // HPMS changes nothing of it
	Clients  int
}

// Contracts lists the stored contracts, and those of clients.
func (db *DB) Contracts(ctx context.Context) ([]ContractRow, error) {
	rows, err := db.read.QueryContext(ctx, `select n.number, coalesce(c.sponsor, ''), a.kind, a.effective, c.number is not null,
		exists (select 1 from disabled_contract d where d.number = n.number), (select v.enabled from contract_v3 v where v.number = n.number),
		exists (select 1 from contract_manual m where m.number = n.number), (select count(*) from client k where k.contract = n.number)
		from (select number from contract union select contract from client) n left join contract c on c.number = n.number `+lastAttestation+` order by n.number`)
	if err != nil {
		return nil, fmt.Errorf("list contracts: %w", err)
	}
	defer rows.Close()
	list := []ContractRow{}
	for rows.Next() {
		var r ContractRow
		var kind sql.NullString
		var effective sql.NullInt64
		if err := rows.Scan(&r.Number, &r.Sponsor, &kind, &effective, &r.Stored, &r.Disabled, &r.V3, &r.Manual, &r.Clients); err != nil {
			return nil, fmt.Errorf("list contracts: %w", err)
		}
		if kind.Valid {
			last := coverage.AttestationEvent{Kind: coverage.AttestationKind(kind.String), Effective: coverage.Date(effective.Int64)}
			r.Attested, r.HasAttested = coverage.Attestation([]coverage.AttestationEvent{last})
		}
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
