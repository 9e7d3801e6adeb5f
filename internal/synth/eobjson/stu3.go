package eobjson

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

// URIs that BFD's resources use.
const (
	bluebutton = "https://bluebutton.cms.gov/resources/"
	variable   = bluebutton + "variables/"
	hcpcs      = bluebutton + "codesystem/hcpcs"
	npiSystem  = "http://hl7.org/fhir/sid/us-npi"
	icd10      = "http://hl7.org/fhir/sid/icd-10"
)

// writeSTU3 writes a claim in STU3, as version 1 delivers it, in the order in which
// FHIR defines the elements, which is also HAPI's. It leaves out precedence, which
// AB2D's library adds as an invalid 0.
func writeSTU3(w *Buffer, c *claimgen.Claim, mbis []byte) {
	w.text(`{"resourceType":"ExplanationOfBenefit",`)
	w.writeID(c)
	w.text(`"meta":{"lastUpdated":"`)
	w.instant(c.UpdatedMillis)
	w.text(`"},`)
	if c.Nature == claimgen.PartD {
		w.stu3Drug(c)
		return
	}
	w.stu3Referral(c)
	w.text(`"extension":[`)
	w.stu3Extensions(c)
	w.b = append(w.b, mbis...)
	w.end(`],"identifier":[{"system":"` + variable + `clm_id","value":"`)
	w.number(c.ID)
	w.text(`"},{"system":"` + bluebutton + `identifier/claim-group","value":"`)
	w.number(c.Group)
	w.text(`"}],"status":"`, c.Status(), `","type":{"coding":[`)
	w.stu3Type(c)
	w.end(`]},"patient":{"reference":"Patient/`)
	w.number(int64(c.Patient))
	w.text(`"},`)
	w.writePeriod(c, c.Kind.QueryV1)
	if c.Institutional() {
		w.stu3Facility(c)
	}
	w.stu3Information(c)
	w.text(`"careTeam":[`)
	performing := w.stu3Team(c)
	w.end(`],"diagnosis":[`)
	w.stu3Diagnoses(c)
	w.end(`],`)
	w.writeProcedures(c, "")
	w.stu3Insurance(c)
	w.text(`"item":[`)
	w.stu3Items(c, performing)
	w.end(`]`)
	w.stu3Payment(c)
	w.text("}\n")
}

// writeID writes the id: type and claim id, which is negative.
func (w *Buffer) writeID(c *claimgen.Claim) {
	kind := "pde"
	if c.Type != coverage.OtherClaim {
		kind = c.Type.String()
	}
	w.text(`"id":"`, kind, `-`)
	w.number(c.ID)
	w.text(`",`)
}

// coding writes a Coding and a comma.
func (w *Buffer) coding(system string, c codes.Code) {
	w.text(`{"system":"`, system, `","code":"`, c.Code)
	if c.Display != "" {
		w.text(`","display":"`, c.Display)
	}
	w.text(`"},`)
}

// codedVariable writes a coded extension of one of CMS's variables.
func (w *Buffer) codedVariable(name string, c codes.Code) {
	w.text(`{"url":"`+variable, name, `","valueCoding":{"system":"`+variable, name, `","code":"`, c.Code)
	if c.Display != "" {
		w.text(`","display":"`, c.Display)
	}
	w.text(`"}},`)
}

// money writes an amount as an extension, as STU3 does.
func (w *Buffer) money(name string, cents int) {
	w.text(`{"url":"`+variable, name, `","valueMoney":{"value":`)
	w.cents(cents)
	w.text(`,"system":"urn:iso:std:iso:4217","code":"USD"}},`)
}

// identified opens an extension with an identifier, up to its value.
func (w *Buffer) identified(name string) {
	w.text(`{"url":"`+variable, name, `","valueIdentifier":{"system":"`+variable, name, `","value":"`)
}

