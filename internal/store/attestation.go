package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
)

// contractsLock is held by whoever changes contracts, so that an event is always decided
// by the one before it.
const contractsLock = "contracts"

// lastAttestation joins the contracts c with the last event a of their history, if there
// is one.
const lastAttestation = `left join attestation a on a.contract = c.number
	and a.number = (select max(l.number) from attestation l where l.contract = c.number)`

// contractState is a contract as it is stored.
type contractState struct {
	stored  bool
	sponsor string
	last    *coverage.AttestationEvent // nil: no history
}

// attested gives the day from which claims count, and whether the contract is attested.
func (s *contractState) attested() (coverage.Date, bool) {
	if s.last == nil {
		return 0, false
	}
	return coverage.Attestation([]coverage.AttestationEvent{*s.last})
}

func (s *contractState) contract(number string) coverage.Contract {
	c := coverage.Contract{Number: number, Sponsor: s.sponsor}
	c.Attested, c.HasAttested = s.attested()
	return c
}

// rowQuerier is a database or a transaction.
type rowQuerier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// readContract reads a contract with the last event of its history.
func readContract(ctx context.Context, q rowQuerier, number string) (contractState, error) {
	var s contractState
	var kind, source, actor sql.NullString
	var effective, recorded sql.NullInt64
	err := q.QueryRowContext(ctx, `select c.sponsor, a.kind, a.effective, a.source, a.actor, a.recorded from contract c `+lastAttestation+
		` where c.number = $1`, number).Scan(&s.sponsor, &kind, &effective, &source, &actor, &recorded)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	s.stored = true
	s.last = eventFrom(kind, effective, source, actor, recorded)
	return s, nil
}

// eventFrom is an event as a row has it; nil for the nulls of a contract without one.
func eventFrom(kind sql.NullString, effective sql.NullInt64, source, actor sql.NullString, recorded sql.NullInt64) *coverage.AttestationEvent {
	if !kind.Valid {
		return nil
	}
	return &coverage.AttestationEvent{
		Kind: coverage.AttestationKind(kind.String), Effective: coverage.Date(effective.Int64),
		Source: coverage.AttestationSource(source.String), Actor: actor.String, Recorded: timeOf(recorded.Int64),
	}
}

// AttestationHistory gives the newest events of a contract's attestation, most at most,
// in the order in which they were recorded. It is empty for a contract that is not known.
func (db *DB) AttestationHistory(ctx context.Context, contract string, most int) ([]coverage.AttestationEvent, error) {
	rows, err := db.read.QueryContext(ctx, `select kind, effective, source, actor, recorded from
		(select * from attestation where contract = $1 order by number desc limit $2) newest order by number`, contract, most)
	if err != nil {
		return nil, fmt.Errorf("read the attestations of contract %s: %w", contract, err)
	}
	defer rows.Close()
	history := []coverage.AttestationEvent{}
	for rows.Next() {
		var kind, source, actor sql.NullString
		var effective, recorded sql.NullInt64
		if err := rows.Scan(&kind, &effective, &source, &actor, &recorded); err != nil {
			return nil, fmt.Errorf("read the attestations of contract %s: %w", contract, err)
		}
		history = append(history, *eventFrom(kind, effective, source, actor, recorded))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the attestations of contract %s: %w", contract, err)
	}
	return history, nil
}

// contractChange is a contract that is about to be stored.
type contractChange struct {
	contract coverage.Contract // as it will be
	was      contractState
	event    *coverage.AttestationEvent // nil: the attestation stays
}

// loses tells whether the contract loses its attestation.
func (c *contractChange) loses() bool {
	return c.event != nil && c.event.Kind != coverage.AttestationGiven
}

// renamed tells whether a stored contract gets another sponsor.
func (c *contractChange) renamed() bool {
	return c.was.stored && c.was.sponsor != c.contract.Sponsor
}

// applyContracts stores contracts with their events and audit entries. The lock
// contractsLock must be held.
func (db *DB) applyContracts(ctx context.Context, tx *sql.Tx, changes []contractChange) error {
	for i := range changes {
		c := &changes[i]
		if err := startAnew(ctx, tx, c); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `insert into contract (number, sponsor) values ($1, $2)
			on conflict (number) do update set sponsor = excluded.sponsor`, c.contract.Number, c.contract.Sponsor)
		if err != nil {
			return fmt.Errorf("store contract %s: %w", c.contract.Number, err)
		}
		if err := putEvent(ctx, tx, c.contract.Number, c.event); err != nil {
			return err
		}
	}
	for i := range changes {
		for _, e := range changes[i].entries() {
			if err := db.append(ctx, tx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// startAnew has the next export begin at the beginning, whatever was exported
// before, if the contract is about to be attested from an earlier day on than it
// is now, or again. What that adds is older than the default _since.
func startAnew(ctx context.Context, tx *sql.Tx, c *contractChange) error {
	day, attested := c.was.attested()
	if !c.was.stored || !c.contract.HasAttested || attested && day <= c.contract.Attested {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `update job set continuous = 0 where contract = $1`, c.contract.Number); err != nil {
		return fmt.Errorf("start the exports of contract %s anew: %w", c.contract.Number, err)
	}
	return nil
}

// putEvent adds an event to the history of a contract.
func putEvent(ctx context.Context, tx *sql.Tx, contract string, e *coverage.AttestationEvent) error {
	if e == nil {
		return nil
	}
	_, err := tx.ExecContext(ctx, `insert into attestation (contract, number, kind, effective, source, actor, recorded)
		select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6 from attestation where contract = $1`,
		contract, string(e.Kind), int64(e.Effective), string(e.Source), e.Actor, millis(e.Recorded))
	if err != nil {
		return fmt.Errorf("store the attestation of contract %s: %w", contract, err)
	}
	return nil
}

// entries are those that the audit log gets.
func (c *contractChange) entries() (entries []audit.Entry) {
	add := func(event audit.Event, detail string) {
		entries = append(entries, audit.Entry{Event: event, Contract: c.contract.Number, Detail: detail})
	}
	switch {
	case !c.was.stored:
		add(audit.ContractAdded, c.attestation())
	case c.loses():
		add(audit.ContractUnattested, c.attestation())
	case c.event != nil:
		add(audit.ContractAttested, c.attestation())
	}
	if c.renamed() {
		add(audit.ContractSponsor, fmt.Sprintf("%s, before %s", c.contract.Sponsor, c.was.sponsor))
	}
	return entries
}

// attestation is that of the contract as it will be, for the audit log.
func (c *contractChange) attestation() string {
	text := "not attested"
	if c.contract.HasAttested {
		text = "attested " + c.contract.Attested.String()
	}
	if c.event == nil || c.event.Source != coverage.FromHPMS {
		return text
	}
	if c.loses() {
		text = "lapsed " + c.event.Effective.String()
	}
	return text + ", as HPMS says"
}
