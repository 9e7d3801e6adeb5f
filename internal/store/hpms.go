package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
)

// UpstreamContract is what HPMS says of a contract.
type UpstreamContract struct {
	Number    string
	Sponsor   string // the name of the organization
	Statement coverage.Statement
}

// SyncOptions says how what HPMS says is stored.
type SyncOptions struct {
	DryRun bool // only tell what would change
	Force  bool // also if more contracts lapse than MaxLapse allows
	// MaxLapse is how many of the attested contracts may lapse at once, in percent from
	// 0 to 100.
	MaxLapse float64
	// SetAside are contracts of which HPMS says something that cannot be used. They stay
	// as they are, and are not absent.
	SetAside []string
}

// LapseError says that more contracts would lapse at once than is allowed. Nothing was
// stored.
type LapseError struct {
	Contracts []string // that would lapse, in order
	Attested  int      // contracts that are attested now and that HPMS may change
	MaxLapse  float64  // percent
}

// Error names the first ten of the contracts.
func (e *LapseError) Error() string {
	const most = 10
	shown, more := e.Contracts, ""
	if len(shown) > most {
		shown, more = shown[:most], fmt.Sprintf(" and %d more", len(e.Contracts)-most)
	}
	return fmt.Sprintf("%d of %d attested contracts would lapse at once, and %g %% is allowed: %v%s", len(e.Contracts), e.Attested, e.MaxLapse, shown, more)
}

// ContractChange is what changes of a contract.
type ContractChange struct {
	Contract string
	Kind     ContractChangeKind
	Before   coverage.Contract // the zero value for a new one
	After    coverage.Contract
}

// ContractChangeKind counts a contract once. Of a contract with two changes, the later
// constant counts.
type ContractChangeKind string

// The kinds of changes.
const (
	ContractChanged  ContractChangeKind = "changed" // another sponsor, another day, or attested for the first time
	ContractReturned ContractChangeKind = "returned"
	ContractLapsed   ContractChangeKind = "lapsed"
	ContractNew      ContractChangeKind = "new"
)

// SyncResult is what HPMS's answer changes. Each contract of the answer is in Changes,
// or counted in one of the numbers.
type SyncResult struct {
	Changes   []ContractChange // in the order of the contracts
	Unchanged int
	Silent    int // without a status; their attestation stays. They are counted elsewhere, too.
	Manual    int // of which HPMS changes nothing
	// Held are contracts that HPMS says are attested, but whose attestation an operator
	// withdrew.
	Held []string
	// Absent are contracts that are attested, and of which HPMS says nothing at all. They
	// stay as they are.
	Absent []string
}

// Count tells how many contracts changed in one way.
func (r *SyncResult) Count(k ContractChangeKind) (n int) {
	for _, c := range r.Changes {
		if c.Kind == k {
			n++
		}
	}
	return n
}

// SyncContracts stores what HPMS says of contracts, all of it or nothing, with events of
// their histories and audit entries. A contract may be in the list once. Contracts that
// are not in it stay as they are. It returns *LapseError, with the result, if too many
// contracts would lapse. Storing the same again changes nothing.
func (db *DB) SyncContracts(ctx context.Context, list []UpstreamContract, o SyncOptions) (SyncResult, error) {
	var result SyncResult
	err := db.tx(ctx, func(tx *sql.Tx) error {
		result = SyncResult{}
		if err := db.alone(ctx, tx, contractsLock); err != nil {
			return err
		}
		stored, err := syncStates(ctx, tx)
		if err != nil {
			return fmt.Errorf("read the contracts: %w", err)
		}
		changes := db.planSync(ctx, stored, list, &result)
		result.Absent = absent(stored, list, o.SetAside)
		if err := guardLapse(changes, stored, &o); err != nil {
			return err
		}
		if o.DryRun {
			return nil
		}
		return db.applyContracts(ctx, tx, changes)
	})
	if err != nil {
		return result, fmt.Errorf("store the contracts of HPMS: %w", err)
	}
	return result, nil
}

// syncState is a contract as it is stored, and whether HPMS may change it.
type syncState struct {
	contractState
	manual bool
}

