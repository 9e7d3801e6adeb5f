package synth

import "ab2d/internal/coverage"

// Bounds of what one person has.
const (
	maxDoctors    = 7
	maxConditions = conditionCount
)

// person is what a person's claims are made from.
type person struct {
	index   int
	id      coverage.EnrolleeID
	key     uint64
	female  bool
	band    int // of age
	home    *state
	chronic [maxConditions]code
	count   int    // of chronic conditions
	has     uint32 // a bit a condition
	life    life

	terminal  int // the condition one would die of in hospice care, or anyone
	hospiceAt int // place of hospice care

	doctors     [maxDoctors]doctor // the first is the one seen most
	doctorCount int
	orgs        [orgSorts]int // the organization of each sort that the person goes to

	// perSlot is the chance that one of a month's slots holds a claim, of 65536.
	perSlot uint64
	// perMonth is the chance of a hospital admission in a month, of 65536.
	perMonth int
	types    [coverage.SNF + 1]uint16 // weights of the claim types
}

// doctor is a practitioner of a state's pool.
type doctor struct {
	number    int
	specialty *code
}

// utilisation spreads people's use of care, in 256ths of the mean: 64
// quantiles of a gamma distribution of shape 1.1, so that claim counts are as
// over-dispersed as real ones.
var utilisation = [64]uint64{
	8, 8, 13, 18, 23, 28, 32, 37, 42, 47, 52, 57, 62, 67, 73, 78, 83, 89, 95, 100, 106, 112,
	118, 124, 131, 137, 144, 151, 158, 165, 172, 180, 188, 196, 204, 213, 222, 231, 241, 250,
	260, 271, 283, 294, 306, 319, 333, 347, 362, 378, 396, 414, 434, 456, 481, 507, 537, 572,
	611, 660, 721, 802, 926, 1255,
}

// baseUse brings the mean to about forty-five delivered claims an enrollee over
// the sandbox's years.
const baseUse = 55

// person computes the person of an index into p.
func (s *Source) person(p *person, index int) {
	s.bear(p, index)
	p.drawNetwork()
	p.weighTypes()
}

// bear computes demography, conditions and life of a person, and how much care
// the person uses.
func (s *Source) bear(p *person, index int) {
	*p = person{index: index, id: firstID - coverage.EnrolleeID(index), key: s.personKey(index)}
	r := streamOf(p.key, demography)
	p.female = r.chance(550)
	p.band = r.pick(ageWeights[:])
	p.home = &states[r.pick(stateWeights[:])]
	use := utilisation[r.below(len(utilisation))]
	none := r.chance(40)
	p.drawConditions()
	p.drawLife()
	if !none {
		p.perSlot = min(baseUse*use*uint64(6+2*p.count)/64, 60_000)
		p.perMonth = p.frailty() * int(128+use) / 384
	}
}

// frailty is the chance of a hospital admission in a month at the mean use of
// care, of 65536.
func (p *person) frailty() int {
	f := 150 + 130*p.count
	for _, c := range []int{heartFailure, copd, kidney, cancer} {
		if p.condition(c) {
			f += 420
		}
	}
	if p.band >= age80 {
		f += f / 3
	}
	return f
}

// susceptibility is how prone a tenth of the people is to every condition, in
// thousandths of the mean: some have nearly none, and some have many.
var susceptibility = [10]int{200, 350, 550, 700, 850, 1000, 1150, 1350, 1650, 2100}

// leadsTo are conditions that bring others with them. The cause stands before
// the effect in conditions.
var leadsTo = [...]struct{ cause, effect int }{
	{hypertension, kidney}, {hypertension, heartFailure}, {ischemicHeart, heartFailure}, {diabetes, kidney},
	{kidney, anemia}, {heartFailure, fibrillation}, {hyperlipidemia, ischemicHeart},
}

