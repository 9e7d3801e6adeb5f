package synth

// lineCounts are the weights of one, two, three ... lines on a carrier claim.
var lineCounts = []uint16{840, 100, 26, 14, 8, 6, 4, 2}

// carrier details a claim of a doctor or of another supplier of services.
func (c *claim) carrier(r *stream) {
	p := c.person
	s := drawSetting(r, visits[:], p)
	if c.stay != nil {
		s = &visits[ambulance]
	}
	c.perform(r, s)
	if s.specialty != nil || r.chance(350) {
		c.team.referring = npi(npiPerson, p.home, p.doctors[0].number)
	}
	c.lab = s.lab
	main := &s.services[r.below(len(s.services))]
	if c.stay != nil {
		c.diagnose(c.stay.admitting, principal)
	} else {
		c.diagnoseService(r, main, s.needs)
	}
	c.diagnoseMore(r, r.between(0, 2))
	n := 1 + r.pick(lineCounts)
	for i := range n {
		l := line{place: s.place, from: c.day(i, n), to: c.day(i, n), reason: i % c.diagnoses.count}
		switch {
		case i == 0:
			l.to = c.End
			c.bill(r, main, l)
		case i <= len(s.always):
			c.bill(r, &s.always[i-1], l)
		default:
			c.bill(r, &s.services[r.below(len(s.services))], l)
		}
	}
}

// perform draws the performing provider of a setting: a supplier, a specialist
// from the numbers after the state's pool, or one of the person's doctors.
func (c *claim) perform(r *stream, s *setting) {
	p := c.person
	c.team.org = p.org(s.org)
	seen := p.doctor(r)
	switch {
	case s.specialty == nil:
		c.team.performing, c.team.specialty = npi(npiPerson, p.home, seen.number), seen.specialty
	case s.org == groupPractice:
		c.team.performing, c.team.specialty = npi(npiPerson, p.home, doctorsPerState+c.team.org.n), s.specialty
	default:
		c.team.performing, c.team.specialty = c.team.org.npi(), s.specialty
	}
}

// drawSetting draws one of the settings that the person's conditions allow.
func drawSetting(r *stream, all []setting, p *person) *setting {
	var weights [8]uint16
	for i := range all {
		if p.condition(all[i].needs) {
			weights[i] = all[i].weight
		}
	}
	return &all[r.pick(weights[:len(all)])]
}

// diagnoseService gives the claim its principal diagnosis: what the service
// brings with it, or the condition it is for, or any reason.
func (c *claim) diagnoseService(r *stream, s *service, needs int) {
	switch {
	case s.reason != nil:
		c.diagnose(*s.reason, principal)
	case needs != anyone:
		c.diagnose(c.person.coded(needs), principal)
	default:
		c.diagnose(c.mainReason(r), principal)
	}
}

// dme details a claim for durable medical equipment, sold or by the month.
func (c *claim) dme(r *stream) {
	p := c.person
	if c.stay != nil {
		c.equip(c.stay.aid.supplier)
		c.diagnose(c.stay.after, principal)
		c.diagnoseMore(r, r.between(0, 2))
		c.bill(r, &c.stay.aid.item, line{place: &placeHome, from: c.Start, to: c.End})
		return
	}
	at := r.below(len(equipment))
	for !p.condition(equipment[at].needs) {
		at = (at + 1) % len(equipment)
	}
	e := &equipment[at]
	c.equip(e.supplier)
	if e.needs == anyone {
		c.diagnose(c.mainReason(r), principal)
	} else {
		c.diagnose(p.coded(e.needs), principal)
	}
	c.diagnoseMore(r, r.between(0, 2))
	n := r.between(1, 2)
	first := r.below(len(e.items))
	for i := range n {
		c.bill(r, &e.items[(first+i)%len(e.items)], line{place: &placeHome, from: c.Start, to: c.End})
	}
}

// equip fills the team of a claim for equipment.
func (c *claim) equip(specialty *code) {
	p := c.person
	c.team.org = p.org(supplier)
	c.team.performing, c.team.specialty = c.team.org.npi(), specialty
	c.team.referring = npi(npiPerson, p.home, p.doctors[0].number)
}
