package synth

// drugs are what Part D events are about. Their national drug codes have
// labeler 99999, which FDA gives to nobody; the comments name the kind.
var drugs = [...]service{
	{"99999010130", nil, 90, 15, nil},  // a statin
	{"99999010230", nil, 90, 12, nil},  // an ACE inhibitor
	{"99999010390", nil, 180, 8, nil},  // metformin
	{"99999010405", nil, 3, 9500, nil}, // insulin
	{"99999010560", nil, 60, 950, nil}, // an anticoagulant
	{"99999010601", nil, 1, 6200, nil}, // an inhaler
}

// drug details a Part D event: one fill of one drug.
func (c *claim) drug(r *stream) {
	c.team.org = c.person.org(supplier)
	c.team.performing = c.team.org.npi()
	c.team.referring = npi(npiPerson, c.person.home, c.person.doctor(r).number)
	c.bill(r, &drugs[r.below(len(drugs))], line{from: c.Start, to: c.End})
}

const ndcSystem = "http://hl7.org/fhir/sid/ndc"

// drugHead writes what a Part D event has in common with other claims, after
// meta and up to its period.
func (c *claim) drugHead(w *buffer, types string, of code, use string) {
	w.text(`"identifier":[{"system":"` + variable + `pde_id","value":"`)
	w.number(c.id)
	w.text(`"},{"system":"` + bluebutton + `identifier/claim-group","value":"`)
	w.number(c.group)
	w.text(`"}],"status":"`, c.status(), `","type":{"coding":[`)
	w.coding(bluebutton+"codesystem/eob-type", code{c.kind.eob, ""})
	w.coding(types, of)
	w.end(`]},`)
	w.text(use, `"patient":{"reference":"Patient/`)
	w.number(int64(c.Patient))
	w.text(`"},`)
	c.writePeriod(w, false)
}

// r4Drug writes a Part D event after its meta. It is only ever written raw.
func (c *claim) r4Drug(w *buffer) {
	c.drugHead(w, terminology+"claim-type", c.kind.r4Type, `"use":"claim",`)
	w.text(`"created":"`)
	w.instant(c.millis)
	w.text(`","insurer":{"identifier":{"value":"CMS"}},"provider":{"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(c.team.performing, 10)
	w.text(`"}},"outcome":"complete","careTeam":[`)
	w.r4Member(1, c.team.referring)
	w.r4Role(carin+"CodeSystem/C4BBClaimCareTeamRole", code{"prescribing", "Prescribing provider"})
	w.text(`}],`)
	c.r4Insurance(w)
	l := &c.lines.all[0]
	w.text(`"item":[{"sequence":1,"productOrService":{"coding":[`)
	w.coding(ndcSystem, code{l.service.hcpcs, ""})
	w.end(`]},"servicedDate":"`)
	w.date(l.from)
	w.text(`","quantity":{"value":`)
	w.number(int64(l.units))
	w.text(`}`)
	w.end(`}]`)
	c.r4Payment(w)
	w.text("}\n")
}

// stu3Drug does the same in version 1.
func (c *claim) stu3Drug(w *buffer) {
	c.drugHead(w, "http://hl7.org/fhir/ex-claimtype", c.kind.stu3Type, "")
	w.text(`"organization":{`)
	c.stu3Org(w)
	w.text(`},"careTeam":[`)
	w.stu3Member(2, c.team.referring, primaryProvider)
	w.end(`],`)
	c.stu3Insurance(w)
	l := &c.lines.all[0]
	w.text(`"item":[{"sequence":1,"service":{"coding":[`)
	w.coding(ndcSystem, code{l.service.hcpcs, ""})
	w.end(`]},"servicedDate":"`)
	w.date(l.from)
	w.text(`","quantity":{"value":`)
	w.number(int64(l.units))
	w.text(`}`)
	w.end(`}]`)
	c.stu3Payment(w)
	w.text("}\n")
}
