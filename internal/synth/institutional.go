package synth

import "ab2d/internal/coverage"

// attend fills the team of an institutional claim.
func (c *claim) attend(r *stream, sort int) {
	p := c.person
	c.team.org = p.org(sort)
	c.team.attending = npi(npiPerson, p.home, p.doctor(r).number)
	if r.chance(500) {
		c.team.performing = npi(npiPerson, p.home, p.doctor(r).number)
	}
	if c.procedures.count > 0 {
		c.team.operating = npi(npiPerson, p.home, r.below(doctorsPerState))
		if r.chance(250) {
			c.team.otherOperating = npi(npiPerson, p.home, r.below(doctorsPerState))
		}
	}
}

// outpatient details a hospital's outpatient claim.
func (c *claim) outpatient(r *stream) {
	s := drawSetting(r, clinics[:], c.person)
	if c.stay != nil {
		s = &clinics[0]
	}
	main := &s.services[r.below(len(s.services))]
	if c.stay != nil {
		c.diagnose(c.stay.after, principal)
	} else {
		c.diagnoseService(r, main, s.needs)
	}
	c.diagnoseMore(r, r.between(0, 5))
	if r.chance(400) {
		c.diagnoses.add(diagnosis{code: symptoms[r.below(len(symptoms))], role: visit})
	}
	if main.betos == betosColon && r.chance(300) {
		c.procedures.add(procedure{colonoscopy, c.Start})
	}
	c.attend(r, hospital)
	n := r.between(1, 4) + len(s.always)
	for i := range n {
		l := line{from: c.day(i, n)}
		switch {
		case i < len(s.always):
			c.bill(r, &s.always[i], l)
		case i == len(s.always):
			c.bill(r, main, l)
		default:
			c.bill(r, &s.services[r.below(len(s.services))], l)
		}
	}
}

// inpatient details a hospital stay.
func (c *claim) inpatient(r *stream) {
	s := c.stay
	if s == nil { // only where the stay itself does not matter
		s = &stays[r.below(len(stays))]
	}
	c.drg = s.drg
	c.diagnose(s.admitting, admitting)
	c.diagnose(s.principal, principal)
	c.diagnoseMore(r, r.between(4, 14))
	if s.injury {
		c.diagnoses.add(diagnosis{code: fall, role: external})
	}
	for i := range c.diagnoses.items() {
		c.diagnoses.all[i].present = presentAtAdmission(r, c.diagnoses.all[i].role)
	}
	for i, p := range s.procedures {
		if i == 0 || r.chance(400) {
			c.procedures.add(procedure{p, c.Start + coverage.Date(r.below(int(c.End-c.Start)+1))})
		}
	}
	c.attend(r, hospital)
	for range r.between(3, 9) {
		c.bill(r, &hospitalDrugs[r.below(len(hospitalDrugs))], line{})
	}
	c.charge += (int(c.End-c.Start) + 1) * r.between(250_000, 900_000)
}

// presentAtAdmission draws a present-on-admission indicator. The admitting
// diagnosis has none.
func presentAtAdmission(r *stream, as role) byte {
	n := r.below(100)
	switch {
	case as == admitting:
		return 0
	case as == principal || n < 82:
		return 'Y'
	case n < 95:
		return 'N'
	case n < 98:
		return 'U'
	}
	return 'W'
}

// snf details a stay in a skilled nursing facility, billed by the month.
func (c *claim) snf(r *stream) {
	c.drg = c.stay.drg
	c.diagnose(c.stay.after, admitting)
	c.diagnose(c.stay.after, principal)
	c.diagnoseMore(r, r.between(4, 10))
	c.attend(r, nursingFacility)
	for range r.between(2, 6) {
		c.bill(r, &nursingServices[r.below(len(nursingServices))], line{})
	}
	c.charge += (int(c.End-c.Start) + 1) * r.between(40_000, 70_000)
}

// hha details thirty days of home health care.
func (c *claim) hha(r *stream) {
	if c.stay != nil {
		c.diagnose(c.stay.after, principal)
	} else {
		c.diagnose(c.mainReason(r), principal)
	}
	c.diagnoseMore(r, r.between(4, 9))
	c.attend(r, homeAgency)
	n := r.between(4, 14)
	for i := range n {
		c.bill(r, &homeServices[r.below(len(homeServices))], line{from: c.day(i, n)})
	}
}

// hospice details hospice care within a calendar month: the place of care
// for its days, then visits.
func (c *claim) hospice(r *stream) {
	c.diagnose(c.person.coded(c.person.terminal), principal)
	c.diagnoseMore(r, r.between(1, 6))
	c.attend(r, hospiceAgency)
	place := &hospicePlaces[c.person.hospiceAt]
	days := int(c.End-c.Start) + 1
	charge := days * place.charge
	c.lines.add(line{service: place, from: c.Start, units: days, charge: charge})
	c.charge += charge
	n := r.between(3, 9)
	for i := range n {
		c.bill(r, &hospiceVisits[r.below(len(hospiceVisits))], line{from: c.day(i, n)})
	}
}
