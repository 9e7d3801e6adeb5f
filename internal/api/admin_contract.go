package api

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// AdminContract is a contract as the administration shows it.
type AdminContract struct {
	Number   string `json:"number"`
	Sponsor  string `json:"sponsor"`
	Attested string `json:"attested,omitempty"` // a date; without it there is no data
	Disabled bool   `json:"disabled"`
	Clients  int    `json:"clients"`
	// Stored is false for a contract that only clients name here, as those of
	// synthetic claims.
	Stored bool `json:"stored"`
}

// AdminSponsor is a sponsor: the name that its contracts say.
type AdminSponsor struct {
	Name      string   `json:"name"`
	Contracts []string `json:"contracts"`
	Disabled  int      `json:"disabled"` // contracts
	Clients   int      `json:"clients"`
}

// ContractFields are what an administrator sets of a contract.
type ContractFields struct {
	Sponsor string `json:"sponsor"`
}

// Attestation is the day on which the sponsor accepted the terms.
type Attestation struct {
	Date string `json:"date,omitempty"` // by default today
}

var sponsorName = regexp.MustCompile(`^[^\x00-\x1f\x7f]{1,100}$`)

func notContract(number string) *refusal {
	return invalidField("contract", "%s is not a capital letter and four digits, for example S1234.", shown(number))
}

func contractOf(r store.ContractRow) AdminContract {
	c := AdminContract{Number: r.Number, Sponsor: r.Sponsor, Disabled: r.Disabled, Clients: r.Clients, Stored: r.Stored}
	if r.HasAttested {
		c.Attested = r.Attested.String()
	}
	return c
}

func adminContracts(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	rows, err := a.Admin.DB.Contracts(r.Context())
	if err != nil {
		return err
	}
	list := []AdminContract{}
	for _, row := range rows {
		list = append(list, contractOf(row))
	}
	return answer(w, http.StatusOK, list)
}

// findContract finds the contract that the path names.
func (a *API) findContract(r *http.Request) (AdminContract, error) {
	number := r.PathValue("contract")
	if !coverage.ValidContractNumber(number) {
		return AdminContract{}, notContract(number)
	}
	rows, err := a.Admin.DB.Contracts(r.Context())
	if err != nil {
		return AdminContract{}, err
	}
	for _, row := range rows {
		if row.Number == number {
			return contractOf(row), nil
		}
	}
	return AdminContract{}, notFound("There is no contract %s: ab2d admin contract add makes one.", number)
}

func adminContract(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	c, err := a.findContract(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, c)
}

// adminPutContract makes a contract, or gives it another sponsor. It has no
// attestation by that.
func adminPutContract(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	number := r.PathValue("contract")
	if !coverage.ValidContractNumber(number) {
		return notContract(number)
	}
	var f ContractFields
	if err := readJSON(r, &f); err != nil {
		return err
	}
	if !sponsorName.MatchString(f.Sponsor) {
		return invalidField("sponsor", "it has 1 to 100 characters on one line.")
	}
	c, err := a.Admin.DB.Contract(r.Context(), number)
	if err != nil && !errors.Is(err, export.ErrNoContract) {
		return err
	}
	c.Number, c.Sponsor = number, f.Sponsor
	return a.putContract(w, r, c, false)
}

func (a *API) putContract(w http.ResponseWriter, r *http.Request, c coverage.Contract, force bool) error {
	if err := a.Admin.DB.PutContracts(r.Context(), []coverage.Contract{c}, force); err != nil {
		return err
	}
	return adminContract(a, w, r, call{})
}

// storedContract finds a contract whose attestation is kept here.
func (a *API) storedContract(r *http.Request) (coverage.Contract, error) {
	number := r.PathValue("contract")
	if !coverage.ValidContractNumber(number) {
		return coverage.Contract{}, notContract(number)
	}
	c, err := a.Admin.DB.Contract(r.Context(), number)
	if errors.Is(err, export.ErrNoContract) {
		return c, notFound("There is no contract %s here: ab2d admin contract add makes one.", number)
	}
	return c, err
}

func adminAttest(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	var at Attestation
	if err := readJSON(r, &at); err != nil {
		return err
	}
	if at.Date == "" {
		at.Date = a.Now().UTC().Format(time.DateOnly)
	}
	day, err := coverage.ParseDay(at.Date)
	if err != nil || day.Time().After(a.Now()) {
		return invalidField("date", "%s is not a past day of the form YYYY-MM-DD.", shown(at.Date))
	}
	c, err := a.storedContract(r)
	if err != nil {
		return err
	}
	c.Attested, c.HasAttested = day, true
	return a.putContract(w, r, c, false)
}

func adminUnattest(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	c, err := a.storedContract(r)
	if err != nil {
		return err
	}
	return effect(w, r, fmt.Sprintf("take the attestation of contract %s of %s away: it gets no data any more", c.Number, c.Sponsor), func() error {
		c.Attested, c.HasAttested = 0, false
		return a.Admin.DB.PutContracts(r.Context(), []coverage.Contract{c}, true)
	})
}

func adminContractSwitch(enabled bool) handler {
	return func(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
		c, err := a.findContract(r)
		if err != nil {
			return err
		}
		return effect(w, r, switched(enabled, c), func() error { return a.Admin.DB.SetContractEnabled(r.Context(), c.Number, enabled) })
	}
}

func switched(enabled bool, c AdminContract) string {
	if enabled {
		return fmt.Sprintf("enable contract %s with %d clients", c.Number, c.Clients)
	}
	return fmt.Sprintf("disable contract %s: its %d clients are kept out", c.Number, c.Clients)
}

func (a *API) sponsors(r *http.Request) ([]*AdminSponsor, error) {
	rows, err := a.Admin.DB.Contracts(r.Context())
	if err != nil {
		return nil, err
	}
	list, byName := []*AdminSponsor{}, map[string]*AdminSponsor{}
	for _, row := range rows {
		s := byName[row.Sponsor]
		if row.Sponsor == "" {
			continue
		}
		if s == nil {
			s = &AdminSponsor{Name: row.Sponsor}
			byName[row.Sponsor] = s
			list = append(list, s)
		}
		s.Contracts = append(s.Contracts, row.Number)
		s.Clients += row.Clients
		if row.Disabled {
			s.Disabled++
		}
	}
	return list, nil
}

func adminSponsors(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	list, err := a.sponsors(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, list)
}

// adminSponsorSwitch lets all clients of all of a sponsor's contracts in, or
// keeps them out.
func adminSponsorSwitch(enabled bool) handler {
	return func(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
		list, err := a.sponsors(r)
		if err != nil {
			return err
		}
		for _, s := range list {
			if s.Name != r.PathValue("name") {
				continue
			}
			verb := "disable"
			if enabled {
				verb = "enable"
			}
			return effect(w, r, fmt.Sprintf("%s %s: contracts %v with %d clients", verb, s.Name, s.Contracts, s.Clients), func() error {
				for _, number := range s.Contracts {
					if err := a.Admin.DB.SetContractEnabled(r.Context(), number, enabled); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return refuse(http.StatusNotFound, fhir.CodeNotFound, "There is no sponsor of this name: ab2d admin sponsor list has them.")
	}
}
