package claimgen

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/random"
)

// Nature says why a claim must never be delivered. Only ordinary claims may be
// delivered. The others exist so that every filter has something to reject.
type Nature uint8

// Natures of claims.
const (
	Ordinary       Nature = iota
	PartD                 // a prescription drug event
	SubstanceUse          // treatment of substance use, 42 CFR Part 2
	UnknownPatient        // of a patient who is in no roster
	NoPeriodEnd           // without the end of its billable period
	SharedSystem          // not of the National Claims History; only in version 3
)

// drawNature draws the nature of a claim. 33 of a thousand are not ordinary.
func drawNature(r *random.Stream) Nature {
	switch n := r.Below(1000); {
	case n < 20:
		return PartD
	case n < 28:
		return SubstanceUse
	case n < 31:
		return UnknownPatient
	case n < 33:
		return NoPeriodEnd
	}
	return Ordinary
}

// typeOf returns the type of a claim of this nature whose drawn type is t.
func (n Nature) typeOf(r *random.Stream, t coverage.ClaimType) coverage.ClaimType {
	switch {
	case n == PartD:
		return coverage.OtherClaim
	case n == SubstanceUse && r.Chance(200):
		return coverage.Inpatient
	}
	return t
}

// treatSubstance makes a claim one of substance-use treatment. Only one thing says
// so: a diagnosis, a service, a procedure or a DRG. Each must be enough to reject it.
func (c *Claim) treatSubstance(r *random.Stream) {
	stay, which := c.Type == coverage.Inpatient, r.Below(3)
	switch {
	case stay && which == 0:
		c.DRG = codes.SubstanceDRG
	case stay && which == 1:
		c.Procedures.add(Procedure{codes.Detoxification, c.Start})
	case !stay && which == 0:
		c.Lines.All[r.Below(c.Lines.Count)].Service = &codes.SubstanceServices[r.Below(len(codes.SubstanceServices))]
	default:
		d := Diagnosis{Code: codes.SubstanceUse[r.Below(len(codes.SubstanceUse))], Role: additional}
		if stay {
			d.Present = 'Y'
		}
		c.Diagnoses.add(d)
	}
}

// strangers is the first of the ids that no roster has. The claims of each person
// use one of their own.
const strangers coverage.EnrolleeID = -20_000_000_000_000
