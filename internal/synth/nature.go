package synth

import "ab2d/internal/coverage"

// nature says what is the matter with a claim. All but the ordinary ones must
// never leave: they are there so that every filter has something to filter.
type nature uint8

const (
	ordinary  nature = iota
	partD            // a prescription drug event
	substance        // treatment of substance use, 42 CFR Part 2
	stranger         // of a person whom no roster knows
	endless          // without the end of its billable period
)

// drawNature draws what is the matter: with 33 claims of a thousand something.
func drawNature(r *stream) nature {
	switch n := r.below(1000); {
	case n < 20:
		return partD
	case n < 28:
		return substance
	case n < 31:
		return stranger
	case n < 33:
		return endless
	}
	return ordinary
}

// typeOf is the type of a claim of this nature, of which the draw was t.
func (n nature) typeOf(r *stream, t coverage.ClaimType) coverage.ClaimType {
	switch {
	case n == partD:
		return coverage.OtherClaim
	case n == substance && r.chance(200):
		return coverage.Inpatient
	}
	return t
}

// treatSubstance makes a claim one of substance-use treatment, by a diagnosis,
// a service, a procedure or a DRG alone: each of them must be enough.
func (c *claim) treatSubstance(r *stream) {
	stay, which := c.Type == coverage.Inpatient, r.below(3)
	switch {
	case stay && which == 0:
		c.drg = substanceDRG
	case stay && which == 1:
		c.procedures.add(procedure{detoxification, c.Start})
	case !stay && which == 0:
		c.lines.all[r.below(c.lines.count)].service = &substanceServices[r.below(len(substanceServices))]
	default:
		d := diagnosis{code: substanceUse[r.below(len(substanceUse))], role: additional}
		if stay {
			d.present = 'Y'
		}
		c.diagnoses.add(d)
	}
}

// strangers are ids that no roster has; each stands behind the person among
// whose claims it was put.
const strangers coverage.EnrolleeID = -20_000_000_000_000
