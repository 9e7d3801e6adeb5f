package synth

import "ab2d/internal/coverage"

// claim is one ExplanationOfBenefit as both writers see it: they write the
// same codes, dates and providers, each where its version puts them.
type claim struct {
	coverage.Claim
	key         uint64
	month, slot int     // its place in the person's life
	nature      nature  // whether it is one that must never leave
	stay        *stay   // that it is a step of, nil for everyday care
	history     history // of all its versions
	version     int     // which of them this is, from 0
	cancelled   bool    // and whether it is still in force
	millis      int64   // lastUpdated since 1970

	id, group int64
	control   uint64 // the contractor's claim control number
	kind      *claimType
	person    *person

	drg        string // empty for none
	diagnoses  list[diagnosis]
	procedures list[procedure]
	lines      list[line]
	team       team
	lab        bool // lines name the laboratory's CLIA number

	charge, allowed, deductible, coinsurance, paid int // cents
}

// list is a slice over an array of its own, so that a claim is reused without
// allocating.
type list[T any] struct {
	all   [24]T
	count int
}

func (l *list[T]) add(v T) {
	if l.count < len(l.all) {
		l.all[l.count] = v
		l.count++
	}
}

func (l *list[T]) items() []T { return l.all[:l.count] }

// role is what a diagnosis is to its claim.
type role uint8

const (
	additional role = iota
	principal
	admitting
	external // cause of an injury
	visit    // the patient's reason for an outpatient visit
)

type diagnosis struct {
	code
	role    role
	present byte // at admission: Y, N, U or W; 0 where it is not told
}

type procedure struct {
	code
	date coverage.Date
}

// line is an item of a claim. Dates are zero on lines that have none.
type line struct {
	service  *service
	place    *code
	from, to coverage.Date
	units    int
	charge   int // cents
	reason   int // position of its diagnosis among the claim's, from 0; professional only
}

// team is who took part, by NPI; zero where there is none.
type team struct {
	referring, performing                uint64
	attending, operating, otherOperating uint64
	specialty                            *code // of the performing provider
	org                                  organization
}

// reset makes c the empty claim of its facts.
func (c *claim) reset(p *person) {
	c.person = p
	c.id, c.group = claimIDs(p.index, c.month, c.slot, c.version)
	c.drg, c.team, c.lab = "", team{}, false
	c.diagnoses.count, c.procedures.count, c.lines.count = 0, 0, 0
	c.charge = 0
}

// detail draws what the facts leave open. All versions of a claim are drawn the
// same, and then changed.
func (c *claim) detail(p *person) {
	c.reset(p)
	r := streamOf(c.key, details)
	c.control = r.next()
	switch c.Type {
	case coverage.OtherClaim:
		c.drug(&r)
	case coverage.Carrier:
		c.carrier(&r)
	case coverage.DME:
		c.dme(&r)
	case coverage.Inpatient:
		c.inpatient(&r)
	case coverage.Outpatient:
		c.outpatient(&r)
	case coverage.SNF:
		c.snf(&r)
	case coverage.HHA:
		c.hha(&r)
	case coverage.Hospice:
		c.hospice(&r)
	}
	c.settle(&r)
	c.amend()
	if c.nature == substance { // after all changes, so that none takes it away
		c.treatSubstance(&r)
	}
}

// amend makes of the first version a later one: a line less, a diagnosis more,
// or other units of a service.
func (c *claim) amend() {
	for v := 1; v <= c.version; v++ {
		r := streamOf(derive(c.key, changes), uint64(v))
		switch kind := r.below(3); {
		case kind == 0 && c.lines.count > 1:
			c.lines.count--
			c.charge -= c.lines.all[c.lines.count].charge
		case kind == 1 && c.diagnoseLate(&r):
		default:
			l := &c.lines.all[r.below(c.lines.count)]
			c.charge += l.charge / l.units
			l.charge += l.charge / l.units
			l.units++
		}
		c.settle(&r)
	}
}

// diagnoseLate adds a diagnosis that the claim does not have; false when it
// has, or has no diagnoses at all.
func (c *claim) diagnoseLate(r *stream) bool {
	before := c.diagnoses.count
	if c.Type == coverage.OtherClaim {
		return false
	}
	c.diagnose(complications[r.below(len(complications))], additional)
	if c.diagnoses.count == before {
		return false
	}
	if c.Type == coverage.Inpatient {
		c.diagnoses.all[before].present = 'Y'
	}
	return true
}

// settle draws what Medicare makes of the charge.
func (c *claim) settle(r *stream) {
	c.allowed = c.charge * r.between(35, 80) / 100
	c.deductible = 0
	if r.chance(120) {
		c.deductible = min(c.allowed, r.between(500, 20_000))
	}
	c.coinsurance = (c.allowed - c.deductible) / 5
	c.paid = c.allowed - c.deductible - c.coinsurance
}

// diagnose adds a diagnosis, unless the claim already has its code in a role
// that is not told apart by place.
func (c *claim) diagnose(d code, as role) {
	if as == additional {
		for _, had := range c.diagnoses.items() {
			if had.code.code == d.code && had.role != admitting {
				return
			}
		}
	}
	c.diagnoses.add(diagnosis{code: d, role: as})
}

// diagnoseMore adds up to n of the person's chronic conditions, from a drawn
// one on, and complications while they do not reach.
func (c *claim) diagnoseMore(r *stream, n int) {
	p := c.person
	n += c.diagnoses.count
	at := r.below(conditionCount)
	for i := 0; i < p.count && c.diagnoses.count < n; i++ {
		c.diagnose(p.chronic[(at+i)%p.count], additional)
	}
	at = r.below(len(complications))
	for i := 0; c.diagnoses.count < n && i < len(complications); i++ {
		c.diagnose(complications[(at+i)%len(complications)], additional)
	}
}

// mainReason draws what an encounter is mostly about.
func (c *claim) mainReason(r *stream) code {
	p := c.person
	n := r.below(100)
	switch {
	case n < 60 && p.count > 0:
		return p.chronic[r.below(p.count)]
	case n < 85:
		return acute[r.below(len(acute))]
	}
	return symptoms[r.below(len(symptoms))]
}

// bill adds a line.
func (c *claim) bill(r *stream, s *service, l line) {
	l.service = s
	l.units = r.between(1, s.units)
	l.charge = l.units * s.charge * r.between(80, 140) / 100
	c.charge += l.charge
	c.lines.add(l)
}

// day is the date of the i-th of n services spread over the claim's period.
func (c *claim) day(i, n int) coverage.Date {
	return c.Start + coverage.Date(i*int(c.End-c.Start)/max(1, n-1))
}

// institutional tells a facility's claim from a doctor's or supplier's.
func (c *claim) institutional() bool { return c.kind.facility.code != "" }

// status tells whether the version is in force.
func (c *claim) status() string {
	if c.cancelled {
		return "cancelled"
	}
	return "active"
}
