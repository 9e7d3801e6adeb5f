package admin

import (
	"context"
	"fmt"

	"ab2d/internal/rest"
)

// Sponsor is a sponsor: contracts that have the same sponsor's name.
type Sponsor struct {
	Name      string   `json:"name"`
	Contracts []string `json:"contracts"`
	Disabled  int      `json:"disabled"` // contracts
	Clients   int      `json:"clients"`
}

// Sponsors lists the sponsors.
func (s *Service) Sponsors(ctx context.Context) ([]*Sponsor, error) {
	rows, err := s.store.Contracts(ctx)
	if err != nil {
		return nil, err
	}
	list, byName := []*Sponsor{}, map[string]*Sponsor{}
	for _, row := range rows {
		if row.Sponsor == "" {
			continue
		}
		p := byName[row.Sponsor]
		if p == nil {
			p = &Sponsor{Name: row.Sponsor}
			byName[row.Sponsor] = p
			list = append(list, p)
		}
		p.Contracts = append(p.Contracts, row.Number)
		p.Clients += row.Clients
		if row.Disabled {
			p.Disabled++
		}
	}
	return list, nil
}

// SetSponsorEnabled enables or disables all clients of all contracts of a
// sponsor, from their next request on.
func (s *Service) SetSponsorEnabled(ctx context.Context, name string, enabled, dryRun bool) (Effect, error) {
	list, err := s.Sponsors(ctx)
	if err != nil {
		return Effect{}, err
	}
	for _, p := range list {
		if p.Name != name {
			continue
		}
		text := fmt.Sprintf("%s %s: contracts %v with %s", enableOrDisable(enabled), p.Name, p.Contracts, counted(p.Clients, "client"))
		return apply(dryRun, text, func() error {
			for _, number := range p.Contracts {
				if err := s.store.SetContractEnabled(ctx, number, enabled); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return Effect{}, rest.NotFound("There is no sponsor of this name. List the sponsors with ab2d admin sponsor list.")
}
