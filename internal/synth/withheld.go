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

// Codes of substance-use treatment, which only claims of that nature have:
// ICD-10-CM (NCHS), ICD-10-PCS and HCPCS Level II (CMS).
var (
	substanceUse = [...]code{
		{"F1020", "ALCOHOL DEPENDENCE, UNCOMPLICATED"},
		{"F1120", "OPIOID DEPENDENCE, UNCOMPLICATED"},
		{"F1121", "OPIOID DEPENDENCE, IN REMISSION"},
		{"F1310", "SEDATIVE, HYPNOTIC OR ANXIOLYTIC ABUSE, UNCOMPLICATED"},
		{"F1420", "COCAINE DEPENDENCE, UNCOMPLICATED"},
		{"F1910", "OTHER PSYCHOACTIVE SUBSTANCE ABUSE, UNCOMPLICATED"},
	}
	detoxification    = code{"HZ2ZZZZ", "DETOXIFICATION SERVICES FOR SUBSTANCE ABUSE TREATMENT"}
	substanceServices = [...]service{
		{"G2067", nil, 1, 21_000, nil},  // medication assisted treatment, methadone, a week
		{"G2068", nil, 1, 26_000, nil},  // the same, buprenorphine
		{"G2086", nil, 1, 38_000, nil},  // office-based treatment of opioid use, first month
		{"H0015", nil, 1, 16_000, nil},  // intensive outpatient treatment
		{"J0571", nil, 4, 1_300, nil},   // buprenorphine
		{"Q9991", nil, 1, 165_000, nil}, // buprenorphine extended-release
	}
)

// substanceDRG is alcohol, drug abuse or dependence without rehabilitation
// therapy, without a major complication.
const substanceDRG = "897"

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
