package synth

import "ab2d/internal/coverage"

const (
	carin       = "http://hl7.org/fhir/us/carin-bb/"
	terminology = "http://terminology.hl7.org/CodeSystem/"
)

// writeR4 writes a claim as version 2 delivers it: R4, in the order of the
// elements' definition, without the elements a sponsor may not see.
func writeR4(w *buffer, c *claim, mbis []byte) {
	k := c.kind
	w.text(`{"resourceType":"ExplanationOfBenefit",`)
	w.writeID(c)
	w.text(`"meta":{"lastUpdated":"`)
	w.instant(c.millis)
	w.text(`","profile":["`+carin+`StructureDefinition/C4BB-ExplanationOfBenefit-`, k.profile, `"]},`)
	if c.nature == partD {
		w.r4Drug(c)
		return
	}
	w.r4Contained(c)
	w.text(`"extension":[`)
	w.codedVariable("nch_near_line_rec_ident_cd", k.nearLine)
	w.r4Extensions(c)
	w.b = append(w.b, mbis...)
	w.end(`],"identifier":[`)
	w.r4Identifier(variable+"clm_id", c.id)
	w.r4Identifier(bluebutton+"identifier/claim-group", c.group)
	w.end(`],"status":"`)
	w.text(c.status(), `","type":{"coding":[`)
	w.coding(variable+"nch_clm_type_cd", k.nch)
	w.coding(bluebutton+"codesystem/eob-type", code{k.eob, ""})
	w.coding(terminology+"claim-type", k.r4Type)
	w.end(`]},`)
	if k.subType.code != "" {
		w.text(`"subType":{"coding":[`)
		w.coding(carin+"CodeSystem/C4BBInstitutionalClaimSubType", code{k.subType.code, ""})
		w.end(`],"text":"` + k.subType.display + `"},`)
	}
	w.r4Use(c)
	w.text(`"patient":{"reference":"Patient/`)
	w.number(int64(c.Patient))
	w.text(`"},`)
	w.writePeriod(c, k.queryV2)
	w.r4Parties(c)
	if c.institutional() {
		w.text(`"facility":{"extension":[`)
		w.codedVariable("clm_fac_type_cd", k.facility)
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

func (w *buffer) r4Identifier(system string, value int64) {
	w.text(`{"type":{"coding":[{"system":"`+carin+`CodeSystem/C4BBIdentifierType","code":"uc","display":"Unique Claim ID"}]},"system":"`,
		system, `","value":"`)
	w.number(value)
	w.text(`"},`)
}

// sequences are those of the team members a line refers to; zero for none.
type sequences [2]int

// r4Team writes the care team and returns which members a line refers to.
func (w *buffer) r4Team(c *claim) (linked sequences) {
	t := &c.team
	next := 1
	add := func(npi uint64, role code) {
		if npi != 0 {
			w.r4Member(next, npi)
			w.r4Role(carin+"CodeSystem/C4BBClaimCareTeamRole", role)
			w.text(`},`)
			next++
		}
	}
	if c.institutional() {
		add(t.attending, code{"attending", "Attending"})
		add(t.operating, code{"operating", "Operating"})
		add(t.otherOperating, code{"otheroperating", "Other Operating"})
		if t.performing != 0 {
			linked[0] = next
		}
		add(t.performing, performingProvider)
		return linked
	}
	add(t.referring, code{"referring", "Referring"})
	linked[0] = next
	w.r4Performing(c, next)
	if c.Type == coverage.Carrier {
		next++
		linked[1] = next
		w.r4Organization(c, next)
	}
	return linked
}

var performingProvider = code{"performing", "Performing provider"}

// r4Member opens a team member, up to and with the provider.
func (w *buffer) r4Member(sequence int, npi uint64) {
	w.text(`{`)
	w.r4Provider(sequence, npi)
	w.text(`},`)
}

func (w *buffer) r4Provider(sequence int, npi uint64) {
	w.text(`"sequence":`)
	w.number(int64(sequence))
	w.text(`,"provider":{"identifier":{"type":{"coding":[{"system":"` + carin +
		`CodeSystem/C4BBIdentifierType","code":"npi","display":"National Provider Identifier"}]},"value":"`)
	w.digits(npi, 10)
	w.text(`"}`)
}

func (w *buffer) r4Role(system string, role code) {
	w.text(`"role":{"coding":[`)
	w.coding(system, role)
	w.end(`]}`)
}

func (w *buffer) r4Performing(c *claim, sequence int) {
	w.text(`{"extension":[`)
	w.writeParticipation(c)
	w.end(`],`)
	w.r4Provider(sequence, c.team.performing)
	w.text(`},"responsible":true,`)
	w.r4Role(carin+"CodeSystem/C4BBClaimCareTeamRole", performingProvider)
	w.text(`,`)
	w.writeQualification(c)
	w.text(`},`)
}

func (w *buffer) r4Organization(c *claim, sequence int) {
	w.text(`{`)
	w.r4Provider(sequence, c.team.org.npi())
	w.text(`,"display":"`)
	w.organizationName(c.team.org)
	w.text(`"},`)
	w.r4Role(terminology+"claimcareteamrole", primaryProvider)
	w.text(`},`)
}
