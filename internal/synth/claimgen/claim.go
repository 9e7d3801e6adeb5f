package claimgen

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/population"
	"ab2d/internal/synth/random"
)

// Claim is the content of one ExplanationOfBenefit, independent of the version of
// FHIR. Facts are set first; Detail draws the rest.
type Claim struct {
	coverage.Claim
	key           uint64
	month, slot   int         // its position in the person's life
	Nature        Nature      // why it must not be delivered
	Stay          *codes.Stay // the stay it belongs to; nil for everyday care
	History       History     // of all its versions
	Version       int         // which of them this is, from 0
	Canceled      bool        // whether it is canceled or replaced
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

// List is a list in an array of its own, so that a claim can be reused without
// allocating. It drops what does not fit.
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

// Items returns the elements. The slice is valid until the list changes.
func (l *List[T]) Items() []T { return l.All[:l.Count] }

// Role is the role of a diagnosis on its claim.
type Role uint8

// Roles of diagnoses.
const (
	additional Role = iota
	Principal
	Admitting
	ExternalCause // cause of an injury
	VisitReason   // the patient's reason for an outpatient visit
)

// Diagnosis is a diagnosis of a claim, an ICD-10-CM code.
type Diagnosis struct {
	codes.Code
	Role    Role
	Present byte // at admission: Y, N, U or W; 0 if there is no indicator
}

// Procedure is a procedure of a claim, an ICD-10-PCS code.
type Procedure struct {
	codes.Code
	Date coverage.Date
}

// Line is a line of a claim. Its dates are zero if it has none.
type Line struct {
	Service  *codes.Service
	Place    *codes.Code
	From, To coverage.Date
	Units    int
	Charge   int // cents
	Reason   int // index of its diagnosis on the claim; only on professional claims
}

// Team is the care team by NPI. An NPI is zero if there is none.
type Team struct {
	Referring, Performing                uint64
	Attending, Operating, OtherOperating uint64
	Specialty                            *codes.Code // of the performing provider
	Organization                         population.Organization
}

// Reset removes the details of c and keeps its facts.
func (c *Claim) Reset(p *population.Person) {
	c.Person = p
	c.ID, c.Group = claimIDs(p.Index, c.month, c.slot, c.Version)
	c.DRG, c.Team, c.Lab = "", Team{}, false
	c.Diagnoses.Count, c.Procedures.Count, c.Lines.Count = 0, 0, 0
	c.Charge = 0
}

// Detail draws everything that the facts leave open. All versions of a claim are
// drawn alike and then changed.
func (c *Claim) Detail(p *population.Person) {
	p.DrawNetwork()
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
	if c.Nature == SubstanceUse { // after all changes, so that no change removes it
		c.treatSubstance(&r)
	}
}

// amend turns the first version into a later one: a line less, a diagnosis more, or
// other units of a service.
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

// diagnoseLate adds a diagnosis. It returns false if the claim already has it, or
// has no diagnoses at all.
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

// settle draws what Medicare allows and pays of the charge.
func (c *Claim) settle(r *random.Stream) {
	c.Allowed = c.Charge * r.Between(35, 80) / 100
	c.Deductible = 0
	if r.Chance(120) {
		c.Deductible = min(c.Allowed, r.Between(500, 20_000))
	}
	c.Coinsurance = (c.Allowed - c.Deductible) / 5
	c.Paid = c.Allowed - c.Deductible - c.Coinsurance
}

// diagnose adds a diagnosis. It adds no additional diagnosis whose code the claim
// already has, except as the admitting diagnosis.
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

// diagnoseMore adds n diagnoses: chronic conditions of the person from a drawn one
// on, and then complications.
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

// mainReason draws the main reason for an encounter.
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

// day returns the date of the i-th of n services, spread over the claim's period.
func (c *Claim) day(i, n int) coverage.Date {
	return c.Start + coverage.Date(i*int(c.End-c.Start)/max(1, n-1))
}

// Institutional reports whether a facility billed the claim, not a doctor or supplier.
func (c *Claim) Institutional() bool { return c.Kind.Facility.Code != "" }

// Loaded returns the day on which the version was loaded.
func (c *Claim) Loaded() coverage.Date { return coverage.Date(c.UpdatedMillis / DayMillis) }

// Status returns the FHIR status: active, or canceled if the version is not in force.
func (c *Claim) Status() string {
	if c.Canceled {
		return "cancelled"
	}
	return "active"
}
