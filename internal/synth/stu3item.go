package synth

import "ab2d/internal/coverage"

// stu3Team writes the care team, whose sequence begins at 2 in BFD's v1, and
// returns the sequence of the performing provider; 0 when there is none.
func (w *buffer) stu3Team(c *claim) (performing int) {
	t := &c.team
	if !c.institutional() {
		w.stu3Performing(c)
		return 2
	}
	next := 2
	add := func(npi uint64, role code) {
		if npi != 0 {
			w.stu3Member(next, npi, role)
			next++
		}
	}
	add(t.operating, code{"assist", "Assisting Provider"})
	add(t.otherOperating, code{"other", "Other"})
	add(t.attending, primaryProvider)
	if t.performing != 0 {
		performing = next
	}
	add(t.performing, primaryProvider)
	return performing
}

var primaryProvider = code{"primary", "Primary provider"}

func (w *buffer) stu3Member(sequence int, npi uint64, role code) {
	w.text(`{"sequence":`)
	w.number(int64(sequence))
	w.text(`,"provider":{"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(npi, 10)
	w.text(`"}},"role":{"coding":[`)
	w.coding("http://hl7.org/fhir/claimcareteamrole", role)
	w.end(`]}},`)
}

// stu3Performing writes the one member of a professional claim's team. On a
// carrier claim the organization stands in an extension of it.
func (w *buffer) stu3Performing(c *claim) {
	t := &c.team
	w.text(`{"extension":[`)
	w.writeParticipation(c)
	if c.Type == coverage.Carrier {
		w.text(`{"url":"` + npiSystem + `","valueCoding":{"system":"` + npiSystem + `","code":"`)
		w.digits(t.org.npi(), 10)
		w.text(`","display":"`)
		w.organizationName(t.org)
		w.text(`"}},`)
	}
	w.end(`],"sequence":2,"provider":{"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(t.performing, 10)
	w.text(`"}},"responsible":true,"role":{"coding":[`)
	w.coding("http://hl7.org/fhir/claimcareteamrole", primaryProvider)
	w.end(`]},`)
	w.writeQualification(c)
	w.text(`},`)
}

// writeParticipation writes the extensions of a performing provider.
func (w *buffer) writeParticipation(c *claim) {
	if c.Type == coverage.Carrier {
		w.codedVariable("carr_line_prvdr_type_cd", code{"0", ""})
	}
	w.codedVariable("prtcptng_ind_cd", code{"1", "Participating"})
}

func (w *buffer) writeQualification(c *claim) {
	w.text(`"qualification":{"coding":[`)
	w.coding(variable+"prvdr_spclty", *c.team.specialty)
	w.end(`]}`)
}

// stu3Diagnoses writes the diagnoses. BFD's v1 puts the DRG among them, first,
// as an entry with neither sequence nor diagnosis, yet counts it.
func (w *buffer) stu3Diagnoses(c *claim) {
	if c.drg != "" {
		w.text(`{"packageCode":{"coding":[`)
		w.coding(variable+"clm_drg_cd", code{c.drg, ""})
		w.end(`]}},`)
	}
	externals := 0
	present := presence{}
	for i, d := range c.diagnoses.items() {
		w.text(`{`)
		present.write(w, d)
		w.text(`"sequence":`)
		w.number(int64(stu3DiagnosisSequence(c, i)))
		w.text(`,"diagnosisCodeableConcept":{"coding":[`)
		w.coding(icd10, d.code)
		w.end(`]}`)
		if d.role == external {
			externals++
		}
		if t := stu3DiagnosisType(d.role, externals); t.code != "" {
			w.text(`,"type":[{"coding":[`)
			w.coding(bluebutton+"codesystem/diagnosis-type", t)
			w.end(`]}]`)
		}
		w.text(`},`)
	}
}

func stu3DiagnosisSequence(c *claim, i int) int {
	if c.drg != "" {
		return i + 2
	}
	return i + 1
}

// stu3DiagnosisType codes a role; an additional diagnosis has no type.
func stu3DiagnosisType(as role, externals int) code {
	switch {
	case as == principal:
		return code{"principal", "The single medical diagnosis that is most relevant to the patient's chief complaint or need for treatment."}
	case as == admitting:
		return code{"admitting", "The diagnosis given as the reason why the patient was admitted to the hospital."}
	case as == visit:
		return code{"reason-for-visit", "A diagnosis code used to identify the patient's reason for the visit."}
	case as == external && externals == 1:
		return code{"external-first", "The code used to identify the 1st external cause of injury, poisoning, or other adverse effect."}
	case as == external:
		return code{"external", "A code used to identify an external cause of injury, poisoning, or other adverse effect."}
	}
	return code{}
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

func (p *presence) write(w *buffer, d diagnosis) {
	if d.present == 0 {
		return
	}
	name, n := "clm_poa_ind_sw", &p.diagnoses
	if d.role == external {
		name, n = "clm_e_poa_ind_sw", &p.externals
	}
	*n++
	w.text(`"extension":[{"url":"`+variable, name)
	w.number(int64(*n))
	w.text(`","valueCoding":{"system":"`+variable, name)
	w.number(int64(*n))
	w.text(`","code":"`)
	w.b = append(w.b, d.present)
	w.text(`","display":"`, presentDisplay(d.present), `"}}],`)
}

// writeProcedures writes the procedures with their codings, cms first when
// it is not empty.
func (w *buffer) writeProcedures(c *claim, cms string) {
	if c.procedures.count == 0 {
		return
	}
	w.text(`"procedure":[`)
	for i, p := range c.procedures.items() {
		w.text(`{"sequence":`)
		w.number(int64(i + 1))
		w.text(`,"date":"`)
		w.date(p.date)
		w.text(`T00:00:00+00:00","procedureCodeableConcept":{"coding":[`)
		if cms != "" {
			w.coding(cms, p.code)
		}
		w.coding(icd10, p.code)
		w.end(`]}},`)
	}
	w.end(`],`)
}

func (w *buffer) stu3Items(c *claim, performing int) {
	for i := range c.lines.items() {
		l := &c.lines.all[i]
		w.text(`{`)
		w.stu3ItemExtensions(c, l)
		w.text(`"sequence":`)
		w.number(int64(i + 1))
		if performing != 0 {
			w.text(`,"careTeamLinkId":[`)
			w.number(int64(performing))
			w.text(`]`)
		}
		if !c.institutional() {
			w.text(`,"diagnosisLinkId":[`)
			w.number(int64(l.reason + 1))
			w.text(`]`)
		}
		w.stu3Category(c)
		w.text(`,"service":{"coding":[{"system":"` + hcpcs)
		if !c.institutional() {
			// The version is the last digit of the HCPCS year.
			year, _, _ := civil(c.Start)
			w.text(`","version":"`)
			w.digits(uint64(year), 1)
		}
		w.text(`","code":"`, l.service.hcpcs, `"}]},`)
		w.writeModifier(c, i)
		w.writeServiced(c, l)
		w.writeLocation(c, l, true)
		w.text(`"quantity":{"value":`)
		w.number(int64(l.units))
		w.text(`}`)
		w.stu3Adjudication(c, l)
		w.text(`},`)
	}
}

// stu3ItemExtensions writes what version 1 tells of a line beside its service.
func (w *buffer) stu3ItemExtensions(c *claim, l *line) {
	if c.institutional() {
		if l.service.hcpcs[0] == 'J' { // a drug
			w.text(`"extension":[{"url":"` + variable + `rev_cntr_ndc_qty","valueQuantity":{"value":`)
			w.number(int64(l.units))
			w.text(`,"system":"http://unitsofmeasure.org","code":"ML"}}],`)
		}
		return
	}
	w.text(`"extension":[`)
	if c.Type == coverage.Carrier {
		count := code{"3", "Services"}
		if l.service == &ambulanceMiles[0] {
			count = code{"1", "Transportation (ambulance) miles"}
		}
		w.codedVariable("carr_line_mtus_cd", count)
		w.text(`{"url":"` + variable + `carr_line_mtus_cnt","valueQuantity":{"value":`)
		w.number(int64(l.units))
		w.text(`}},`)
	} else {
		w.identified("suplrnum")
		w.digits(c.team.performing/10, 10)
		w.text(`"}},{"url":"` + variable + `dmerc_line_scrn_svgs_amt","valueQuantity":{"value":0.00}},{"url":"` +
			variable + `dmerc_line_mtus_cnt","valueQuantity":{"value":`)
		w.number(int64(l.units))
		w.text(`,"unit":"Number of services","system":"` + variable + `dmerc_line_mtus_cd","code":"3"}},`)
	}
	if l.service.betos != nil {
		w.codedVariable("betos_cd", *l.service.betos)
	}
	w.codedVariable("line_service_deductible", code{"0", "Service Subject to Deductible"})
	w.end(`],`)
}

// writeServiced writes when a line was served: a period on professional
// claims, a date on those of outpatient departments, agencies and hospices.
func (w *buffer) writeServiced(c *claim, l *line) {
	switch {
	case !c.institutional():
		w.text(`"servicedPeriod":{`)
		w.period(l.from, l.to)
		w.text(`},`)
	case l.from != 0:
		w.text(`"servicedDate":"`)
		w.date(l.from)
		w.text(`",`)
	}
}

// writeLocation writes where a line was served. pricing says whether the DME
// pricing state and supplier type stand here, as in version 1, or on the line.
func (w *buffer) writeLocation(c *claim, l *line, pricing bool) {
	home := c.person.home
	if c.institutional() {
		w.text(`"locationAddress":{"state":"`, home.ssa, `"},`)
		return
	}
	w.text(`"locationCodeableConcept":{"extension":[`)
	w.codedVariable("prvdr_state_cd", code{home.ssa, ""})
	if c.Type == coverage.Carrier {
		w.text(`{"url":"`+variable+`prvdr_zip","valueCoding":{"system":"`+variable+`prvdr_zip","code":"`, home.zip)
		w.digits(c.team.org.npi()/10, 6)
		w.text(`"}},`)
		w.codedVariable("carr_line_prcng_lclty_cd", code{home.locality, ""})
	} else if pricing {
		w.writePricing(c)
	}
	if c.lab {
		w.identified("carr_line_clia_lab_num")
		w.text(home.ssa, `D`)
		w.digits(c.team.performing/10, 7)
		w.text(`"}},`)
	}
	w.end(`],"coding":[`)
	w.coding(variable+"line_place_of_srvc_cd", *l.place)
	w.end(`]},`)
}

// writePricing writes the DME pricing state and the supplier's type.
func (w *buffer) writePricing(c *claim) {
	w.codedVariable("dmerc_line_prcng_state_cd", code{c.person.home.ssa, ""})
	w.codedVariable("dmerc_line_supplr_type_cd", code{"3", "Suppliers (other than sole proprietorship) for whom employer identification (EI) numbers are used in coding the ID field."})
}
