package claimgen

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/population"
	"ab2d/internal/synth/random"
)

// Claim is one ExplanationOfBenefit as both writers see it: they write the
// same codes, dates and providers, each where its version puts them.
type Claim struct {
	coverage.Claim
	key           uint64
	month, slot   int         // its place in the person's life
	Nature        Nature      // whether it is one that must never leave
	Stay          *codes.Stay // that it is a step of, nil for everyday care
	History       History     // of all its versions
	Version       int         // which of them this is, from 0
	Cancelled     bool        // and whether it is still in force
	UpdatedMillis int64       // lastUpdated since 1970

	ID, Group int64
	Control   uint64 // the contractor's claim control number
	Kind      *codes.ClaimType
	Person    *population.Person

	DRG        string // empty for none
	Diagnoses  List[Diagnosis]
	Procedures List[Procedure]
	Lines      List[Line]
	Team       Team
	Lab        bool // lines name the laboratory's CLIA number

	Charge, Allowed, Deductible, Coinsurance, Paid int // cents
}

// List is a slice over an array of its own, so that a claim is reused without
// allocating.
type List[T any] struct {
	All   [24]T
	Count int
}

func (l *List[T]) add(v T) {
	if l.Count < len(l.All) {
		l.All[l.Count] = v
		l.Count++
	}
}

func (l *List[T]) Items() []T { return l.All[:l.Count] }

// Role is what a diagnosis is to its claim.
type Role uint8

const (
	additional Role = iota
	Principal
	Admitting
	ExternalCause // cause of an injury
	VisitReason   // the patient's reason for an outpatient visit
)

type Diagnosis struct {
	codes.Code
	Role    Role
	Present byte // at admission: Y, N, U or W; 0 where it is not told
}

type Procedure struct {
	codes.Code
	Date coverage.Date
}

// Line is an item of a claim. Dates are zero on lines that have none.
type Line struct {
	Service  *codes.Service
	Place    *codes.Code
	From, To coverage.Date
	Units    int
	Charge   int // cents
	Reason   int // position of its diagnosis among the claim's, from 0; professional only
}

// Team is who took part, by NPI; zero where there is none.
type Team struct {
	Referring, Performing                uint64
	Attending, Operating, OtherOperating uint64
	Specialty                            *codes.Code // of the performing provider
	Organization                         population.Organization
}

// Reset makes c the empty claim of its facts.
func (c *Claim) Reset(p *population.Person) {
	c.Person = p
	c.ID, c.Group = claimIDs(p.Index, c.month, c.slot, c.Version)
	c.DRG, c.Team, c.Lab = "", Team{}, false
	c.Diagnoses.Count, c.Procedures.Count, c.Lines.Count = 0, 0, 0
	c.Charge = 0
}

// Detail draws what the facts leave open. All versions of a claim are drawn the
// same, and then changed.
func (c *Claim) Detail(p *population.Person) {
	c.Reset(p)
	r := random.New(c.key, details)
	c.Control = r.Next()
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
	if c.Nature == SubstanceUse { // after all changes, so that none takes it away
		c.treatSubstance(&r)
	}
}

// amend makes of the first version a later one: a line less, a diagnosis more,
// or other units of a service.
func (c *Claim) amend() {
	for v := 1; v <= c.Version; v++ {
		r := random.New(random.Derive(c.key, changes), uint64(v))
		switch kind := r.Below(3); {
		case kind == 0 && c.Lines.Count > 1:
			c.Lines.Count--
			c.Charge -= c.Lines.All[c.Lines.Count].Charge
		case kind == 1 && c.diagnoseLate(&r):
		default:
			l := &c.Lines.All[r.Below(c.Lines.Count)]
			c.Charge += l.Charge / l.Units
			l.Charge += l.Charge / l.Units
			l.Units++
		}
		c.settle(&r)
	}
}

// diagnoseLate adds a diagnosis that the claim does not have; false when it
// has, or has no diagnoses at all.
func (c *Claim) diagnoseLate(r *random.Stream) bool {
	before := c.Diagnoses.Count
	if c.Type == coverage.OtherClaim {
		return false
	}
	c.diagnose(codes.Complications[r.Below(len(codes.Complications))], additional)
	if c.Diagnoses.Count == before {
		return false
	}
	if c.Type == coverage.Inpatient {
		c.Diagnoses.All[before].Present = 'Y'
	}
	return true
}

// settle draws what Medicare makes of the charge.
func (c *Claim) settle(r *random.Stream) {
	c.Allowed = c.Charge * r.Between(35, 80) / 100
	c.Deductible = 0
	if r.Chance(120) {
		c.Deductible = min(c.Allowed, r.Between(500, 20_000))
	}
	c.Coinsurance = (c.Allowed - c.Deductible) / 5
	c.Paid = c.Allowed - c.Deductible - c.Coinsurance
}

// diagnose adds a diagnosis, unless the claim already has its code in a role
// that is not told apart by place.
func (c *Claim) diagnose(d codes.Code, as Role) {
	if as == additional {
		for _, had := range c.Diagnoses.Items() {
			if had.Code.Code == d.Code && had.Role != Admitting {
				return
			}
		}
	}
	c.Diagnoses.add(Diagnosis{Code: d, Role: as})
}

// diagnoseMore adds up to n of the person's chronic conditions, from a drawn
// one on, and complications while they do not reach.
func (c *Claim) diagnoseMore(r *random.Stream, n int) {
	p := c.Person
	n += c.Diagnoses.Count
	at := r.Below(codes.ConditionCount)
	for i := 0; i < p.ConditionCount && c.Diagnoses.Count < n; i++ {
		c.diagnose(p.Chronic[(at+i)%p.ConditionCount], additional)
	}
	at = r.Below(len(codes.Complications))
	for i := 0; c.Diagnoses.Count < n && i < len(codes.Complications); i++ {
		c.diagnose(codes.Complications[(at+i)%len(codes.Complications)], additional)
	}
}

// mainReason draws what an encounter is mostly about.
func (c *Claim) mainReason(r *random.Stream) codes.Code {
	p := c.Person
	n := r.Below(100)
	switch {
	case n < 60 && p.ConditionCount > 0:
		return p.Chronic[r.Below(p.ConditionCount)]
	case n < 85:
		return codes.AcuteDiagnoses[r.Below(len(codes.AcuteDiagnoses))]
	}
	return codes.Symptoms[r.Below(len(codes.Symptoms))]
}

// bill adds a line.
func (c *Claim) bill(r *random.Stream, s *codes.Service, l Line) {
	l.Service = s
	l.Units = r.Between(1, s.Units)
	l.Charge = l.Units * s.Charge * r.Between(80, 140) / 100
	c.Charge += l.Charge
	c.Lines.add(l)
}

// day is the date of the i-th of n services spread over the claim's period.
func (c *Claim) day(i, n int) coverage.Date {
	return c.Start + coverage.Date(i*int(c.End-c.Start)/max(1, n-1))
}

// Institutional tells a facility's claim from a doctor's or supplier's.
func (c *Claim) Institutional() bool { return c.Kind.Facility.Code != "" }

// Status tells whether the version is in force.
func (c *Claim) Status() string {
	if c.Cancelled {
		return "cancelled"
	}
	return "active"
}
