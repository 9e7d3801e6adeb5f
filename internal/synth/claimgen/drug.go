package claimgen

import (
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/population"
	"ab2d/internal/synth/random"
)

// drug details a Part D event: one fill of one drug.
func (c *Claim) drug(r *random.Stream) {
	c.Team.Organization = c.Person.Organization(codes.Supplier)
	c.Team.Performing = c.Team.Organization.NPI()
	c.Team.Referring = population.NPI(population.NPIPerson, c.Person.Home, c.Person.Doctor(r).Number)
	c.bill(r, &codes.Drugs[r.Below(len(codes.Drugs))], Line{From: c.Start, To: c.End})
}
