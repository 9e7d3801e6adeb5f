package eobjson

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

const (
	v3HCPCS   = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
	ucumStart = `"system":"http://unitsofmeasure.org","code":"`
)

// v3Items writes the lines. rendering is the sequence of a member of the team, and
// tracked one of the supporting information; each is zero if there is none.
func (w *Buffer) v3Items(c *claimgen.Claim, rendering, tracked int) {
	for i := range c.Lines.Items() {
		l := &c.Lines.All[i]
		w.text(`{`)
		w.v3ItemExtensions(c, l)
		w.text(`"sequence":`)
		w.number(int64(i + 1))
		w.text(`,`)
		w.v3Links(c, l, rendering, tracked)
		w.v3Revenue(c)
		w.text(`"productOrService":{"coding":[{"system":"`+v3HCPCS+`","code":"`, l.Service.HCPCS, `"}]},`)
		w.v3Modifier(c, i)
		w.v3Serviced(c, l)
		if l.Place != nil && !c.Institutional() {
			w.text(`"locationCodeableConcept":{"coding":[{"system":"https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set","code":"`,
				l.Place.Code, `"}]},`)
		}
		w.text(`"quantity":{"value":`)
		w.number(int64(l.Units))
		w.text(`}`)
		w.v3Adjudication(c, l)
		if code := l.Service.HCPCS; code[0] == 'J' { // a drug
			w.v3Drugs(code, l.Units)
		}
		w.text(`},`)
	}
	if c.Institutional() {
		w.v3Total(c)
	}
}

// v3Links writes what a line refers to.
func (w *Buffer) v3Links(c *claimgen.Claim, l *claimgen.Line, rendering, tracked int) {
	if rendering != 0 && (!c.Institutional() || c.Type == coverage.Inpatient) {
		w.text(`"careTeamSequence":[`)
		w.number(int64(rendering))
		w.text(`],`)
	}
	if !c.Institutional() {
		w.text(`"diagnosisSequence":[`)
		w.number(int64(l.Reason + 1))
		w.text(`],`)
	}
	if tracked != 0 {
		w.text(`"informationSequence":[`)
		w.number(int64(tracked))
		w.text(`],`)
	}
}

// v3Serviced writes the dates of a line: one date, or a period of several days. Lines
// of stays have no dates of their own; a nursing facility bills all its days with them,
// and a hospital the first.
func (w *Buffer) v3Serviced(c *claimgen.Claim, l *claimgen.Line) {
	from, to := l.From, l.To
	if from == 0 {
		from, to = c.Start, 0
		if c.Type == coverage.SNF {
			to = c.End
		}
	}
	if to <= from {
		w.text(`"servicedDate":"`)
		w.date(from)
		w.text(`",`)
		return
	}
	w.text(`"servicedPeriod":{`)
	w.period(from, to)
	w.text(`},`)
}

// v3Total writes the line that an institutional claim ends with, which has no service.
// An agency names the days of care in it, and a hospice the drugs.
func (w *Buffer) v3Total(c *claimgen.Claim) {
	w.text(`{"sequence":`)
	w.number(int64(c.Lines.Count + 1))
	w.text(`,`)
	w.v3Revenue(c)
	w.text(`"productOrService":{"coding":[{"system":"` + terminology + `data-absent-reason","code":"not-applicable","display":"Not Applicable"}]}`)
	if c.Type == coverage.HHA {
		w.text(`,"servicedPeriod":{`)
		w.period(c.Start, c.End)
		w.text(`}`)
	}
	if c.Type == coverage.Hospice {
		w.v3Drugs("J2270", 1)
	}
	w.text(`},`)
}

// v3Drugs writes the drug of a line. Its national drug code has labeler 99999, which
// FDA assigns to nobody. No sponsor sees how much it was.
func (w *Buffer) v3Drugs(hcpcs string, units int) {
	w.text(`,"detail":[{`)
	if w.withheld {
		w.text(`"sequence":1,`)
	}
	w.text(`"productOrService":{"coding":[{"system":"`+ndcSystem+`","code":"99999`, hcpcs[1:], `01"}]}`)
	if w.withheld {
		w.text(`,"quantity":{"value":`)
		w.number(int64(units))
		w.text(`,"unit":"ML",` + ucumStart + `mL"}`)
	}
	w.text(`}]`)
}

