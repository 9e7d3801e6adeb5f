package admin

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/rest"
	"ab2d/internal/store"
)

// Contracts are the contracts and their attestations. Each change appends its
// audit entry in the same transaction.
type Contracts interface {
	// Contract returns export.ErrNoContract if the contract is not stored.
	Contract(ctx context.Context, number string) (coverage.Contract, error)
	// Contracts lists stored contracts and those that only clients name.
	Contracts(ctx context.Context) ([]store.ContractRow, error)
	// PutContracts stores contracts, all or none.
	PutContracts(ctx context.Context, contracts []coverage.Contract, force bool) error
	SetContractEnabled(ctx context.Context, number string, enabled bool) error
	// SetV3 enables or disables version 3 of the API.
	SetV3(ctx context.Context, number string, enabled bool) error
	// SetHPMS says whether HPMS changes the contract.
	SetHPMS(ctx context.Context, number string, enabled bool) error
	// AttestationHistory returns the newest events, most at most, the oldest of them
	// first. It is empty for a contract that is not known.
	AttestationHistory(ctx context.Context, contract string, most int) ([]coverage.AttestationEvent, error)
}

// Contract is a contract as the administration shows it.
type Contract struct {
	Number   string `json:"number"`
	Sponsor  string `json:"sponsor"`
	Attested string `json:"attested,omitempty"` // a date; without it there is no data
	Disabled bool   `json:"disabled"`
	Clients  int    `json:"clients"`
	// V3 tells whether version 3 of the API is enabled. It is missing if nobody has
	// set it: then it is enabled in a sandbox only.
	V3 *bool `json:"v3,omitempty"`
	// HPMS tells whether an import from HPMS changes the contract.
	HPMS bool `json:"hpms"`
	// Stored is false for a contract that only clients name, such as those of
	// synthetic claims.
	Stored bool `json:"stored"`
	// History is what happened to the attestation, the oldest event first. Lists of
	// contracts do not have it.
	History []AttestationEvent `json:"history,omitempty"`
}

// AttestationEvent is what happened to the attestation of a contract.
type AttestationEvent struct {
	Event     coverage.AttestationKind   `json:"event"`           // attested, withdrawn or lapsed
	Effective string                     `json:"effective"`       // a date: of the attestation, or from which there is none
	Source    coverage.AttestationSource `json:"source"`          // operator, file, hpms or migration
	Actor     string                     `json:"actor,omitempty"` // as in the audit log
	Recorded  time.Time                  `json:"recorded"`
}

// ContractFields are the fields of a contract that an operator sets.
type ContractFields struct {
	Sponsor string `json:"sponsor"`
}

// ContractChange is what an operator changes of a contract. What is missing stays.
type ContractChange struct {
	V3   *bool `json:"v3,omitempty"`   // whether version 3 of the API is enabled
	HPMS *bool `json:"hpms,omitempty"` // whether an import from HPMS changes the contract
}

// Attestation is the day on which the sponsor accepted the terms.
type Attestation struct {
	Date string `json:"date,omitempty"` // default: today
}

var sponsorName = regexp.MustCompile(`^[^\x00-\x1f\x7f]{1,100}$`)

func notContract(number string) *rest.Error {
	return rest.InvalidField("contract", "%s is not a capital letter and four digits, for example S1234.", rest.Quoted(number))
}

func noContract(number string) *rest.Error {
	return rest.NotFound("There is no contract %s. Add it with ab2d admin contract add.", number)
}

func contractOf(r store.ContractRow) Contract {
	c := Contract{Number: r.Number, Sponsor: r.Sponsor, Disabled: r.Disabled, Clients: r.Clients, HPMS: !r.Manual, Stored: r.Stored}
	if r.V3.Valid {
		c.V3 = &r.V3.Bool
	}
	if r.HasAttested {
		c.Attested = r.Attested.String()
	}
	return c
}

// Contracts lists all contracts.
func (s *Service) Contracts(ctx context.Context) ([]Contract, error) {
	rows, err := s.store.Contracts(ctx)
	if err != nil {
		return nil, err
	}
	list := []Contract{}
	for _, row := range rows {
		list = append(list, contractOf(row))
	}
	return list, nil
}

