package eobjson

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

// r4Contained writes the organization that an institutional claim refers to.
func (w *Buffer) r4Contained(c *claimgen.Claim) {
	if !w.withheld || !c.Institutional() {
		return
	}
	w.text(`"contained":[{"resourceType":"Organization","id":"provider-org","identifier":[{"type":{"coding":[{"system":"` + terminology +
		`v2-0203","code":"PRN"}]},"value":"`)
	w.ccn(c.Team.Organization)
	w.text(`"},{"type":{"coding":[{"system":"` + carin + `CodeSystem/C4BBIdentifierType","code":"npi"}]},"system":"` + npiSystem + `","value":"`)
	w.digits(c.Team.Organization.NPI(), 10)
	w.text(`"}],"active":true,"name":"`)
	w.organizationName(c.Team.Organization)
	w.text(`"}],`)
}

// r4Extensions writes the extensions of a claim that are not delivered.
func (w *Buffer) r4Extensions(c *claimgen.Claim) {
	if !w.withheld {
		return
	}
	if c.Institutional() {
		w.codedVariable("fi_num", codes.Code{Code: c.Person.Home.FI})
		w.codedVariable("clm_mdcr_non_pmt_rsn_cd", codes.Code{Code: "N", Display: "All other reasons for non-payment"})
		return
	}
	contractor := c.Person.Home.Carrier
	if c.Type == coverage.DME {
		contractor = c.Person.Home.DME
	}
	w.identified("carr_num")
	w.text(contractor, `"}},`)
	w.identified("carr_clm_cntl_num")
	w.digits(c.Control, 14)
	w.text(`"}},`)
	w.codedVariable("carr_clm_pmt_dnl_cd", codes.Code{Code: "1", Display: "Physician/supplier"})
	w.codedVariable("asgmntcd", codes.Code{Code: "A", Display: "Assigned claim"})
}

func (w *Buffer) r4Use(c *claimgen.Claim) {
	if w.withheld {
		w.text(`"use":"claim",`)
	}
}

// r4Parties writes the creation time, the insurer, the provider and the referral.
func (w *Buffer) r4Parties(c *claimgen.Claim) {
	if !w.withheld {
		return
	}
	w.text(`"created":"`)
	w.instant(c.UpdatedMillis)
	w.text(`","insurer":{"identifier":{"value":"CMS"}},`)
	if c.Institutional() {
		w.text(`"provider":{"reference":"#provider-org"},`)
		return
	}
	w.text(`"provider":{"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(c.Team.Performing, 10)
	w.text(`"}},`)
	if c.Team.Referring != 0 {
		w.text(`"referral":{"identifier":{"type":{"coding":[{"system":"` + carin +
			`CodeSystem/C4BBIdentifierType","code":"npi","display":"National Provider Identifier"}]},"value":"`)
		w.digits(c.Team.Referring, 10)
		w.text(`"}},`)
	}
}

func (w *Buffer) r4Outcome(c *claimgen.Claim) {
	if !w.withheld {
		return
	}
	w.text(`"outcome":"complete",`)
	if !c.Institutional() {
		w.text(`"disposition":"1",`)
	}
}

// r4Withheld writes the supporting information before the DRG's sequence.
func (w *Buffer) r4Withheld(c *claimgen.Claim, drg int64) {
	if !w.withheld {
		return
	}
	w.text(`{"sequence":1,"category":{"coding":[{"system":"` + carin + `CodeSystem/C4BBSupportingInfoType","code":"clmrecvddate","display":"Claim Received Date"}]},"timingDate":"`)
	w.date(coverage.Date(c.UpdatedMillis / claimgen.DayMillis))
	w.text(`"},`)
	if c.DRG == "" {
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
		w.r4Code("clm_src_ip_admsn_cd", codes.Code{Code: "4", Display: "Transfer from hospital"})
	}
}

// r4Code writes the code of an entry of supporting information, and its end.
func (w *Buffer) r4Code(name string, value codes.Code) {
	w.text(`"code":{"coding":[{"system":"`+variable, name, `","code":"`, value.Code, `","display":"`, value.Display, `"}]}},`)
}

func (w *Buffer) r4Insurance(c *claimgen.Claim) {
	if !w.withheld {
		return
	}
	w.text(`"insurance":[{"focal":true,`)
	w.writeCoverage(c)
	w.text(`}],`)
}

// r4ItemExtensions writes the extensions of a line. Only those of equipment are
// delivered.
func (w *Buffer) r4ItemExtensions(c *claimgen.Claim, l *claimgen.Line) {
	dme := c.Type == coverage.DME
	if !dme && (!w.withheld || c.Institutional()) {
		return
	}
	w.text(`"extension":[`)
	if dme {
		w.writePricing(c)
	}
	if w.withheld {
		if l.Service.BETOS != nil {
			w.codedVariable("betos_cd", *l.Service.BETOS)
		}
		w.codedVariable("line_prcsg_ind_cd", codes.Code{Code: "A", Display: "Allowed"})
	}
	w.end(`],`)
}

func (w *Buffer) r4Category(c *claimgen.Claim) {
	if w.withheld && !c.Institutional() {
		w.text(`"category":{"coding":[{"system":"` + variable + `line_cms_type_srvc_cd","code":"1","display":"Medical care"}]},`)
	}
}

// r4Adjudication writes what a line was charged and paid.
func (w *Buffer) r4Adjudication(c *claimgen.Claim, l *claimgen.Line) {
	if !w.withheld {
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
func (w *Buffer) r4Payment(c *claimgen.Claim) {
	if !w.withheld {
		return
	}
	w.text(`,"total":[{"category":{"coding":[{"system":"` + terminology + `adjudication","code":"submitted","display":"Submitted Amount"}]},"amount":{"value":`)
	w.cents(c.Charge)
	w.text(`,"currency":"USD"}}],"payment":{"amount":{"value":`)
	w.cents(c.Paid)
	w.text(`,"currency":"USD"}},"benefitBalance":[{"category":{"coding":[{"system":"` + terminology +
		`ex-benefitcategory","code":"1","display":"Medical Care"}]},"financial":[{"type":{"coding":[{"system":"` + bluebutton +
		`codesystem/benefit-balance","code":"` + variable + `nch_clm_prvdr_pmt_amt"}]},"usedMoney":{"value":`)
	w.cents(c.Paid)
	w.text(`,"currency":"USD"}}]}]`)
}
