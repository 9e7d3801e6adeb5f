package synth

// organizationName writes the organization's name.
func (w *buffer) organizationName(o organization) {
	w.text(orgs[o.sort].name, o.home.postal, "-")
	w.digits(uint64(o.n+1), 3)
}

// ccn writes the CMS certification number: SSA state code and four digits.
func (w *buffer) ccn(o organization) {
	w.text(o.home.ssa)
	w.digits(uint64(orgs[o.sort].ccn+o.n), 4)
}