// Contract returns a contract, with the history of its attestation.
func (s *Service) Contract(ctx context.Context, number string) (Contract, error) {
	if !coverage.ValidContractNumber(number) {
		return Contract{}, notContract(number)
	}
	list, err := s.Contracts(ctx)
	if err != nil {
		return Contract{}, err
	}
	i := slices.IndexFunc(list, func(c Contract) bool { return c.Number == number })
	if i < 0 {
		return Contract{}, noContract(number)
	}
	history, err := s.store.AttestationHistory(ctx, number, maxListed)
	if err != nil {
		return Contract{}, err
	}
	c := list[i]
	for _, e := range history {
		c.History = append(c.History, AttestationEvent{Event: e.Kind, Effective: e.Effective.String(), Source: e.Source, Actor: e.Actor, Recorded: e.Recorded})
	}
	return c, nil
}

// PutContract adds a contract, or changes its sponsor. A new contract has no
// attestation.
func (s *Service) PutContract(ctx context.Context, number string, f ContractFields) (Contract, error) {
	if !coverage.ValidContractNumber(number) {
		return Contract{}, notContract(number)
	}
	if !sponsorName.MatchString(f.Sponsor) {
		return Contract{}, rest.InvalidField("sponsor", "give 1 to 100 characters on one line.")
	}
	c, err := s.store.Contract(ctx, number)
	if err != nil && !errors.Is(err, export.ErrNoContract) {
		return Contract{}, err
	}
	c.Number, c.Sponsor = number, f.Sponsor
	return s.storeContract(ctx, c)
}

// ChangeContract changes a contract, from the next request on.
func (s *Service) ChangeContract(ctx context.Context, number string, f ContractChange) (Contract, error) {
	c, err := s.Contract(ctx, number)
	if err != nil {
		return c, err
	}
	if f.V3 != nil {
		if err := s.store.SetV3(ctx, number, *f.V3); err != nil {
			return Contract{}, err
		}
	}
	if f.HPMS != nil {
		if err := s.store.SetHPMS(ctx, number, *f.HPMS); err != nil {
			return Contract{}, err
		}
	}
	return s.Contract(ctx, number)
}

func (s *Service) storeContract(ctx context.Context, c coverage.Contract) (Contract, error) {
	if err := s.store.PutContracts(ctx, []coverage.Contract{c}, false); err != nil {
		return Contract{}, err
	}
	return s.Contract(ctx, c.Number)
}

// storedContract finds a contract whose attestation is stored here.
func (s *Service) storedContract(ctx context.Context, number string) (coverage.Contract, error) {
	if !coverage.ValidContractNumber(number) {
		return coverage.Contract{}, notContract(number)
	}
	c, err := s.store.Contract(ctx, number)
	if errors.Is(err, export.ErrNoContract) {
		return c, noContract(number)
	}
	return c, err
}

// Attest records that the sponsor accepted the terms for a contract.
func (s *Service) Attest(ctx context.Context, number string, at Attestation) (Contract, error) {
	if at.Date == "" {
		at.Date = s.now().UTC().Format(time.DateOnly)
	}
	day, err := coverage.ParseDay(at.Date)
	if err != nil || day.Time().After(s.now()) {
		return Contract{}, rest.InvalidField("date", "%s is not a past day of the form YYYY-MM-DD.", rest.Quoted(at.Date))
	}
	c, err := s.storedContract(ctx, number)
	if err != nil {
		return Contract{}, err
	}
	c.Attested, c.HasAttested = day, true
	return s.storeContract(ctx, c)
}

// Unattest removes the attestation of a contract, which then gets no data.
func (s *Service) Unattest(ctx context.Context, number string, dryRun bool) (Effect, error) {
	c, err := s.storedContract(ctx, number)
	if err != nil {
		return Effect{}, err
	}
	text := fmt.Sprintf("remove the attestation of contract %s of %s, which then gets no data", c.Number, c.Sponsor)
	return apply(dryRun, text, func() error {
		c.Attested, c.HasAttested = 0, false
		return s.store.PutContracts(ctx, []coverage.Contract{c}, true)
	})
}

// SetContractEnabled enables or disables all clients of a contract, from their
// next request on.
func (s *Service) SetContractEnabled(ctx context.Context, number string, enabled, dryRun bool) (Effect, error) {
	c, err := s.Contract(ctx, number)
	if err != nil {
		return Effect{}, err
	}
	text := fmt.Sprintf("%s contract %s with %s", enableOrDisable(enabled), c.Number, counted(c.Clients, "client"))
	return apply(dryRun, text, func() error { return s.store.SetContractEnabled(ctx, c.Number, enabled) })
}
