package claimgen

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/random"
)

// Nature says what is the matter with a claim. All but the ordinary ones must
// never leave: they are there so that every filter has something to filter.
type Nature uint8

const (
	Ordinary       Nature = iota
	PartD                 // a prescription drug event
	SubstanceUse          // treatment of substance use, 42 CFR Part 2
	UnknownPatient        // of a person whom no roster knows
	NoPeriodEnd           // without the end of its billable period
)

// drawNature draws what is the matter: with 33 claims of a thousand something.
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

// typeOf is the type of a claim of this nature, of which the draw was t.
func (n Nature) typeOf(r *random.Stream, t coverage.ClaimType) coverage.ClaimType {
	switch {
	case n == PartD:
		return coverage.OtherClaim
	case n == SubstanceUse && r.Chance(200):
		return coverage.Inpatient
	}
	return t
}

// treatSubstance makes a claim one of substance-use treatment, by a diagnosis,
// a service, a procedure or a DRG alone: each of them must be enough.
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

// strangers are ids that no roster has; each stands behind the person among
// whose claims it was put.
const strangers coverage.EnrolleeID = -20_000_000_000_000
