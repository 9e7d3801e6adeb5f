package claimgen

import (
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/population"
	"ab2d/internal/synth/random"
)

// lineCounts are the weights of one, two, three ... lines on a carrier claim.
var lineCounts = []uint16{840, 100, 26, 14, 8, 6, 4, 2}

// carrier details a claim of a doctor or of another supplier of services.
func (c *Claim) carrier(r *random.Stream) {
	p := c.Person
	s := drawSetting(r, codes.CarrierSettings[:], p)
	if c.Stay != nil {
		s = &codes.CarrierSettings[codes.AmbulanceSetting]
	}
	c.perform(r, s)
	if s.Specialty != nil || r.Chance(350) {
		c.Team.Referring = population.NPI(population.NPIPerson, p.Home, p.Doctors[0].Number)
	}
	c.Lab = s.Lab
	main := &s.Services[r.Below(len(s.Services))]
	if c.Stay != nil {
		c.diagnose(c.Stay.Admitting, Principal)
	} else {
		c.diagnoseService(r, main, s.Needs)
	}
	c.diagnoseMore(r, r.Between(0, 2))
	n := 1 + r.Pick(lineCounts)
	for i := range n {
		l := Line{Place: s.Place, From: c.day(i, n), To: c.day(i, n), Reason: i % c.Diagnoses.Count}
		switch {
		case i == 0:
			l.To = c.End
			c.bill(r, main, l)
		case i <= len(s.Always):
			c.bill(r, &s.Always[i-1], l)
		default:
			c.bill(r, &s.Services[r.Below(len(s.Services))], l)
		}
	}
}

// perform draws the performing provider of a setting: a supplier, a specialist whose
// number follows the state's pool, or one of the person's doctors.
func (c *Claim) perform(r *random.Stream, s *codes.Setting) {
	p := c.Person
	c.Team.Organization = p.Organization(s.Organization)
	seen := p.Doctor(r)
	switch {
	case s.Specialty == nil:
		c.Team.Performing, c.Team.Specialty = population.NPI(population.NPIPerson, p.Home, seen.Number), seen.Specialty
	case s.Organization == codes.GroupPractice:
		c.Team.Performing, c.Team.Specialty = population.NPI(population.NPIPerson, p.Home, population.DoctorsPerState+c.Team.Organization.N), s.Specialty
	default:
		c.Team.Performing, c.Team.Specialty = c.Team.Organization.NPI(), s.Specialty
	}
}

// drawSetting draws one of the settings that the person's conditions allow.
func drawSetting(r *random.Stream, all []codes.Setting, p *population.Person) *codes.Setting {
	var weights [8]uint16
	for i := range all {
		if p.Condition(all[i].Needs) {
			weights[i] = all[i].Weight
		}
	}
	return &all[r.Pick(weights[:len(all)])]
}

// diagnoseService adds the principal diagnosis: the one that belongs to the service,
// or the condition it is for, or any reason.
func (c *Claim) diagnoseService(r *random.Stream, s *codes.Service, needs int) {
	switch {
	case s.Reason != nil:
		c.diagnose(*s.Reason, Principal)
	case needs != codes.AnyCondition:
		c.diagnose(c.Person.Coded(needs), Principal)
	default:
		c.diagnose(c.mainReason(r), Principal)
	}
}

// dme details a claim for durable medical equipment, sold or rented by the month.
func (c *Claim) dme(r *random.Stream) {
	p := c.Person
	if c.Stay != nil {
		c.equip(c.Stay.Aid.Supplier)
		c.diagnose(c.Stay.AfterCare, Principal)
		c.diagnoseMore(r, r.Between(0, 2))
		c.bill(r, &c.Stay.Aid.Item, Line{Place: &codes.PlaceHome, From: c.Start, To: c.End})
		return
	}
	at := r.Below(len(codes.Equipment))
	for !p.Condition(codes.Equipment[at].Needs) {
		at = (at + 1) % len(codes.Equipment)
	}
	e := &codes.Equipment[at]
	c.equip(e.Supplier)
	if e.Needs == codes.AnyCondition {
		c.diagnose(c.mainReason(r), Principal)
	} else {
		c.diagnose(p.Coded(e.Needs), Principal)
	}
	c.diagnoseMore(r, r.Between(0, 2))
	n := r.Between(1, 2)
	first := r.Below(len(e.Items))
	for i := range n {
		c.bill(r, &e.Items[(first+i)%len(e.Items)], Line{Place: &codes.PlaceHome, From: c.Start, To: c.End})
	}
}

// equip sets the team of a claim for equipment.
func (c *Claim) equip(specialty *codes.Code) {
	p := c.Person
	c.Team.Organization = p.Organization(codes.Supplier)
	c.Team.Performing, c.Team.Specialty = c.Team.Organization.NPI(), specialty
	c.Team.Referring = population.NPI(population.NPIPerson, p.Home, p.Doctors[0].Number)
}