// v3ItemExtensions writes the extensions of a line. A sponsor sees four of them, on
// professional claims.
func (w *Buffer) v3ItemExtensions(c *claimgen.Claim, l *claimgen.Line) {
	if c.Institutional() {
		if w.withheld && c.Type != coverage.Inpatient && c.Type != coverage.Hospice {
			w.v3Outpatient()
		}
		return
	}
	kind, locality := "0", c.Person.Home.Locality
	if c.Type == coverage.DME {
		kind, locality = "3", c.Person.Home.SSA
	}
	w.text(`"extension":[`)
	w.v3Extension("CLM-PRVDR-TYPE-CD", kind)
	if w.withheld {
		w.text(`{"url":"` + bfdExtension + `CLM-PRVDR-TAX-NUM","valueIdentifier":`)
		w.v3TaxNumber(c.Team.Performing)
		w.text(`},`)
		w.v3Extension("CLM-RNDRG-PRVDR-PRTCPTG-CD", "1")
	}
	if l.Service.BETOS == codes.BETOSColon {
		w.text(`{"url":"` + bfdExtension + `CLM-LINE-ANSTHSA-UNIT-CNT","valueDecimal":`)
		w.number(int64(3 + c.Control>>12%6))
		w.text(`},`)
	}
	w.v3Extension("CLM-PRCNG-LCLTY-CD", locality)
	if w.withheld {
		w.v3Billing(l.Units)
	}
	w.v3Extension("CLM-PRVDR-SPCLTY-CD", c.Team.Specialty.Code)
	w.end(`],`)
}

func (w *Buffer) v3Extension(name, code string) {
	w.text(`{"url":"`+bfdExtension, name, `","valueCoding":{"system":"`+bfdCode, name, `","code":"`, code, `"}},`)
}

// v3Outpatient writes how Medicare prices a line of an outpatient department or
// agency.
func (w *Buffer) v3Outpatient() {
	w.text(`"extension":[`)
	w.v3Extension("CLM-OTAF-ONE-IND-CD", "N")
	w.v3Extension("CLM-REV-CNTR-STUS-CD", "A")
	w.v3Extension("CLM-REV-DSCNT-IND-CD", "1")
	w.v3Extension("CLM-REV-PACKG-IND-CD", "0")
	w.v3Extension("CLM-REV-PMT-MTHD-CD", "2")
	w.end(`],`)
}

// v3Billing writes how a doctor or supplier bills a line.
func (w *Buffer) v3Billing(units int) {
	w.v3Extension("CLM-MTUS-IND-CD", "3")
	w.text(`{"url":"` + bfdExtension + `CLM-LINE-PRFNL-MTUS-CNT","valueDecimal":`)
	w.number(int64(units))
	w.text(`.0},`)
	w.v3Extension("CLM-FED-TYPE-SRVC-CD", "1")
	w.v3Extension("CLM-PRCSG-IND-CD", "A")
	w.v3Extension("CLM-SRVC-DDCTBL-SW", "0")
	w.text(`{"url":"` + bfdExtension + `CLM-LINE-RX-NUM","valueString":"SYN`)
	w.digits(uint64(units), 6)
	w.text(`"},`)
	w.v3Extension("CLM-PHYSN-ASTNT-CD", "0")
	w.v3Extension("CLM-LINE-CARR-HPSA-SCRCTY-CD", "1")
	w.v3Extension("CLM-PMT-80-100-CD", "0")
	w.v3Extension("CLM-PRMRY-PYR-CD", "M")
}

// v3Revenue writes whether the deductible applies to a line. The codes of revenue
// centers are not free to use.
func (w *Buffer) v3Revenue(c *claimgen.Claim) {
	if w.withheld && c.Institutional() {
		w.text(`"revenue":{"coding":[{"system":"` + bfdCode + `CLM-DDCTBL-COINSRNC-CD","code":"3","display":"Charges are not subject to deductible or coinsurance"}]},`)
	}
}

// v3Modifier writes a modifier on some lines.
func (w *Buffer) v3Modifier(c *claimgen.Claim, at int) {
	if w.withheld && (c.Control+uint64(at))%4 == 0 {
		w.text(`"modifier":[{"coding":[{"system":"`+v3HCPCS+`","code":"`, modifiers[(c.Control>>8)%uint64(len(modifiers))], `"}]}],`)
	}
}
