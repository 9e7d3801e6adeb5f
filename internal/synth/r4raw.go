package synth

import "ab2d/internal/coverage"

// r4Contained writes the organization that an institutional claim refers to.
func (w *buffer) r4Contained(c *claim) {
	if !w.raw || !c.institutional() {
		return
	}
	w.text(`"contained":[{"resourceType":"Organization","id":"provider-org","identifier":[{"type":{"coding":[{"system":"` + terminology +
		`v2-0203","code":"PRN"}]},"value":"`)
	w.ccn(c.team.org)
	w.text(`"},{"type":{"coding":[{"system":"` + carin + `CodeSystem/C4BBIdentifierType","code":"npi"}]},"system":"` + npiSystem + `","value":"`)
	w.digits(c.team.org.npi(), 10)
	w.text(`"}],"active":true,"name":"`)
	w.organizationName(c.team.org)
	w.text(`"}],`)
}

// r4Extensions writes the extensions of a claim after that which leaves.
func (w *buffer) r4Extensions(c *claim) {
	if !w.raw {
		return
	}
	if c.institutional() {
		w.codedVariable("fi_num", code{c.person.home.fi, ""})
		w.codedVariable("clm_mdcr_non_pmt_rsn_cd", code{"N", "All other reasons for non-payment"})
		return
	}
	contractor := c.person.home.carrier
	if c.Type == coverage.DME {
		contractor = c.person.home.dme
	}
	w.identified("carr_num")
	w.text(contractor, `"}},`)
	w.identified("carr_clm_cntl_num")
	w.digits(c.control, 14)
	w.text(`"}},`)
	w.codedVariable("carr_clm_pmt_dnl_cd", code{"1", "Physician/supplier"})
	w.codedVariable("asgmntcd", code{"A", "Assigned claim"})
}

func (w *buffer) r4Use(c *claim) {
	if w.raw {
		w.text(`"use":"claim",`)
	}
}

// r4Parties writes when the claim was made, and who insures, provides and refers.
func (w *buffer) r4Parties(c *claim) {
	if !w.raw {
		return
	}
	w.text(`"created":"`)
	w.instant(c.millis)
	w.text(`","insurer":{"identifier":{"value":"CMS"}},`)
	if c.institutional() {
		w.text(`"provider":{"reference":"#provider-org"},`)
		return
	}
	w.text(`"provider":{"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(c.team.performing, 10)
	w.text(`"}},`)
	if c.team.referring != 0 {
		w.text(`"referral":{"identifier":{"type":{"coding":[{"system":"` + carin +
			`CodeSystem/C4BBIdentifierType","code":"npi","display":"National Provider Identifier"}]},"value":"`)
		w.digits(c.team.referring, 10)
		w.text(`"}},`)
	}
}

func (w *buffer) r4Outcome(c *claim) {
	if !w.raw {
		return
	}
	w.text(`"outcome":"complete",`)
	if !c.institutional() {
		w.text(`"disposition":"1",`)
	}
}

// r4Withheld writes the supporting information before the DRG's sequence.
func (w *buffer) r4Withheld(c *claim, drg int64) {
	if !w.raw {
		return
	}
	w.text(`{"sequence":1,"category":{"coding":[{"system":"` + carin + `CodeSystem/C4BBSupportingInfoType","code":"clmrecvddate","display":"Claim Received Date"}]},"timingDate":"`)
	w.date(coverage.Date(c.millis / dayMillis))
	w.text(`"},`)
	if c.drg == "" {
		return
	}
	w.r4Info(2, "nch_ptnt_stus_ind_cd", "NCH Patient Status Indicator Code")
	w.r4Code("nch_ptnt_stus_ind_cd", dischargeOf(c))
	w.text(`{"sequence":3,"category":{"coding":[{"system":"` + carin + `CodeSystem/C4BBSupportingInfoType","code":"admissionperiod","display":"Admission Period"}]},"timingPeriod":{`)
	w.period(c.Start, c.End)
	w.text(`}},`)
	w.r4Info(4, "clm_ip_admsn_type_cd", "Claim Inpatient Admission Type Code")
	w.r4Code("clm_ip_admsn_type_cd", admissionTypeOf(c))
	if drg > 5 {
		w.r4Info(5, "clm_src_ip_admsn_cd", "Claim Source Inpatient Admission Code")
		w.r4Code("clm_src_ip_admsn_cd", code{"4", "Transfer from hospital"})
	}
}

// r4Code writes the code of an entry of supporting information, and its end.
func (w *buffer) r4Code(name string, value code) {
	w.text(`"code":{"coding":[{"system":"`+variable, name, `","code":"`, value.code, `","display":"`, value.display, `"}]}},`)
}

func (w *buffer) r4Insurance(c *claim) {
	if !w.raw {
		return
	}
	w.text(`"insurance":[{"focal":true,`)
	w.writeCoverage(c)
	w.text(`}],`)
}

// r4ItemExtensions writes a line's extensions, of which those of equipment
// leave.
func (w *buffer) r4ItemExtensions(c *claim, l *line) {
	dme := c.Type == coverage.DME
	if !dme && (!w.raw || c.institutional()) {
		return
	}
	w.text(`"extension":[`)
	if dme {
		w.writePricing(c)
	}
	if w.raw {
		if l.service.betos != nil {
			w.codedVariable("betos_cd", *l.service.betos)
		}
		w.codedVariable("line_prcsg_ind_cd", code{"A", "Allowed"})
	}
	w.end(`],`)
}

func (w *buffer) r4Category(c *claim) {
	if w.raw && !c.institutional() {
		w.text(`"category":{"coding":[{"system":"` + variable + `line_cms_type_srvc_cd","code":"1","display":"Medical care"}]},`)
	}
}

// r4Adjudication writes what a line was charged and paid.
func (w *buffer) r4Adjudication(c *claim, l *line) {
	if !w.raw {
		return
	}
	w.text(`,"adjudication":[`)
	for _, a := range amountsOf(c, l) {
		w.text(`{"category":{"coding":[{"system":"`+terminology+`adjudication","code":"submitted","display":"Submitted Amount"},{"system":"`+
			bluebutton+`codesystem/adjudication","code":"`+variable, a.name, `","display":"`, a.display, `"}]},"amount":{"value":`)
		w.cents(a.cents)
		w.text(`,"currency":"USD"}},`)
	}
	w.end(`]`)
}

// r4Payment writes what the claim was charged and paid.
func (w *buffer) r4Payment(c *claim) {
	if !w.raw {
		return
	}
	w.text(`,"total":[{"category":{"coding":[{"system":"` + terminology + `adjudication","code":"submitted","display":"Submitted Amount"}]},"amount":{"value":`)
	w.cents(c.charge)
	w.text(`,"currency":"USD"}}],"payment":{"amount":{"value":`)
	w.cents(c.paid)
	w.text(`,"currency":"USD"}},"benefitBalance":[{"category":{"coding":[{"system":"` + terminology +
		`ex-benefitcategory","code":"1","display":"Medical Care"}]},"financial":[{"type":{"coding":[{"system":"` + bluebutton +
		`codesystem/benefit-balance","code":"` + variable + `nch_clm_prvdr_pmt_amt"}]},"usedMoney":{"value":`)
	w.cents(c.paid)
	w.text(`,"currency":"USD"}}]}]`)
}
