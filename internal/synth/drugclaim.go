package synth

// drug details a Part D event: one fill of one drug.
func (c *claim) drug(r *stream) {
	c.team.org = c.person.org(supplier)
	c.team.performing = c.team.org.npi()
	c.team.referring = npi(npiPerson, c.person.home, c.person.doctor(r).number)
	c.bill(r, &drugs[r.below(len(drugs))], line{from: c.Start, to: c.End})
}