// syncStates reads all contracts that are stored or that HPMS must not touch.
func syncStates(ctx context.Context, tx *sql.Tx) (map[string]syncState, error) {
	rows, err := tx.QueryContext(ctx, `select n.number, c.number is not null, coalesce(c.sponsor, ''),
		exists (select 1 from contract_manual m where m.number = n.number), a.kind, a.effective, a.source, a.actor, a.recorded
		from (select number from contract union select number from contract_manual) n left join contract c on c.number = n.number `+lastAttestation)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]syncState{}
	for rows.Next() {
		var number string
		var s syncState
		var kind, source, actor sql.NullString
		var effective, recorded sql.NullInt64
		if err := rows.Scan(&number, &s.stored, &s.sponsor, &s.manual, &kind, &effective, &source, &actor, &recorded); err != nil {
			return nil, err
		}
		s.last = eventFrom(kind, effective, source, actor, recorded)
		all[number] = s
	}
	return all, rows.Err()
}

// planSync decides what changes, and counts it.
func (db *DB) planSync(ctx context.Context, stored map[string]syncState, list []UpstreamContract, r *SyncResult) (changes []contractChange) {
	for _, u := range list {
		was := stored[u.Number]
		if was.manual {
			r.Manual++
			continue
		}
		if !u.Statement.Known {
			r.Silent++
		}
		c := contractChange{contract: was.contract(u.Number), was: was.contractState}
		c.contract.Sponsor = u.Sponsor
		kind := db.state(ctx, &c, u.Statement)
		switch {
		case !was.stored:
			kind = ContractNew
		case kind == "" && c.renamed():
			kind = ContractChanged
		}
		if u.Statement.Effect(was.last) == coverage.AttestationHeld {
			r.Held = append(r.Held, u.Number)
		} else if kind == "" {
			r.Unchanged++
		}
		if kind == "" {
			continue
		}
		change := ContractChange{Contract: u.Number, Kind: kind, After: c.contract}
		if was.stored {
			change.Before = was.contract(u.Number)
		}
		r.Changes = append(r.Changes, change)
		changes = append(changes, c)
	}
	slices.SortFunc(r.Changes, func(a, b ContractChange) int { return cmp.Compare(a.Contract, b.Contract) })
	slices.Sort(r.Held)
	return changes
}

// state applies a statement to the attestation of a contract, and gives what it changes;
// "" for nothing.
func (db *DB) state(ctx context.Context, c *contractChange, s coverage.Statement) (kind ContractChangeKind) {
	e := db.newEvent(ctx, coverage.FromHPMS)
	e.Kind, e.Effective = coverage.AttestationGiven, s.Day
	switch s.Effect(c.was.last) {
	case coverage.AttestationStays, coverage.AttestationHeld:
		return ""
	case coverage.AttestationFirst, coverage.AttestationMoves:
		kind = ContractChanged
	case coverage.AttestationReturns:
		kind = ContractReturned
	case coverage.AttestationLapses:
		kind, e.Kind = ContractLapsed, coverage.AttestationLapsed
	}
	c.event = &e
	c.contract.Attested, c.contract.HasAttested = coverage.Attestation([]coverage.AttestationEvent{e})
	return kind
}

// absent gives the contracts that are attested, and of which HPMS says nothing.
func absent(stored map[string]syncState, list []UpstreamContract, setAside []string) (numbers []string) {
	said := map[string]bool{}
	for _, u := range list {
		said[u.Number] = true
	}
	for _, number := range setAside {
		said[number] = true
	}
	for number, s := range stored {
		if _, attested := s.attested(); attested && !s.manual && !said[number] {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// guardLapse returns *LapseError if too many contracts would lapse at once.
func guardLapse(changes []contractChange, stored map[string]syncState, o *SyncOptions) error {
	e := &LapseError{MaxLapse: o.MaxLapse}
	for i := range changes {
		if changes[i].loses() {
			e.Contracts = append(e.Contracts, changes[i].contract.Number)
		}
	}
	for _, s := range stored {
		if _, attested := s.attested(); attested && !s.manual {
			e.Attested++
		}
	}
	if o.Force || float64(len(e.Contracts))*100 <= o.MaxLapse*float64(e.Attested) {
		return nil
	}
	slices.Sort(e.Contracts)
	return e
}

// SetHPMS says whether HPMS changes a contract. It does by default.
func (db *DB) SetHPMS(ctx context.Context, number string, enabled bool) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		statement, detail := `delete from contract_manual where number = $1`, "enabled"
		if !enabled {
			statement, detail = `insert into contract_manual (number) values ($1) on conflict (number) do nothing`, "disabled"
		}
		if err := db.alone(ctx, tx, contractsLock); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, statement, number); err != nil {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.ContractHPMS, Contract: number, Detail: detail})
	})
	if err != nil {
		return fmt.Errorf("change contract %s: %w", number, err)
	}
	return nil
}
