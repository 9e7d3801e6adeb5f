package eobjson

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

const (
	carin       = "http://hl7.org/fhir/us/carin-bb/"
	terminology = "http://terminology.hl7.org/CodeSystem/"
)

// writeR4 writes a claim in R4, as version 2 delivers it, in the order in which FHIR
// defines the elements.
func writeR4(w *Buffer, c *claimgen.Claim, mbis []byte) {
	k := c.Kind
	w.text(`{"resourceType":"ExplanationOfBenefit",`)
	w.writeID(c)
	w.text(`"meta":{"lastUpdated":"`)
	w.instant(c.UpdatedMillis)
	w.text(`","profile":["`+carin+`StructureDefinition/C4BB-ExplanationOfBenefit-`, k.Profile, `"]},`)
	if c.Nature == claimgen.PartD {
		w.r4Drug(c)
		return
	}
	w.r4Contained(c)
	w.text(`"extension":[`)
	w.codedVariable("nch_near_line_rec_ident_cd", k.NearLine)
	w.r4Extensions(c)
	w.b = append(w.b, mbis...)
	w.end(`],"identifier":[`)
	w.r4Identifier(variable+"clm_id", c.ID)
	w.r4Identifier(bluebutton+"identifier/claim-group", c.Group)
	w.end(`],"status":"`)
	w.text(c.Status(), `","type":{"coding":[`)
	w.coding(variable+"nch_clm_type_cd", k.NCH)
	w.coding(bluebutton+"codesystem/eob-type", codes.Code{Code: k.EOB})
	w.coding(terminology+"claim-type", k.R4Type)
	w.end(`]},`)
	if k.SubType.Code != "" {
		w.text(`"subType":{"coding":[`)
		w.coding(carin+"CodeSystem/C4BBInstitutionalClaimSubType", codes.Code{Code: k.SubType.Code})
		w.end(`],"text":"` + k.SubType.Display + `"},`)
	}
	w.r4Use(c)
	w.text(`"patient":{"reference":"Patient/`)
	w.number(int64(c.Patient))
	w.text(`"},`)
	w.writePeriod(c, k.QueryV2)
	w.r4Parties(c)
	if c.Institutional() {
		w.text(`"facility":{"extension":[`)
		w.codedVariable("clm_fac_type_cd", k.Facility)
		w.end(`]},`)
	}
	w.r4Outcome(c)
	w.text(`"careTeam":[`)
	linked := w.r4Team(c)
	w.end(`],`)
	w.r4Information(c)
	w.text(`"diagnosis":[`)
	w.r4Diagnoses(c)
	w.end(`],`)
	w.writeProcedures(c, "http://www.cms.gov/Medicare/Coding/ICD10")
	w.r4Insurance(c)
	w.text(`"item":[`)
	w.r4Items(c, linked)
	w.end(`]`)
	w.r4Payment(c)
	w.text("}\n")
}

func (w *Buffer) r4Identifier(system string, value int64) {
	w.text(`{"type":{"coding":[{"system":"`+carin+`CodeSystem/C4BBIdentifierType","code":"uc","display":"Unique Claim ID"}]},"system":"`,
		system, `","value":"`)
	w.number(value)
	w.text(`"},`)
}

// sequences are those of the team members that a line refers to; zero for none.
type sequences [2]int

// r4Team writes the care team and returns which members a line refers to.
func (w *Buffer) r4Team(c *claimgen.Claim) (linked sequences) {
	t := &c.Team
	next := 1
	add := func(npi uint64, role codes.Code) {
		if npi != 0 {
			w.r4Member(next, npi)
			w.r4Role(carin+"CodeSystem/C4BBClaimCareTeamRole", role)
			w.text(`},`)
			next++
		}
	}
	if c.Institutional() {
		add(t.Attending, codes.Code{Code: "attending", Display: "Attending"})
		add(t.Operating, codes.Code{Code: "operating", Display: "Operating"})
		add(t.OtherOperating, codes.Code{Code: "otheroperating", Display: "Other Operating"})
		if t.Performing != 0 {
			linked[0] = next
		}
		add(t.Performing, performingProvider)
		return linked
	}
	add(t.Referring, codes.Code{Code: "referring", Display: "Referring"})
	linked[0] = next
	w.r4Performing(c, next)
	if c.Type == coverage.Carrier {
		next++
		linked[1] = next
		w.r4Organization(c, next)
	}
	return linked
}

var performingProvider = codes.Code{Code: "performing", Display: "Performing provider"}

// r4Member opens a team member, up to and with the provider.
func (w *Buffer) r4Member(sequence int, npi uint64) {
	w.text(`{`)
	w.r4Provider(sequence, npi)
	w.text(`},`)
}

func (w *Buffer) r4Provider(sequence int, npi uint64) {
	w.text(`"sequence":`)
	w.number(int64(sequence))
	w.text(`,"provider":{"identifier":{"type":{"coding":[{"system":"` + carin +
		`CodeSystem/C4BBIdentifierType","code":"npi","display":"National Provider Identifier"}]},"value":"`)
	w.digits(npi, 10)
	w.text(`"}`)
}

func (w *Buffer) r4Role(system string, role codes.Code) {
	w.text(`"role":{"coding":[`)
	w.coding(system, role)
	w.end(`]}`)
}

func (w *Buffer) r4Performing(c *claimgen.Claim, sequence int) {
	w.text(`{"extension":[`)
	w.writeParticipation(c)
	w.end(`],`)
	w.r4Provider(sequence, c.Team.Performing)
	w.text(`},"responsible":true,`)
	w.r4Role(carin+"CodeSystem/C4BBClaimCareTeamRole", performingProvider)
	w.text(`,`)
	w.writeQualification(c)
	w.text(`},`)
}

func (w *Buffer) r4Organization(c *claimgen.Claim, sequence int) {
	w.text(`{`)
	w.r4Provider(sequence, c.Team.Organization.NPI())
	w.text(`,"display":"`)
	w.organizationName(c.Team.Organization)
	w.text(`"},`)
	w.r4Role(terminology+"claimcareteamrole", primaryProvider)
	w.text(`},`)
}
