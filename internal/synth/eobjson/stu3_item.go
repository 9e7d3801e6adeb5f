package eobjson

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

// stu3Team writes the care team, whose sequence begins at 2 in BFD's v1, and
// returns the sequence of the performing provider, or 0 if there is none.
func (w *Buffer) stu3Team(c *claimgen.Claim) (performing int) {
	t := &c.Team
	if !c.Institutional() {
		w.stu3Performing(c)
		return 2
	}
	next := 2
	add := func(npi uint64, role codes.Code) {
		if npi != 0 {
			w.stu3Member(next, npi, role)
			next++
		}
	}
	add(t.Operating, codes.Code{Code: "assist", Display: "Assisting Provider"})
	add(t.OtherOperating, codes.Code{Code: "other", Display: "Other"})
	add(t.Attending, primaryProvider)
	if t.Performing != 0 {
		performing = next
	}
	add(t.Performing, primaryProvider)
	return performing
}

var primaryProvider = codes.Code{Code: "primary", Display: "Primary provider"}

func (w *Buffer) stu3Member(sequence int, npi uint64, role codes.Code) {
	w.text(`{"sequence":`)
	w.number(int64(sequence))
	w.text(`,"provider":{"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(npi, 10)
	w.text(`"}},"role":{"coding":[`)
	w.coding("http://hl7.org/fhir/claimcareteamrole", role)
	w.end(`]}},`)
}

// stu3Performing writes the one member of a professional claim's team. On a
// carrier claim an extension of it holds the organization.
func (w *Buffer) stu3Performing(c *claimgen.Claim) {
	t := &c.Team
	w.text(`{"extension":[`)
	w.writeParticipation(c)
	if c.Type == coverage.Carrier {
		w.text(`{"url":"` + npiSystem + `","valueCoding":{"system":"` + npiSystem + `","code":"`)
		w.digits(t.Organization.NPI(), 10)
		w.text(`","display":"`)
		w.organizationName(t.Organization)
		w.text(`"}},`)
	}
	w.end(`],"sequence":2,"provider":{"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(t.Performing, 10)
	w.text(`"}},"responsible":true,"role":{"coding":[`)
	w.coding("http://hl7.org/fhir/claimcareteamrole", primaryProvider)
	w.end(`]},`)
	w.writeQualification(c)
	w.text(`},`)
}

// writeParticipation writes the extensions of a performing provider.
func (w *Buffer) writeParticipation(c *claimgen.Claim) {
	if c.Type == coverage.Carrier {
		w.codedVariable("carr_line_prvdr_type_cd", codes.Code{Code: "0"})
	}
	w.codedVariable("prtcptng_ind_cd", codes.Code{Code: "1", Display: "Participating"})
}

func (w *Buffer) writeQualification(c *claimgen.Claim) {
	w.text(`"qualification":{"coding":[`)
	w.coding(variable+"prvdr_spclty", *c.Team.Specialty)
	w.end(`]}`)
}

// stu3Diagnoses writes the diagnoses. BFD's v1 puts the DRG among them, first,
// as an entry with neither sequence nor diagnosis, yet counts it.
func (w *Buffer) stu3Diagnoses(c *claimgen.Claim) {
	if c.DRG != "" {
		w.text(`{"packageCode":{"coding":[`)
		w.coding(variable+"clm_drg_cd", codes.Code{Code: c.DRG})
		w.end(`]}},`)
	}
	externals := 0
	present := presence{}
	for i, d := range c.Diagnoses.Items() {
		w.text(`{`)
		present.write(w, d)
		w.text(`"sequence":`)
		w.number(int64(stu3DiagnosisSequence(c, i)))
		w.text(`,"diagnosisCodeableConcept":{"coding":[`)
		w.coding(icd10, d.Code)
		w.end(`]}`)
		if d.Role == claimgen.ExternalCause {
			externals++
		}
		if t := stu3DiagnosisType(d.Role, externals); t.Code != "" {
			w.text(`,"type":[{"coding":[`)
			w.coding(bluebutton+"codesystem/diagnosis-type", t)
			w.end(`]}]`)
		}
		w.text(`},`)
	}
}

func stu3DiagnosisSequence(c *claimgen.Claim, i int) int {
	if c.DRG != "" {
		return i + 2
	}
	return i + 1
}

// stu3DiagnosisType codes a role; an additional diagnosis has no type.
func stu3DiagnosisType(as claimgen.Role, externals int) codes.Code {
	switch {
	case as == claimgen.Principal:
		return codes.Code{Code: "principal", Display: "The single medical diagnosis that is most relevant to the patient's chief complaint or need for treatment."}
	case as == claimgen.Admitting:
		return codes.Code{Code: "admitting", Display: "The diagnosis given as the reason why the patient was admitted to the hospital."}
	case as == claimgen.VisitReason:
		return codes.Code{Code: "reason-for-visit", Display: "A diagnosis code used to identify the patient's reason for the visit."}
	case as == claimgen.ExternalCause && externals == 1:
		return codes.Code{Code: "external-first", Display: "The code used to identify the 1st external cause of injury, poisoning, or other adverse effect."}
	case as == claimgen.ExternalCause:
		return codes.Code{Code: "external", Display: "A code used to identify an external cause of injury, poisoning, or other adverse effect."}
	}
	return codes.Code{}
}

// presence numbers the present-on-admission indicators: diagnoses and
// external causes have series of their own.
type presence struct{ diagnoses, externals int }

func presentDisplay(indicator byte) string {
	switch indicator {
	case 'Y':
		return "Diagnosis was present at the time of admission (POA)"
	case 'N':
		return "Diagnosis was not present at the time of admission"
	case 'U':
		return "Documentation is insufficient to determine if condition is present on admission"
	}
	return "Provider is unable to clinically determine whether condition was present on admission or not"
}

func (p *presence) write(w *Buffer, d claimgen.Diagnosis) {
	if d.Present == 0 {
		return
	}
	name, n := "clm_poa_ind_sw", &p.diagnoses
	if d.Role == claimgen.ExternalCause {
		name, n = "clm_e_poa_ind_sw", &p.externals
	}
	*n++
	w.text(`"extension":[{"url":"`+variable, name)
	w.number(int64(*n))
	w.text(`","valueCoding":{"system":"`+variable, name)
	w.number(int64(*n))
	w.text(`","code":"`)
	w.b = append(w.b, d.Present)
	w.text(`","display":"`, presentDisplay(d.Present), `"}}],`)
}

// writeProcedures writes the procedures with their codings, cms first when
// it is not empty.
func (w *Buffer) writeProcedures(c *claimgen.Claim, cms string) {
	if c.Procedures.Count == 0 {
		return
	}
	w.text(`"procedure":[`)
	for i, p := range c.Procedures.Items() {
		w.text(`{"sequence":`)
		w.number(int64(i + 1))
		w.text(`,"date":"`)
		w.date(p.Date)
		w.text(`T00:00:00+00:00","procedureCodeableConcept":{"coding":[`)
		if cms != "" {
			w.coding(cms, p.Code)
		}
		w.coding(icd10, p.Code)
		w.end(`]}},`)
	}
	w.end(`],`)
}

func (w *Buffer) stu3Items(c *claimgen.Claim, performing int) {
	for i := range c.Lines.Items() {
		l := &c.Lines.All[i]
		w.text(`{`)
		w.stu3ItemExtensions(c, l)
		w.text(`"sequence":`)
		w.number(int64(i + 1))
		if performing != 0 {
			w.text(`,"careTeamLinkId":[`)
			w.number(int64(performing))
			w.text(`]`)
		}
		if !c.Institutional() {
			w.text(`,"diagnosisLinkId":[`)
			w.number(int64(l.Reason + 1))
			w.text(`]`)
		}
		w.stu3Category(c)
		w.text(`,"service":{"coding":[{"system":"` + hcpcs)
		if !c.Institutional() {
			// The version is the last digit of the hcpcs year.
			year, _, _ := civil(c.Start)
			w.text(`","version":"`)
			w.digits(uint64(year), 1)
		}
		w.text(`","code":"`, l.Service.HCPCS, `"}]},`)
		w.writeModifier(c, i)
		w.writeServiced(c, l)
		w.writeLocation(c, l, true)
		w.text(`"quantity":{"value":`)
		w.number(int64(l.Units))
		w.text(`}`)
		w.stu3Adjudication(c, l)
		w.text(`},`)
	}
}

// stu3ItemExtensions writes the extensions of a line in version 1.
func (w *Buffer) stu3ItemExtensions(c *claimgen.Claim, l *claimgen.Line) {
	if c.Institutional() {
		if l.Service.HCPCS[0] == 'J' { // a drug
			w.text(`"extension":[{"url":"` + variable + `rev_cntr_ndc_qty","valueQuantity":{"value":`)
			w.number(int64(l.Units))
			w.text(`,"system":"http://unitsofmeasure.org","code":"ML"}}],`)
		}
		return
	}
	w.text(`"extension":[`)
	if c.Type == coverage.Carrier {
		count := codes.Code{Code: "3", Display: "Services"}
		if l.Service == &codes.AmbulanceMiles[0] {
			count = codes.Code{Code: "1", Display: "Transportation (ambulance) miles"}
		}
		w.codedVariable("carr_line_mtus_cd", count)
		w.text(`{"url":"` + variable + `carr_line_mtus_cnt","valueQuantity":{"value":`)
		w.number(int64(l.Units))
		w.text(`}},`)
	} else {
		w.identified("suplrnum")
		w.digits(c.Team.Performing/10, 10)
		w.text(`"}},{"url":"` + variable + `dmerc_line_scrn_svgs_amt","valueQuantity":{"value":0.00}},{"url":"` +
			variable + `dmerc_line_mtus_cnt","valueQuantity":{"value":`)
		w.number(int64(l.Units))
		w.text(`,"unit":"Number of services","system":"` + variable + `dmerc_line_mtus_cd","code":"3"}},`)
	}
	if l.Service.BETOS != nil {
		w.codedVariable("betos_cd", *l.Service.BETOS)
	}
	w.codedVariable("line_service_deductible", codes.Code{Code: "0", Display: "Service Subject to Deductible"})
	w.end(`],`)
}

// writeServiced writes the dates of a line: a period on professional claims, and a
// date on claims of outpatient departments, agencies and hospices.
func (w *Buffer) writeServiced(c *claimgen.Claim, l *claimgen.Line) {
	switch {
	case !c.Institutional():
		w.text(`"servicedPeriod":{`)
		w.period(l.From, l.To)
		w.text(`},`)
	case l.From != 0:
		w.text(`"servicedDate":"`)
		w.date(l.From)
		w.text(`",`)
	}
}

// writeLocation writes the location of a line. If pricing is set, the location holds
// the DME pricing state and supplier type, as in version 1; otherwise the line does.
func (w *Buffer) writeLocation(c *claimgen.Claim, l *claimgen.Line, pricing bool) {
	home := c.Person.Home
	if c.Institutional() {
		w.text(`"locationAddress":{"state":"`, home.SSA, `"},`)
		return
	}
	w.text(`"locationCodeableConcept":{"extension":[`)
	w.codedVariable("prvdr_state_cd", codes.Code{Code: home.SSA})
	if c.Type == coverage.Carrier {
		w.text(`{"url":"`+variable+`prvdr_zip","valueCoding":{"system":"`+variable+`prvdr_zip","code":"`, home.ZIP)
		w.digits(c.Team.Organization.NPI()/10, 6)
		w.text(`"}},`)
		w.codedVariable("carr_line_prcng_lclty_cd", codes.Code{Code: home.Locality})
	} else if pricing {
		w.writePricing(c)
	}
	if c.Lab {
		w.identified("carr_line_clia_lab_num")
		w.text(home.SSA, `D`)
		w.digits(c.Team.Performing/10, 7)
		w.text(`"}},`)
	}
	w.end(`],"coding":[`)
	w.coding(variable+"line_place_of_srvc_cd", *l.Place)
	w.end(`]},`)
}

// writePricing writes the DME pricing state and the supplier's type.
func (w *Buffer) writePricing(c *claimgen.Claim) {
	w.codedVariable("dmerc_line_prcng_state_cd", codes.Code{Code: c.Person.Home.SSA})
	w.codedVariable("dmerc_line_supplr_type_cd", codes.Code{Code: "3", Display: "Suppliers (other than sole proprietorship) for whom employer identification (EI) numbers are used in coding the ID field."})
}
