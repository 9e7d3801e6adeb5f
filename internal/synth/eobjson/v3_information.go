package eobjson

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

// v3Information writes the supporting information. A sponsor sees five kinds of it,
// under the sequences that they have on the raw claim. It returns the sequence of a
// number that lines refer to, or 0 if there is none.
func (w *Buffer) v3Information(c *claimgen.Claim, k *codes.ClaimTypeV3) (tracked int) {
	next := 3
	if w.withheld {
		w.v3Coded(1, "CLM_ADJSTMT_TYPE_CD", "Claim Adjustment Type Code", bfdCode+"CLM-ADJSTMT-TYPE-CD", codes.Code{Code: "0", Display: "ORIGINAL"})
		w.v3Dated(2, "CLM_IDR_LD_DT", "Claim IDR Load Date", c.Loaded())
	}
	if c.Institutional() {
		w.v3TypeOfBill(next, c.Kind.Facility.Code, k.OfBill)
		next++
	}
	w.v3Coded(next, "CLM_QUERY_CD", "Claim Query Code", bfdCode+"CLM-QUERY-CD", codes.Code{Code: "3", Display: "FINAL BILL"})
	next++
	if c.Nature != claimgen.SharedSystem { // the shared systems do not know it
		w.v3Coded(next, "CLM_NRLN_RIC_CD", "Near Line Record Identification Code", bfdCode+"CLM-NRLN-RIC-CD", c.Kind.NearLine)
		next++
	}
	if c.DRG != "" {
		w.v3Group(next, c.DRG)
		next++
	}
	if c.Lab {
		w.v3Info(next, "CLM_LINE_HCT_HGB_RSLT_NUM", "HCT/HGB Test Result")
		w.text(`"valueReference":{"reference":"#line-observation-1"}},`)
		next++
	}
	if w.withheld {
		return w.v3Withheld(c, next)
	}
	return 0
}

// v3Info opens an entry of CMS's supporting information, up to its value.
func (w *Buffer) v3Info(sequence int, name, display string) {
	w.text(`{"sequence":`)
	w.number(int64(sequence))
	w.text(`,"category":{"coding":[{"system":"`+bfdCode+`Supporting-Information","code":"`, name, `","display":"`, display,
		`"},{"system":"`+terminology+`claiminformationcategory","code":"info","display":"Information"}]},`)
}

func (w *Buffer) v3Coded(sequence int, name, display, system string, value codes.Code) {
	w.v3Info(sequence, name, display)
	w.text(`"code":{"coding":[`)
	w.coding(system, value)
	w.end(`]}},`)
}

func (w *Buffer) v3Dated(sequence int, name, display string, on coverage.Date) {
	w.v3Info(sequence, name, display)
	w.text(`"timingDate":"`)
	w.date(on)
	w.text(`"},`)
}

// v3CARIN opens an entry of CARIN's supporting information, up to its value.
func (w *Buffer) v3CARIN(sequence int, category string) {
	w.text(`{"sequence":`)
	w.number(int64(sequence))
	w.text(`,"category":{"coding":[{"system":"`+c4bb+`C4BBSupportingInfoType","code":"`, category, `"}]},`)
}

// v3TypeOfBill writes the type of bill. A sponsor sees its first digit, the type of
// the facility.
func (w *Buffer) v3TypeOfBill(sequence int, facility, class string) {
	w.v3CARIN(sequence, "typeofbill")
	w.text(`"code":{"coding":[{"system":"`+bfdCode+`CLM-BILL-FAC-TYPE-CD","code":"`, facility, `"}`)
	if w.withheld {
		w.text(`,{"system":"`+bfdCode+`CLM-BILL-CLSFCTN-CD","code":"`, facility, class,
			`"},{"system":"`+bfdCode+`CLM-BILL-FREQ-CD","code":"`, facility, class, `1"}`)
	}
	w.text(`]}},`)
}

// v3Group writes the DRG, which comes without leading zeros.
func (w *Buffer) v3Group(sequence int, drg string) {
	for len(drg) > 1 && drg[0] == '0' {
		drg = drg[1:]
	}
	w.v3CARIN(sequence, "drg")
	w.text(`"code":{"coding":[{"system":"https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software","code":"`,
		drg, `"}]}},`)
}

// v3Types is a set of claim types.
type v3Types uint8

// Sets of claim types.
const (
	v3Carrier      = v3Types(1 << coverage.Carrier)
	v3HHA          = v3Types(1 << coverage.HHA)
	v3Inpatient    = v3Types(1 << coverage.Inpatient)
	v3Outpatient   = v3Types(1 << coverage.Outpatient)
	v3SNF          = v3Types(1 << coverage.SNF)
	v3Professional = v3Carrier | v3Types(1<<coverage.DME)
	v3Stays        = v3Inpatient | v3SNF | v3HHA | v3Types(1<<coverage.Hospice)
	v3Facilities   = v3Stays | v3Outpatient
)

func (t v3Types) has(c *claimgen.Claim) bool { return t&(1<<c.Type) != 0 }

