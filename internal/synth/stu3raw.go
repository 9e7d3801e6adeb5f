package synth

import "ab2d/internal/coverage"

// stu3Referral writes the request by which a doctor referred, a contained
// resource in BFD's v1.
func (w *buffer) stu3Referral(c *claim) {
	if !w.raw || c.team.referring == 0 {
		return
	}
	w.text(`"contained":[{"resourceType":"ReferralRequest","id":"1","status":"completed","intent":"order","subject":{"reference":"Patient/`)
	w.number(int64(c.Patient))
	w.text(`"},"requester":{"agent":{"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(c.team.referring, 10)
	w.text(`"}}}}],`)
}

// stu3Information writes how a stay began and ended.
func (w *buffer) stu3Information(c *claim) {
	if !w.raw {
		return
	}
	if !c.institutional() {
		if c.team.referring != 0 {
			w.text(`"referral":{"reference":"#1"},`)
		}
		w.text(`"disposition":"1",`)
		return
	}
	if c.drg == "" {
		return
	}
	w.text(`"information":[`)
	w.stu3Info(1, "nch_ptnt_stus_ind_cd", "NCH Patient Status Indicator Code", dischargeOf(c))
	w.stu3Info(2, "clm_ip_admsn_type_cd", "Claim Inpatient Admission Type Code", admissionTypeOf(c))
	w.end(`],`)
}

func (w *buffer) stu3Info(sequence int64, name, display string, value code) {
	w.text(`{"sequence":`)
	w.number(sequence)
	w.text(`,"category":{"coding":[{"system":"`+bluebutton+`codesystem/information","code":"`+variable, name, `","display":"`, display,
		`"}]},"code":{"coding":[{"system":"`+variable, name, `","code":"`, value.code, `","display":"`, value.display, `"}]}},`)
}

// stu3Insurance writes who pays, and the days in hospital.
func (w *buffer) stu3Insurance(c *claim) {
	if !w.raw {
		return
	}
	w.text(`"insurance":{`)
	w.writeCoverage(c)
	w.text(`},`)
	if c.Type == coverage.Inpatient || c.Type == coverage.SNF {
		w.text(`"hospitalization":{`)
		w.period(c.Start, c.End)
		w.text(`},`)
	}
}

func (w *buffer) stu3Category(c *claim) {
	if w.raw && !c.institutional() {
		w.text(`,"category":{"coding":[{"system":"` + variable + `line_cms_type_srvc_cd","code":"1","display":"Medical care"}]}`)
	}
}

// stu3Adjudication writes what a line was charged and paid.
func (w *buffer) stu3Adjudication(c *claim, l *line) {
	if !w.raw {
		return
	}
	w.text(`,"adjudication":[`)
	for _, a := range amountsOf(c, l) {
		w.text(`{"category":{"coding":[{"system":"`+bluebutton+`codesystem/adjudication","code":"`+variable, a.name, `","display":"`, a.display,
			`"}]},"amount":{"value":`)
		w.cents(a.cents)
		w.text(`,"system":"urn:iso:std:iso:4217","code":"USD"}},`)
	}
	w.end(`]`)
}

// stu3Payment writes what the claim was charged and paid.
func (w *buffer) stu3Payment(c *claim) {
	if !w.raw {
		return
	}
	const usd = `,"system":"urn:iso:std:iso:4217","code":"USD"}`
	w.text(`,"totalCost":{"value":`)
	w.cents(c.charge)
	w.text(usd + `,"payment":{"amount":{"value":`)
	w.cents(c.paid)
	w.text(usd + `},"benefitBalance":[{"category":{"coding":[{"system":"http://hl7.org/fhir/benefit-category","code":"medical","display":"Medical Health Coverage"}]},` +
		`"financial":[{"type":{"coding":[{"system":"` + bluebutton + `codesystem/benefit-balance","code":"` + variable + `nch_clm_prvdr_pmt_amt"}]},"usedMoney":{"value":`)
	w.cents(c.paid)
	w.text(usd + `}]}]`)
}
