package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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

// Unattests says that an import would take the attestation from contracts that
// have one, so that their sponsors would get no data any more.
type Unattests struct {
	Contracts []string
}

// Error names the contracts.
func (d *Unattests) Error() string {
	return fmt.Sprintf("the attestation of %d contracts would be taken away: %v", len(d.Contracts), d.Contracts)
}

// PutContracts stores contracts, all or none. Contracts that are not among
// them stay as they are: that a file lacks one says nothing about it. To take
// an attestation away is *Unattests unless forced.
func (db *DB) PutContracts(ctx context.Context, contracts []coverage.Contract, force bool) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		var lost []string
		for _, c := range contracts {
			var has bool
			err := tx.QueryRowContext(ctx, `select attested is not null from contract where number = $1`, c.Number).Scan(&has)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return fmt.Errorf("read contract %s: %w", c.Number, err)
			}
			if has && !c.HasAttested {
				lost = append(lost, c.Number)
			}
		}
		if len(lost) > 0 && !force {
			return &Unattests{Contracts: lost}
		}
		for _, c := range contracts {
			_, err := tx.ExecContext(ctx, `insert into contract (number, sponsor, attested) values ($1, $2, $3)
				on conflict (number) do update set sponsor = excluded.sponsor, attested = excluded.attested`,
				c.Number, c.Sponsor, sql.NullInt64{Int64: int64(c.Attested), Valid: c.HasAttested})
			if err != nil {
				return fmt.Errorf("store contract %s: %w", c.Number, err)
			}
		}
		return nil
	})
}