// v3Facts are the coded entries that no sponsor sees and that say the same on all
// claims of some types. The codes and displays are those of public BFD resources.
var v3Facts = [...]struct {
	on            v3Types
	name, display string
	system        string // after bfdCode
	value         codes.Code
}{
	{v3Facilities | v3Professional, "CLM_DISP_CD", "Claim Disposition Code", "CLM-DISP-CD", codes.Code{Code: "01", Display: "DEBIT ACCEPTED"}},
	{v3Facilities, "CLM_FI_ACTN_CD", "Claim Fiscal Intermediary Action Code", "CLM-FI-ACTN-CD",
		codes.Code{Code: "1", Display: "Original debit action (always a 1 for all regular bills)"}},
	{v3Facilities, "CLM_MDCR_INSTNL_MCO_PD_SW", "MCO Paid Switch", "CLM-MDCR-INSTNL-MCO-PD-SW",
		codes.Code{Code: "0", Display: "No managed care organization (MCO) payment"}},
	{v3Facilities, "CLM_PPS_IND_CD", "Claim PPS Indicator Code", "CLM-PPS-IND-CD", codes.Code{Code: "2", Display: "PPS bill; claim contains PPS indicator"}},
	{v3Stays, "CLM_MDCR_NPMT_RSN_CD", "Claim Non Payment Reason Code", "CLM-MDCR-NPMT-RSN-CD", codes.Code{Code: "P", Display: "PAYMENT REQUESTED"}},
	{v3Inpatient | v3Outpatient, "CLM_RLT_COND_CD", "Claim Related Condition Code", "CLM-RLT-COND-CD",
		codes.Code{Code: "09", Display: "NEITHER PATIENT NOR SPOUSE IS EMPLOYED"}},
	{v3Inpatient, "DGNS_DRG_OUTLIER_CD", "Claim Diagnosis Related Group Outlier Stay Code", "DGNS-DRG-OUTLIER-CD", codes.Code{Code: "0"}},
	{v3Outpatient, "CLM_OP_SRVC_TYPE_CD", "Claim Outpatient Service Type Code", "CLM-OP-SRVC-TYPE-CD", codes.Code{Code: "2", Display: "Urgent"}},
	{v3HHA, "CLM_HHA_LUP_IND_CD", "Claim Lupa Indicator Code", "CLM-HHA-LUP-IND-CD",
		codes.Code{Code: "L", Display: "Low utilization payment adjustment (LUPA) claim"}},
	{v3HHA, "CLM_HHA_RFRL_CD", "Claim Referral Code", "CLM-HHA-RFRL-CD",
		codes.Code{Code: "1", Display: "PHYSICIAN REFERRAL - THE PATIENT WAS ADMITTED UPON THE RECOMMENDATION OF A PERSONAL PHYSICIAN."}},
	{v3HHA, "CLM_ACO_CARE_MGMT_HCBS_SW", "Care Management Home Visits Enhancement", "CLM-BNFT-ENHNCMT-CD-SWITCH", codes.Code{Code: "Y"}},
	{v3HHA, "CLM_NGACO_PDSCHRG_HCBS_SW", "Post Discharge Home Visit Benefit Enhancement Indicator", "CLM-BNFT-ENHNCMT-CD-SWITCH", codes.Code{Code: "Y"}},
	{v3HHA, "CLM_NGACO_SNF_WVR_SW", "SNF 3-Day Waiver Enhancement", "CLM-BNFT-ENHNCMT-CD-SWITCH", codes.Code{Code: "Y"}},
	{v3HHA, "CLM_NGACO_TLHLTH_SW", "Telehealth Benefit Enhancement Indicator", "CLM-BNFT-ENHNCMT-CD-SWITCH", codes.Code{Code: "Y"}},
	{v3HHA, "CLM_NCH_PRMRY_PYR_CD", "NCH Primary Payer Code", "CLM-NCH-PRMRY-PYR-CD", codes.Code{Code: "L"}},
	{v3HHA | v3Inpatient, "CLM_BNFT_ENHNCMT_CD", "Claim Benefit Enhancement Code", "CLM-BNFT-ENHNCMT-CD", codes.Code{Code: "1", Display: "POPULATION BASED PAYMENTS (PBP)"}},
	{v3Professional, "CLM_CARR_PMT_DNL_CD", "Claim Payment Denial Code", "CLM-CARR-PMT-DNL-CD", codes.Code{Code: "1", Display: "Physician/supplier"}},
	{v3Professional, "CLM_MDCR_PRFNL_PRVDR_ASGNMT_SW", "Provider Assignment Indicator", "CLM-MDCR-PRFNL-PRVDR-ASGNMT-SW", codes.Code{Code: "A", Display: "Assigned Claim"}},
}

