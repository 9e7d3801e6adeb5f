package synth

import "ab2d/internal/coverage"

// URIs that BFD's resources use.
const (
	bluebutton = "https://bluebutton.cms.gov/resources/"
	variable   = bluebutton + "variables/"
	hcpcs      = bluebutton + "codesystem/hcpcs"
	npiSystem  = "http://hl7.org/fhir/sid/us-npi"
	icd10      = "http://hl7.org/fhir/sid/icd-10"
)

// writeSTU3 writes a claim as version 1 delivers it: STU3, in the order of
// the elements' definition, which is HAPI's. Precedence, which AB2D's library
// adds as an invalid 0, is left out.
func writeSTU3(w *buffer, c *claim, mbis []byte) {
	w.text(`{"resourceType":"ExplanationOfBenefit",`)
	c.writeID(w)
	w.text(`"meta":{"lastUpdated":"`)
	w.instant(c.millis)
	w.text(`"},`)
	if c.nature == partD {
		c.stu3Drug(w)
		return
	}
	c.stu3Referral(w)
	w.text(`"extension":[`)
	c.stu3Extensions(w)
	w.b = append(w.b, mbis...)
	w.end(`],"identifier":[{"system":"` + variable + `clm_id","value":"`)
	w.number(c.id)
	w.text(`"},{"system":"` + bluebutton + `identifier/claim-group","value":"`)
	w.number(c.group)
	w.text(`"}],"status":"`, c.status(), `","type":{"coding":[`)
	c.stu3Type(w)
	w.end(`]},"patient":{"reference":"Patient/`)
	w.number(int64(c.Patient))
	w.text(`"},`)
	c.writePeriod(w, c.kind.queryV1)
	if c.institutional() {
		c.stu3Facility(w)
	}
	c.stu3Information(w)
	w.text(`"careTeam":[`)
	performing := c.stu3Team(w)
	w.end(`],"diagnosis":[`)
	c.stu3Diagnoses(w)
	w.end(`],`)
	c.writeProcedures(w, "")
	c.stu3Insurance(w)
	w.text(`"item":[`)
	c.stu3Items(w, performing)
	w.end(`]`)
	c.stu3Payment(w)
	w.text("}\n")
}

// institutional tells a facility's claim from a doctor's or supplier's.
func (c *claim) institutional() bool { return c.kind.facility.code != "" }

// writeID writes the id: type and claim id, which is negative.
func (c *claim) writeID(w *buffer) {
	kind := "pde"
	if c.Type != coverage.OtherClaim {
		kind = c.Type.String()
	}
	w.text(`"id":"`, kind, `-`)
	w.number(c.id)
	w.text(`",`)
}

// status tells whether the version is in force.
func (c *claim) status() string {
	if c.cancelled {
		return "cancelled"
	}
	return "active"
}

// coding writes a Coding and a comma.
func (w *buffer) coding(system string, c code) {
	w.text(`{"system":"`, system, `","code":"`, c.code)
	if c.display != "" {
		w.text(`","display":"`, c.display)
	}
	w.text(`"},`)
}

// codedVariable writes a coded extension of one of CMS's variables.
func (w *buffer) codedVariable(name string, c code) {
	w.text(`{"url":"`+variable, name, `","valueCoding":{"system":"`+variable, name, `","code":"`, c.code)
	if c.display != "" {
		w.text(`","display":"`, c.display)
	}
	w.text(`"}},`)
}

// money writes an amount as an extension, the way of STU3.
func (w *buffer) money(name string, cents int) {
	w.text(`{"url":"`+variable, name, `","valueMoney":{"value":`)
	w.cents(cents)
	w.text(`,"system":"urn:iso:std:iso:4217","code":"USD"}},`)
}

// identified opens an extension with an identifier, up to its value.
func (w *buffer) identified(name string) {
	w.text(`{"url":"`+variable, name, `","valueIdentifier":{"system":"`+variable, name, `","value":"`)
}

// writePeriod writes the billable period.
func (c *claim) writePeriod(w *buffer, query bool) {
	w.text(`"billablePeriod":{`)
	if query {
		w.text(`"extension":[`)
		w.codedVariable("claim_query_cd", code{"3", "Final bill"})
		w.end(`],`)
	}
	if c.HasEnd {
		w.period(c.Start, c.End)
	} else {
		w.text(`"start":"`)
		w.date(c.Start)
		w.text(`"`)
	}
	w.text(`},`)
}

func (w *buffer) period(from, to coverage.Date) {
	w.text(`"start":"`)
	w.date(from)
	w.text(`","end":"`)
	w.date(to)
	w.text(`"`)
}

