package eobjson

import (
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

const ndcSystem = "http://hl7.org/fhir/sid/ndc"

// drugHead writes the elements that a Part D event shares with other claims, after
// meta and up to its period.
func (w *Buffer) drugHead(c *claimgen.Claim, types string, of codes.Code, use string) {
	w.text(`"identifier":[{"system":"` + variable + `pde_id","value":"`)
	w.number(c.ID)
	w.text(`"},{"system":"` + bluebutton + `identifier/claim-group","value":"`)
	w.number(c.Group)
	w.text(`"}],"status":"`, c.Status(), `","type":{"coding":[`)
	w.coding(bluebutton+"codesystem/eob-type", codes.Code{Code: c.Kind.EOB})
	w.coding(types, of)
	w.end(`]},`)
	w.text(use, `"patient":{"reference":"Patient/`)
	w.number(int64(c.Patient))
	w.text(`"},`)
	w.writePeriod(c, false)
}

// r4Drug writes a Part D event after its meta. It is always written raw.
func (w *Buffer) r4Drug(c *claimgen.Claim) {
	w.drugHead(c, terminology+"claim-type", c.Kind.R4Type, `"use":"claim",`)
	w.text(`"created":"`)
	w.instant(c.UpdatedMillis)
	w.text(`","insurer":{"identifier":{"value":"CMS"}},"provider":{"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(c.Team.Performing, 10)
	w.text(`"}},"outcome":"complete","careTeam":[`)
	w.r4Member(1, c.Team.Referring)
	w.r4Role(carin+"CodeSystem/C4BBClaimCareTeamRole", codes.Code{Code: "prescribing", Display: "Prescribing provider"})
	w.text(`}],`)
	w.r4Insurance(c)
	l := &c.Lines.All[0]
	w.text(`"item":[{"sequence":1,"productOrService":{"coding":[`)
	w.coding(ndcSystem, codes.Code{Code: l.Service.HCPCS})
	w.end(`]},"servicedDate":"`)
	w.date(l.From)
	w.text(`","quantity":{"value":`)
	w.number(int64(l.Units))
	w.text(`}`)
	w.end(`}]`)
	w.r4Payment(c)
	w.text("}\n")
}

// stu3Drug writes the same in version 1.
func (w *Buffer) stu3Drug(c *claimgen.Claim) {
	w.drugHead(c, "http://hl7.org/fhir/ex-claimtype", c.Kind.STU3Type, "")
	w.text(`"organization":{`)
	w.stu3Org(c)
	w.text(`},"careTeam":[`)
	w.stu3Member(2, c.Team.Referring, primaryProvider)
	w.end(`],`)
	w.stu3Insurance(c)
	l := &c.Lines.All[0]
	w.text(`"item":[{"sequence":1,"service":{"coding":[`)
	w.coding(ndcSystem, codes.Code{Code: l.Service.HCPCS})
	w.end(`]},"servicedDate":"`)
	w.date(l.From)
	w.text(`","quantity":{"value":`)
	w.number(int64(l.Units))
	w.text(`}`)
	w.end(`}]`)
	w.stu3Payment(c)
	w.text("}\n")
}
