package population

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/random"
)

// Limits for one person.
const (
	maxDoctors    = 7
	maxConditions = codes.ConditionCount
)

// Person holds what the claims of one person are made from.
type Person struct {
	Index          int
	ID             coverage.EnrolleeID
	PatientV3      int64 // the number of the patient in version 3 of the API
	Key            uint64
	Female         bool
	AgeBand        int // of age
	Home           *codes.State
	Chronic        [maxConditions]codes.Code
	ConditionCount int    // number of chronic conditions
	has            uint32 // one bit for each condition
	Life           Life

	Terminal  int // the condition to die of in hospice care, or codes.AnyCondition
	HospiceAt int // index of the place of hospice care

	// Doctors and organizations are there after DrawNetwork.
	Doctors     [maxDoctors]Doctor // the first is the one the person sees most often
	doctorCount int
	orgs        [codes.OrganizationKinds]int // the organization of each kind that the person goes to

	// perSlot is the chance that one of a month's slots holds a claim, of 65536.
	PerSlot uint64
	// perMonth is the chance of a hospital admission in a month, of 65536.
	PerMonth int
	Types    [coverage.SNF + 1]uint16 // weights of the claim types
}

// Doctor is a practitioner of a state's pool.
type Doctor struct {
	Number    int
	Specialty *codes.Code
}

// utilization spreads people's use of care, in 256ths of the mean: 64
// quantiles of a gamma distribution of shape 1.1, so that claim counts vary
// as much as real ones.
var utilization = [64]uint64{
	8, 8, 13, 18, 23, 28, 32, 37, 42, 47, 52, 57, 62, 67, 73, 78, 83, 89, 95, 100, 106, 112,
	118, 124, 131, 137, 144, 151, 158, 165, 172, 180, 188, 196, 204, 213, 222, 231, 241, 250,
	260, 271, 283, 294, 306, 319, 333, 347, 362, 378, 396, 414, 434, 456, 481, 507, 537, 572,
	611, 660, 721, 802, 926, 1255,
}

// baseUse sets the mean to about forty-five delivered claims for each enrollee over
// the years of the sandbox.
const baseUse = 55

// Person computes the person with an index into p, without the doctors and
// organizations: they are drawn when a claim needs them.
func (s *Population) Person(p *Person, index int) {
	s.Demographics(p, index)
	p.weighTypes()
}

// Demographics computes the demography, conditions and life of a person, and
// how much care the person uses. It leaves out providers and claim types.
func (s *Population) Demographics(p *Person, index int) {
	*p = Person{Index: index, ID: idOf(index), PatientV3: patientV3(index), Key: s.personKey(index)}
	r := random.New(p.Key, demography)
	p.Female = r.Chance(550)
	p.AgeBand = r.Pick(codes.AgeWeights[:])
	p.Home = &codes.States[r.Pick(codes.StateWeights[:])]
	use := utilization[r.Below(len(utilization))]
	none := r.Chance(40)
	p.drawConditions()
	p.drawLife()
	if !none {
		p.PerSlot = min(baseUse*use*uint64(6+2*p.ConditionCount)/64, 60_000)
		p.PerMonth = p.frailty() * int(128+use) / 384
	}
}

// frailty returns the chance of a hospital admission in a month at the mean use of
// care, of 65536.
func (p *Person) frailty() int {
	f := 150 + 130*p.ConditionCount
	for _, c := range []int{codes.HeartFailure, codes.COPD, codes.KidneyDisease, codes.Cancer} {
		if p.Condition(c) {
			f += 420
		}
	}
	if p.AgeBand >= codes.Age80 {
		f += f / 3
	}
	return f
}

// susceptibility is how likely each tenth of the people is to have a condition, in
// thousandths of the mean. Some people have nearly no conditions, and some have many.
var susceptibility = [10]int{200, 350, 550, 700, 850, 1000, 1150, 1350, 1650, 2100}

