package eobjson

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

// stu3Referral writes the request by which a doctor referred, a contained
// resource in BFD's v1.
func (w *Buffer) stu3Referral(c *claimgen.Claim) {
	if !w.withheld || c.Team.Referring == 0 {
		return
	}
	w.text(`"contained":[{"resourceType":"ReferralRequest","id":"1","status":"completed","intent":"order","subject":{"reference":"Patient/`)
	w.number(int64(c.Patient))
	w.text(`"},"requester":{"agent":{"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(c.Team.Referring, 10)
	w.text(`"}}}}],`)
}

// stu3Information writes how a stay began and ended.
func (w *Buffer) stu3Information(c *claimgen.Claim) {
	if !w.withheld {
		return
	}
	if !c.Institutional() {
		if c.Team.Referring != 0 {
			w.text(`"referral":{"reference":"#1"},`)
		}
		w.text(`"disposition":"1",`)
		return
	}
	if c.DRG == "" {
		return
	}
	w.text(`"information":[`)
	w.stu3Info(1, "nch_ptnt_stus_ind_cd", "NCH Patient Status Indicator Code", dischargeOf(c))
	w.stu3Info(2, "clm_ip_admsn_type_cd", "Claim Inpatient Admission Type Code", admissionTypeOf(c))
	w.end(`],`)
}

func (w *Buffer) stu3Info(sequence int64, name, display string, value codes.Code) {
	w.text(`{"sequence":`)
	w.number(sequence)
	w.text(`,"category":{"coding":[{"system":"`+bluebutton+`codesystem/information","code":"`+variable, name, `","display":"`, display,
		`"}]},"code":{"coding":[{"system":"`+variable, name, `","code":"`, value.Code, `","display":"`, value.Display, `"}]}},`)
}

// stu3Insurance writes the coverage and the days in hospital.
func (w *Buffer) stu3Insurance(c *claimgen.Claim) {
	if !w.withheld {
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

func (w *Buffer) stu3Category(c *claimgen.Claim) {
	if w.withheld && !c.Institutional() {
		w.text(`,"category":{"coding":[{"system":"` + variable + `line_cms_type_srvc_cd","code":"1","display":"Medical care"}]}`)
	}
}

// stu3Adjudication writes what a line was charged and paid.
func (w *Buffer) stu3Adjudication(c *claimgen.Claim, l *claimgen.Line) {
	if !w.withheld {
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
func (w *Buffer) stu3Payment(c *claimgen.Claim) {
	if !w.withheld {
		return
	}
	const usd = `,"system":"urn:iso:std:iso:4217","code":"USD"}`
	w.text(`,"totalCost":{"value":`)
	w.cents(c.Charge)
	w.text(usd + `,"payment":{"amount":{"value":`)
	w.cents(c.Paid)
	w.text(usd + `},"benefitBalance":[{"category":{"coding":[{"system":"http://hl7.org/fhir/benefit-category","code":"medical","display":"Medical Health Coverage"}]},` +
		`"financial":[{"type":{"coding":[{"system":"` + bluebutton + `codesystem/benefit-balance","code":"` + variable + `nch_clm_prvdr_pmt_amt"}]},"usedMoney":{"value":`)
	w.cents(c.Paid)
	w.text(usd + `}]}]`)
}
