package synth

const ndcSystem = "http://hl7.org/fhir/sid/ndc"

// drugHead writes what a Part D event has in common with other claims, after
// meta and up to its period.
func (w *buffer) drugHead(c *claim, types string, of code, use string) {
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
	w.writePeriod(c, false)
}

// r4Drug writes a Part D event after its meta. It is only ever written raw.
func (w *buffer) r4Drug(c *claim) {
	w.drugHead(c, terminology+"claim-type", c.kind.r4Type, `"use":"claim",`)
	w.text(`"created":"`)
	w.instant(c.millis)
	w.text(`","insurer":{"identifier":{"value":"CMS"}},"provider":{"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(c.team.performing, 10)
	w.text(`"}},"outcome":"complete","careTeam":[`)
	w.r4Member(1, c.team.referring)
	w.r4Role(carin+"CodeSystem/C4BBClaimCareTeamRole", code{"prescribing", "Prescribing provider"})
	w.text(`}],`)
	w.r4Insurance(c)
	l := &c.lines.all[0]
	w.text(`"item":[{"sequence":1,"productOrService":{"coding":[`)
	w.coding(ndcSystem, code{l.service.hcpcs, ""})
	w.end(`]},"servicedDate":"`)
	w.date(l.from)
	w.text(`","quantity":{"value":`)
	w.number(int64(l.units))
	w.text(`}`)
	w.end(`}]`)
	w.r4Payment(c)
	w.text("}\n")
}

// stu3Drug does the same in version 1.
func (w *buffer) stu3Drug(c *claim) {
	w.drugHead(c, "http://hl7.org/fhir/ex-claimtype", c.kind.stu3Type, "")
	w.text(`"organization":{`)
	w.stu3Org(c)
	w.text(`},"careTeam":[`)
	w.stu3Member(2, c.team.referring, primaryProvider)
	w.end(`],`)
	w.stu3Insurance(c)
	l := &c.lines.all[0]
	w.text(`"item":[{"sequence":1,"service":{"coding":[`)
	w.coding(ndcSystem, code{l.service.hcpcs, ""})
	w.end(`]},"servicedDate":"`)
	w.date(l.from)
	w.text(`","quantity":{"value":`)
	w.number(int64(l.units))
	w.text(`}`)
	w.end(`}]`)
	w.stu3Payment(c)
	w.text("}\n")
}