// v3Withheld writes the supporting information that no sponsor sees, from a sequence
// on. It returns the sequence of the tracking number.
func (w *Buffer) v3Withheld(c *claimgen.Claim, next int) (tracked int) {
	for i := range v3Facts {
		if f := &v3Facts[i]; f.on.has(c) {
			w.v3Coded(next, f.name, f.display, bfdCode+f.system, f.value)
			next++
		}
	}
	home, fips := c.Person.Home, codes.Code{Code: codes.FIPS[c.Person.Home.Number]}
	if contractor := home.Carrier; c.Institutional() {
		w.v3Coded(next, "CLM_CNTRCTR_NUM", "Claim Contractor Number", bfdCode+"CLM-CNTRCTR-NUM", codes.Code{Code: home.FI})
		w.v3Coded(next+1, "PRVDR_FAC_FIPS_ST_CD", "Federal Information Processing Standards (FIPS) State Code", bfdCode+"US-FIPS-STATE-CODES", fips)
	} else {
		if c.Type == coverage.DME {
			contractor = home.DME
		}
		w.v3Coded(next, "CLM_CNTRCTR_NUM", "Claim Contractor Number", bfdCode+"CLM-CNTRCTR-NUM", codes.Code{Code: contractor})
		w.v3Coded(next+1, "RNDRG_PRVDR_FIPS_ST_CD", "Rendering Provider FIPS State Code", bfdCode+"US-FIPS-STATE-CODES", fips)
	}
	w.v3Dated(next+2, "CLM_CMS_PROC_DT", "FI Claim Process Date", c.Loaded())
	w.v3Dated(next+3, "CLM_NCH_WKLY_PROC_DT", "Weekly Process Date", c.Loaded())
	w.v3CARIN(next+4, "clmrecvddate")
	w.text(`"timingDate":"`)
	w.date(c.End)
	w.text(`"},`)
	next += 5
	if v3Stays.has(c) {
		next = w.v3Admission(c, next)
	}
	return w.v3Numbers(c, next)
}

// v3Admission writes how a stay began and ended, and returns the next sequence.
func (w *Buffer) v3Admission(c *claimgen.Claim, next int) int {
	w.v3CARIN(next, "admissionperiod")
	w.text(`"timingPeriod":{`)
	w.period(c.Start, c.End)
	w.text(`}},`)
	w.v3CARIN(next+1, "admtype")
	w.text(`"code":{"coding":[`)
	w.coding(bfdCode+"CLM-ADMSN-TYPE-CD", admissionTypeOf(c))
	w.end(`]}},`)
	w.v3CARIN(next+2, "pointoforigin")
	w.text(`"code":{"coding":[`)
	w.coding(bfdCode+"CLM-ADMSN-SRC-CD", codes.Code{Code: "2", Display: "CLINIC OR PHYSICIAN'S OFFICE (NON-NEWBORN)/RESERVED FOR NATIONAL ASSIGNMENT (NEWBORN)"})
	w.end(`]}},`)
	status := codes.Code{Code: "01"}
	if c.Person.Life.Death == c.End {
		status.Code = "20"
	}
	w.v3CARIN(next+3, "discharge-status")
	w.text(`"code":{"coding":[`)
	w.coding(bfdCode+"BENE-PTNT-STUS-CD", status)
	w.end(`]}},`)
	w.v3Dated(next+4, "CLM_ACTV_CARE_THRU_DT", "Covered Care Through Date", c.End)
	next += 5
	if c.Type == coverage.SNF { // after at least three days in hospital
		w.v3Dated(next, "CLM_QLFY_STAY_FROM_DT", "Qualified Stay From Date", c.Start-3)
		w.v3Dated(next+1, "CLM_QLFY_STAY_THRU_DT", "Qualified Stay Through Date", c.Start)
		next += 2
	}
	if c.Control>>50%8 == 0 { // the last day is not covered any more
		w.v3Dated(next, "CLM_MDCR_EXHSTD_DT", "Medicare Benefits Exhausted Date", c.End)
		w.v3Dated(next+1, "CLM_NCVRD_FROM_DT", "Noncovered Stay From Date", c.End)
		w.v3Dated(next+2, "CLM_NCVRD_THRU_DT", "Noncovered Stay Through Date", c.End)
		next += 3
	}
	return next
}

// v3Numbers writes the pints of blood and the numbers of a trial and of a prior
// authorization, and returns the sequence of the last.
func (w *Buffer) v3Numbers(c *claimgen.Claim, next int) (tracked int) {
	if c.Type != coverage.HHA {
		w.v3Info(next, "CLM_BLOOD_PT_FRNSH_QTY", "Blood Pints Furnished Quantity")
		w.text(`"valueQuantity":{"value":`)
		w.number(int64(c.Control >> 40 % 3))
		w.text(`,"unit":"pint","system":"http://unitsofmeasure.org","code":"[pt_us]"}},`)
		next++
	}
	if c.Type == coverage.Carrier {
		w.v3Info(next, "CLM_CLNCL_TRIL_NUM", "Clinical Trial Number")
		w.text(`"valueString":"99`)
		w.digits(c.Control>>20, 6)
		w.text(`"},`)
		next++
	}
	w.v3Info(next, "CLM_LINE_PMD_UNIQ_TRKNG_NUM", "Prior Authorization Unique Tracking Number")
	w.text(`"valueString":"SYN`)
	w.digits(c.Control>>10, 11)
	w.text(`"},`)
	return next
}