func (c *claim) stu3Type(w *buffer) {
	k := c.kind
	w.coding(variable+"nch_clm_type_cd", k.nch)
	w.coding(bluebutton+"codesystem/eob-type", code{k.eob, ""})
	if k.stu3Type.code != "" {
		w.coding("http://hl7.org/fhir/ex-claimtype", k.stu3Type)
	}
	w.coding(variable+"nch_near_line_rec_ident_cd", k.nearLine)
	if k.serviceClass != "" {
		w.coding(variable+"clm_srvc_clsfctn_type_cd", code{k.serviceClass, ""})
	}
}

// stu3Extensions writes the claim's amounts and numbers, which only version 1
// delivers.
func (c *claim) stu3Extensions(w *buffer) {
	switch c.Type {
	case coverage.Carrier, coverage.DME:
		c.stu3Professional(w)
		return
	case coverage.Inpatient:
		c.stu3Hospital(w)
	case coverage.Outpatient:
		w.money("nch_profnl_cmpnt_chrg_amt", 0)
		w.money("nch_bene_ptb_ddctbl_amt", c.deductible)
		w.money("nch_bene_ptb_coinsrnc_amt", c.coinsurance)
		w.money("clm_op_prvdr_pmt_amt", c.paid)
		w.money("clm_op_bene_pmt_amt", 0)
	}
	if c.Type == coverage.Inpatient || c.Type == coverage.SNF {
		c.stu3PartA(w)
	}
	if c.Type != coverage.HHA && c.Type != coverage.Hospice {
		w.money("nch_bene_blood_ddctbl_lblty_am", 0)
	}
	w.money("prpayamt", 0)
	w.identified("fi_num")
	w.text(c.person.home.fi, `"}},`)
	w.identified("fi_doc_clm_cntl_num")
	w.digits(c.control, 14)
	w.text(`"}},`)
}

func (c *claim) stu3Professional(w *buffer) {
	contractor := c.person.home.carrier
	if c.Type == coverage.DME {
		contractor = c.person.home.dme
	}
	w.money("prpayamt", 0)
	w.identified("carr_num")
	w.text(contractor, `"}},`)
	w.identified("carr_clm_cntl_num")
	w.digits(c.control, 14)
	w.text(`"}},`)
	w.codedVariable("carr_clm_pmt_dnl_cd", code{"1", "Physician/supplier"})
	w.codedVariable("asgmntcd", code{"A", "Assigned claim"})
	w.money("carr_clm_cash_ddctbl_apld_amt", c.deductible)
	w.money("nch_clm_prvdr_pmt_amt", c.paid)
	w.money("nch_clm_bene_pmt_amt", 0)
	w.money("nch_carr_clm_sbmtd_chrg_amt", c.charge)
	w.money("nch_carr_clm_alowd_amt", c.allowed)
}

// stu3Hospital writes what only an inpatient claim has: shares of the
// prospective payment.
func (c *claim) stu3Hospital(w *buffer) {
	w.money("ime_op_clm_val_amt", c.paid/40)
	w.money("dsh_op_clm_val_amt", c.paid/50)
	w.money("clm_pass_thru_per_diem_amt", 0)
	w.money("nch_profnl_cmpnt_chrg_amt", 0)
	w.money("clm_tot_pps_cptl_amt", c.paid/12)
}

// stu3PartA writes what stays in a hospital or nursing facility share.
func (c *claim) stu3PartA(w *buffer) {
	w.money("nch_bene_ip_ddctbl_amt", c.deductible)
	w.money("nch_bene_pta_coinsrnc_lblty_amt", c.coinsurance)
	w.money("nch_ip_ncvrd_chrg_amt", 0)
	w.money("nch_ip_tot_ddctn_amt", c.deductible+c.coinsurance)
	w.money("clm_pps_cptl_dsprprtnt_shr_amt", c.paid/300)
	w.money("clm_pps_cptl_excptn_amt", 0)
	w.money("clm_pps_cptl_fsp_amt", c.paid/14)
	w.money("clm_pps_cptl_ime_amt", c.paid/400)
	w.money("clm_pps_cptl_outlier_amt", 0)
	w.money("clm_pps_old_cptl_hld_hrmls_amt", 0)
	if c.Type == coverage.Inpatient {
		w.money("nch_drg_outlier_aprvd_pmt_amt", 0)
	}
}

// stu3Facility writes who billed: the CCN, and the NPI twice.
func (c *claim) stu3Facility(w *buffer) {
	o := c.team.org
	w.text(`"provider":{"identifier":{"system":"` + variable + `prvdr_num","value":"`)
	o.ccn(w)
	w.text(`"}},"organization":{`)
	c.stu3Org(w)
	w.text(`},"facility":{"extension":[`)
	w.codedVariable("clm_fac_type_cd", c.kind.facility)
	w.end(`],`)
	c.stu3Org(w)
	w.text(`},`)
}

func (c *claim) stu3Org(w *buffer) {
	w.text(`"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(c.team.org.npi(), 10)
	w.text(`"},"display":"`)
	c.team.org.name(w)
	w.text(`"`)
}