// leadsTo are conditions that make others more likely. In codes.Conditions a cause
// comes before its effect.
var leadsTo = [...]struct{ cause, effect int }{
	{codes.Hypertension, codes.KidneyDisease}, {codes.Hypertension, codes.HeartFailure}, {codes.IschemicHeart, codes.HeartFailure}, {codes.Diabetes, codes.KidneyDisease},
	{codes.KidneyDisease, codes.Anemia}, {codes.HeartFailure, codes.AtrialFibrillation}, {codes.Hyperlipidemia, codes.IschemicHeart},
}

func (p *Person) drawConditions() {
	r := random.New(p.Key, chronic)
	prone := susceptibility[r.Below(len(susceptibility))]
	for i := range codes.Conditions {
		c := &codes.Conditions[i]
		chance := int(c.PerMille[p.AgeBand]) * prone / 1000
		for _, l := range leadsTo {
			switch {
			case l.effect != i:
			case p.Condition(l.cause):
				chance = chance * 6 / 5
			default:
				chance = chance * 4 / 5
			}
		}
		got, variant := r.Chance(min(chance, 960)), r.Below(len(c.Codes))
		if got && (c.Sex == 0 || (c.Sex == 'F') == p.Female) {
			p.Chronic[p.ConditionCount] = c.Codes[variant]
			p.ConditionCount++
			p.has |= 1 << i
		}
	}
}

// DrawNetwork draws the doctors and organizations that the person goes to, unless they
// have been drawn.
func (p *Person) DrawNetwork() {
	if p.doctorCount > 0 {
		return
	}
	r := random.New(p.Key, network)
	p.doctorCount = r.Between(3, maxDoctors)
	for i := range p.Doctors {
		n := r.Below(DoctorsPerState)
		of := random.Stream{State: random.Derive(uint64(p.Home.Number), uint64(n))}
		p.Doctors[i] = Doctor{n, &codes.Specialties[of.Pick(codes.SpecialtyWeights[:])].Code}
	}
	for i := range codes.Organizations {
		p.orgs[i] = r.Below(codes.Organizations[i].Count)
	}
}

// Condition reports whether the person has a chronic condition. Everybody has
// codes.AnyCondition.
func (p *Person) Condition(i int) bool { return i == codes.AnyCondition || p.has&(1<<i) != 0 }

// Coded returns the diagnosis code of a condition. The person must have it.
func (p *Person) Coded(condition int) codes.Code {
	at := 0
	for i := range condition {
		if p.has&(1<<i) != 0 {
			at++
		}
	}
	return p.Chronic[at]
}

// weighTypes sets the mix of claim types of everyday care. It is carrier-heavy, as
// Medicare's is, and depends on the person's conditions. Stays belong to episodes.
func (p *Person) weighTypes() {
	p.Types = [...]uint16{
		coverage.Carrier: 7500, coverage.Outpatient: 1750, coverage.DME: 250, coverage.HHA: 30, coverage.SNF: 0,
	}
	if p.Condition(codes.Diabetes) || p.Condition(codes.COPD) || p.Condition(codes.SleepApnea) {
		p.Types[coverage.DME] = 850
	}
	if p.AgeBand >= codes.Age80 {
		p.Types[coverage.HHA] = 120
	}
}

// Doctor draws one of the person's doctors, the first in half of the draws.
func (p *Person) Doctor(r *random.Stream) Doctor {
	if r.Chance(500) {
		return p.Doctors[0]
	}
	return p.Doctors[r.Below(p.doctorCount)]
}

// Specialty returns the specialty of one of the person's doctors by NPI, and nil for
// anybody else.
func (p *Person) Specialty(npi uint64) *codes.Code {
	for i := range p.Doctors {
		if d := &p.Doctors[i]; npi == NPI(NPIPerson, p.Home, d.Number) {
			return d.Specialty
		}
	}
	return nil
}

// DoctorsPerState is the number of practitioners in a state's pool.
const DoctorsPerState = 2000

// Organization is one of a state's organizations.
type Organization struct {
	Kind int
	N    int
	Home *codes.State
}

// Organization returns the organization of a kind that the person goes to.
func (p *Person) Organization(sort int) Organization { return Organization{sort, p.orgs[sort], p.Home} }

// NPI returns the NPI of the organization.
func (o Organization) NPI() uint64 {
	return NPI(npiOrganization, o.Home, codes.Organizations[o.Kind].NPI+o.N)
}
