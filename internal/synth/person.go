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

// utilization spreads people's use of care, in 256ths of the mean: 64
// quantiles of a gamma distribution of shape 1.1, so that claim counts are as
// over-dispersed as real ones.
var utilization = [64]uint64{
	8, 8, 13, 18, 23, 28, 32, 37, 42, 47, 52, 57, 62, 67, 73, 78, 83, 89, 95, 100, 106, 112,
	118, 124, 131, 137, 144, 151, 158, 165, 172, 180, 188, 196, 204, 213, 222, 231, 241, 250,
	260, 271, 283, 294, 306, 319, 333, 347, 362, 378, 396, 414, 434, 456, 481, 507, 537, 572,
	611, 660, 721, 802, 926, 1255,
}

// baseUse brings the mean to about forty-five delivered claims an enrollee over
// the sandbox's years.
const baseUse = 55

// person computes the person of an index into p.
func (s *Population) person(p *person, index int) {
	s.demographics(p, index)
	p.drawNetwork()
	p.weighTypes()
}

// demographics computes the demography, conditions and life of a person, and
// how much care the person uses. It leaves out providers and claim types.
func (s *Population) demographics(p *person, index int) {
	*p = person{index: index, id: idOf(index), key: s.personKey(index)}
	r := streamOf(p.key, demography)
	p.female = r.chance(550)
	p.band = r.pick(ageWeights[:])
	p.home = &states[r.pick(stateWeights[:])]
	use := utilization[r.below(len(utilization))]
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

// coded is how the person's condition is coded. The person must have it.
func (p *person) coded(condition int) code {
	at := 0
	for i := range condition {
		if p.has&(1<<i) != 0 {
			at++
		}
	}
	return p.chronic[at]
}

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

// organization is one of a state's organizations.
type organization struct {
	sort int
	n    int
	home *state
}

func (p *person) org(sort int) organization { return organization{sort, p.orgs[sort], p.home} }

func (o organization) npi() uint64 { return npi(npiOrganization, o.home, orgs[o.sort].npi+o.n) }
