package claimgen

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/population"
	"ab2d/internal/synth/random"
)

// attend sets the team of an institutional claim.
func (c *Claim) attend(r *random.Stream, sort int) {
	p := c.Person
	c.Team.Organization = p.Organization(sort)
	c.Team.Attending = population.NPI(population.NPIPerson, p.Home, p.Doctor(r).Number)
	if r.Chance(500) {
		c.Team.Performing = population.NPI(population.NPIPerson, p.Home, p.Doctor(r).Number)
	}
	if c.Procedures.Count > 0 {
		c.Team.Operating = population.NPI(population.NPIPerson, p.Home, r.Below(population.DoctorsPerState))
		if r.Chance(250) {
			c.Team.OtherOperating = population.NPI(population.NPIPerson, p.Home, r.Below(population.DoctorsPerState))
		}
	}
}

// outpatient details a hospital's outpatient claim.
func (c *Claim) outpatient(r *random.Stream) {
	s := drawSetting(r, codes.OutpatientSettings[:], c.Person)
	if c.Stay != nil {
		s = &codes.OutpatientSettings[0]
	}
	main := &s.Services[r.Below(len(s.Services))]
	if c.Stay != nil {
		c.diagnose(c.Stay.AfterCare, Principal)
	} else {
		c.diagnoseService(r, main, s.Needs)
	}
	c.diagnoseMore(r, r.Between(0, 5))
	if r.Chance(400) {
		c.Diagnoses.add(Diagnosis{Code: codes.Symptoms[r.Below(len(codes.Symptoms))], Role: VisitReason})
	}
	if main.BETOS == codes.BETOSColon && r.Chance(300) {
		c.Procedures.add(Procedure{codes.Colonoscopy, c.Start})
	}
	c.attend(r, codes.Hospital)
	n := r.Between(1, 4) + len(s.Always)
	for i := range n {
		l := Line{From: c.day(i, n)}
		switch {
		case i < len(s.Always):
			c.bill(r, &s.Always[i], l)
		case i == len(s.Always):
			c.bill(r, main, l)
		default:
			c.bill(r, &s.Services[r.Below(len(s.Services))], l)
		}
	}
}

// inpatient details a hospital stay.
func (c *Claim) inpatient(r *random.Stream) {
	s := c.Stay
	if s == nil { // only on claims that are never delivered
		s = &codes.Stays[r.Below(len(codes.Stays))]
	}
	c.DRG = s.DRG
	c.diagnose(s.Admitting, Admitting)
	c.diagnose(s.Principal, Principal)
	c.diagnoseMore(r, r.Between(4, 14))
	if s.Injury {
		c.Diagnoses.add(Diagnosis{Code: codes.Fall, Role: ExternalCause})
	}
	for i := range c.Diagnoses.Items() {
		c.Diagnoses.All[i].Present = presentAtAdmission(r, c.Diagnoses.All[i].Role)
	}
	for i, p := range s.Procedures {
		if i == 0 || r.Chance(400) {
			c.Procedures.add(Procedure{p, c.Start + coverage.Date(r.Below(int(c.End-c.Start)+1))})
		}
	}
	c.attend(r, codes.Hospital)
	for range r.Between(3, 9) {
		c.bill(r, &codes.HospitalDrugs[r.Below(len(codes.HospitalDrugs))], Line{})
	}
	c.Charge += (int(c.End-c.Start) + 1) * r.Between(250_000, 900_000)
}

// presentAtAdmission draws a present-on-admission indicator. The admitting
// diagnosis has none.
func presentAtAdmission(r *random.Stream, as Role) byte {
	n := r.Below(100)
	switch {
	case as == Admitting:
		return 0
	case as == Principal || n < 82:
		return 'Y'
	case n < 95:
		return 'N'
	case n < 98:
		return 'U'
	}
	return 'W'
}

// snf details a stay in a skilled nursing facility, billed by the month.
func (c *Claim) snf(r *random.Stream) {
	c.DRG = c.Stay.DRG
	c.diagnose(c.Stay.AfterCare, Admitting)
	c.diagnose(c.Stay.AfterCare, Principal)
	c.diagnoseMore(r, r.Between(4, 10))
	c.attend(r, codes.NursingFacility)
	for range r.Between(2, 6) {
		c.bill(r, &codes.NursingServices[r.Below(len(codes.NursingServices))], Line{})
	}
	c.Charge += (int(c.End-c.Start) + 1) * r.Between(40_000, 70_000)
}

// hha details thirty days of home health care.
func (c *Claim) hha(r *random.Stream) {
	if c.Stay != nil {
		c.diagnose(c.Stay.AfterCare, Principal)
	} else {
		c.diagnose(c.mainReason(r), Principal)
	}
	c.diagnoseMore(r, r.Between(4, 9))
	c.attend(r, codes.HomeAgency)
	n := r.Between(4, 14)
	for i := range n {
		c.bill(r, &codes.HomeServices[r.Below(len(codes.HomeServices))], Line{From: c.day(i, n)})
	}
}

// hospice details hospice care within a calendar month: the place of care
// for its days, then visits.
func (c *Claim) hospice(r *random.Stream) {
	c.diagnose(c.Person.Coded(c.Person.Terminal), Principal)
	c.diagnoseMore(r, r.Between(1, 6))
	c.attend(r, codes.HospiceAgency)
	place := &codes.HospicePlaces[c.Person.HospiceAt]
	days := int(c.End-c.Start) + 1
	charge := days * place.Charge
	c.Lines.add(Line{Service: place, From: c.Start, Units: days, Charge: charge})
	c.Charge += charge
	n := r.Between(3, 9)
	for i := range n {
		c.bill(r, &codes.HospiceVisits[r.Below(len(codes.HospiceVisits))], Line{From: c.day(i, n)})
	}
}