func (p *person) drawConditions() {
	r := streamOf(p.key, chronic)
	prone := susceptibility[r.below(len(susceptibility))]
	for i := range conditions {
		c := &conditions[i]
		chance := int(c.perMille[p.band]) * prone / 1000
		for _, l := range leadsTo {
			switch {
			case l.effect != i:
			case p.condition(l.cause):
				chance = chance * 6 / 5
			default:
				chance = chance * 4 / 5
			}
		}
		got, variant := r.chance(min(chance, 960)), r.below(len(c.codes))
		if got && (c.sex == 0 || (c.sex == 'F') == p.female) {
			p.chronic[p.count] = c.codes[variant]
			p.count++
			p.has |= 1 << i
		}
	}
}

func (p *person) drawNetwork() {
	r := streamOf(p.key, network)
	p.doctorCount = r.between(3, maxDoctors)
	for i := range p.doctors {
		n := r.below(doctorsPerState)
		of := stream{derive(uint64(p.home.number), uint64(n))}
		p.doctors[i] = doctor{n, &specialties[of.pick(specialtyWeights[:])].code}
	}
	for i := range orgs {
		p.orgs[i] = r.below(orgs[i].count)
	}
}

// condition tells whether the person has a chronic condition.
func (p *person) condition(i int) bool { return i == anyone || p.has&(1<<i) != 0 }

// weighTypes sets the mix of everyday care: carrier-heavy as Medicare's is, and
// shifted by what the person suffers from. Stays are of episodes.
func (p *person) weighTypes() {
	p.types = [...]uint16{
		coverage.Carrier: 7500, coverage.Outpatient: 1750, coverage.DME: 250, coverage.HHA: 30, coverage.SNF: 0,
	}
	if p.condition(diabetes) || p.condition(copd) || p.condition(sleepApnea) {
		p.types[coverage.DME] = 850
	}
	if p.band >= age80 {
		p.types[coverage.HHA] = 120
	}
}

// doctor draws one of the person's doctors, the first in half of the draws.
func (p *person) doctor(r *stream) doctor {
	if r.chance(500) {
		return p.doctors[0]
	}
	return p.doctors[r.below(p.doctorCount)]
}

// doctorsPerState is the size of a state's pool of practitioners.
const doctorsPerState = 2000

// The sorts of organizations.
const (
	groupPractice = iota
	hospital
	nursingFacility
	homeAgency
	hospiceAgency
	supplier
	labCompany
	ambulanceCompany
	xrayCompany
	orgSorts
)

// orgs says, for each sort, how its organizations are named and numbered, and
// how many of them a state has. CCN ranges: CMS, State Operations Manual §2779.
var orgs = [orgSorts]struct {
	name  string
	npi   int // first number of its NPIs
	ccn   int // last four digits of the first CMS certification number
	count int
}{
	groupPractice:    {"SYNTHETIC MEDICAL GROUP ", 0, 0, 300},
	hospital:         {"SYNTHETIC HOSPITAL ", 1000, 1, 40},
	nursingFacility:  {"SYNTHETIC NURSING FACILITY ", 2000, 5000, 60},
	homeAgency:       {"SYNTHETIC HOME HEALTH AGENCY ", 3000, 7000, 40},
	hospiceAgency:    {"SYNTHETIC HOSPICE ", 4000, 1500, 20},
	supplier:         {"SYNTHETIC MEDICAL SUPPLY ", 5000, 0, 40},
	labCompany:       {"SYNTHETIC LABORATORY ", 6000, 0, 10},
	ambulanceCompany: {"SYNTHETIC AMBULANCE ", 6100, 0, 20},
	xrayCompany:      {"SYNTHETIC MOBILE X-RAY ", 6200, 0, 10},
}

// organization is one of a state's organizations.
type organization struct {
	sort int
	n    int
	home *state
}

func (p *person) org(sort int) organization { return organization{sort, p.orgs[sort], p.home} }

func (o organization) npi() uint64 { return npi(npiOrganization, o.home, orgs[o.sort].npi+o.n) }

// name writes the organization's name.
func (o organization) name(w *buffer) {
	w.text(orgs[o.sort].name, o.home.postal, "-")
	w.digits(uint64(o.n+1), 3)
}

// ccn writes the CMS certification number: SSA state code and four digits.
func (o organization) ccn(w *buffer) {
	w.text(o.home.ssa)
	w.digits(uint64(orgs[o.sort].ccn+o.n), 4)
}