// writePeriod writes the billable period.
func (w *Buffer) writePeriod(c *claimgen.Claim, query bool) {
	w.text(`"billablePeriod":{`)
	if query {
		w.text(`"extension":[`)
		w.codedVariable("claim_query_cd", codes.Code{Code: "3", Display: "Final bill"})
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

func (w *Buffer) period(from, to coverage.Date) {
	w.text(`"start":"`)
	w.date(from)
	w.text(`","end":"`)
	w.date(to)
	w.text(`"`)
}

func (w *Buffer) stu3Type(c *claimgen.Claim) {
	k := c.Kind
	w.coding(variable+"nch_clm_type_cd", k.NCH)
	w.coding(bluebutton+"codesystem/eob-type", codes.Code{Code: k.EOB})
	if k.STU3Type.Code != "" {
		w.coding("http://hl7.org/fhir/ex-claimtype", k.STU3Type)
	}
	w.coding(variable+"nch_near_line_rec_ident_cd", k.NearLine)
	if k.ServiceClass != "" {
		w.coding(variable+"clm_srvc_clsfctn_type_cd", codes.Code{Code: k.ServiceClass})
	}
}

// stu3Extensions writes the claim's amounts and numbers, which only version 1
// delivers.
func (w *Buffer) stu3Extensions(c *claimgen.Claim) {
	switch c.Type {
	case coverage.Carrier, coverage.DME:
		w.stu3Professional(c)
		return
	case coverage.Inpatient:
		w.stu3Hospital(c)
	case coverage.Outpatient:
		w.money("nch_profnl_cmpnt_chrg_amt", 0)
		w.money("nch_bene_ptb_ddctbl_amt", c.Deductible)
		w.money("nch_bene_ptb_coinsrnc_amt", c.Coinsurance)
		w.money("clm_op_prvdr_pmt_amt", c.Paid)
		w.money("clm_op_bene_pmt_amt", 0)
	}
	if c.Type == coverage.Inpatient || c.Type == coverage.SNF {
		w.stu3PartA(c)
	}
	if c.Type != coverage.HHA && c.Type != coverage.Hospice {
		w.money("nch_bene_blood_ddctbl_lblty_am", 0)
	}
	w.money("prpayamt", 0)
	w.identified("fi_num")
	w.text(c.Person.Home.FI, `"}},`)
	w.identified("fi_doc_clm_cntl_num")
	w.digits(c.Control, 14)
	w.text(`"}},`)
}

func (w *Buffer) stu3Professional(c *claimgen.Claim) {
	contractor := c.Person.Home.Carrier
	if c.Type == coverage.DME {
		contractor = c.Person.Home.DME
	}
	w.money("prpayamt", 0)
	w.identified("carr_num")
	w.text(contractor, `"}},`)
	w.identified("carr_clm_cntl_num")
	w.digits(c.Control, 14)
	w.text(`"}},`)
	w.codedVariable("carr_clm_pmt_dnl_cd", codes.Code{Code: "1", Display: "Physician/supplier"})
	w.codedVariable("asgmntcd", codes.Code{Code: "A", Display: "Assigned claim"})
	w.money("carr_clm_cash_ddctbl_apld_amt", c.Deductible)
	w.money("nch_clm_prvdr_pmt_amt", c.Paid)
	w.money("nch_clm_bene_pmt_amt", 0)
	w.money("nch_carr_clm_sbmtd_chrg_amt", c.Charge)
	w.money("nch_carr_clm_alowd_amt", c.Allowed)
}

// stu3Hospital writes the amounts that only inpatient claims have: shares of the
// prospective payment.
func (w *Buffer) stu3Hospital(c *claimgen.Claim) {
	w.money("ime_op_clm_val_amt", c.Paid/40)
	w.money("dsh_op_clm_val_amt", c.Paid/50)
	w.money("clm_pass_thru_per_diem_amt", 0)
	w.money("nch_profnl_cmpnt_chrg_amt", 0)
	w.money("clm_tot_pps_cptl_amt", c.Paid/12)
}

// stu3PartA writes the amounts that stays in hospitals and nursing facilities share.
func (w *Buffer) stu3PartA(c *claimgen.Claim) {
	w.money("nch_bene_ip_ddctbl_amt", c.Deductible)
	w.money("nch_bene_pta_coinsrnc_lblty_amt", c.Coinsurance)
	w.money("nch_ip_ncvrd_chrg_amt", 0)
	w.money("nch_ip_tot_ddctn_amt", c.Deductible+c.Coinsurance)
	w.money("clm_pps_cptl_dsprprtnt_shr_amt", c.Paid/300)
	w.money("clm_pps_cptl_excptn_amt", 0)
	w.money("clm_pps_cptl_fsp_amt", c.Paid/14)
	w.money("clm_pps_cptl_ime_amt", c.Paid/400)
	w.money("clm_pps_cptl_outlier_amt", 0)
	w.money("clm_pps_old_cptl_hld_hrmls_amt", 0)
	if c.Type == coverage.Inpatient {
		w.money("nch_drg_outlier_aprvd_pmt_amt", 0)
	}
}

// stu3Facility writes who billed: the CCN, and the NPI twice.
func (w *Buffer) stu3Facility(c *claimgen.Claim) {
	o := c.Team.Organization
	w.text(`"provider":{"identifier":{"system":"` + variable + `prvdr_num","value":"`)
	w.ccn(o)
	w.text(`"}},"organization":{`)
	w.stu3Org(c)
	w.text(`},"facility":{"extension":[`)
	w.codedVariable("clm_fac_type_cd", c.Kind.Facility)
	w.end(`],`)
	w.stu3Org(c)
	w.text(`},`)
}

func (w *Buffer) stu3Org(c *claimgen.Claim) {
	w.text(`"identifier":{"system":"` + npiSystem + `","value":"`)
	w.digits(c.Team.Organization.NPI(), 10)
	w.text(`"},"display":"`)
	w.organizationName(c.Team.Organization)
	w.text(`"`)
}
