package eobjson

import (
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

// v3Amount is an amount with its category in a common code system, which may be
// missing, and in BFD's.
type v3Amount struct {
	system, category, display string
	name, meaning             string
	cents                     int
}

// write writes the amount as an entry of adjudication or total.
func (a *v3Amount) write(w *Buffer) {
	w.text(`{"category":{"coding":[`)
	if a.system != "" {
		w.text(`{"system":"`, a.system, `","code":"`, a.category, `","display":"`, a.display, `"},`)
	}
	w.text(`{"system":"`+bfdCode+`Adjudication","code":"`, a.name, `","display":"`, a.meaning, `"}]},"amount":{"value":`)
	w.cents(a.cents)
	w.text(`,"currency":"USD"}},`)
}

// Code systems of amounts.
const (
	v3Common = terminology + "adjudication"
	v3CARIN  = c4bb + "C4BBAdjudication"
)

// v3Adjudication writes what a line was charged and paid.
func (w *Buffer) v3Adjudication(c *claimgen.Claim, l *claimgen.Line) {
	if !w.withheld {
		return
	}
	allowed := l.Charge * c.Allowed / max(1, c.Charge)
	w.text(`,"adjudication":[`)
	for _, a := range [...]v3Amount{
		{v3Common, "eligible", "Eligible Amount", "CLM_LINE_ALOWD_CHRG_AMT", "Line Allowed Charge Amount", allowed},
		{v3Common, "submitted", "Submitted Amount", "CLM_LINE_SBMT_CHRG_AMT", "Line Submitted Charge Amount", l.Charge},
		{v3CARIN, "paidtoprovider", "Paid to provider", "CLM_LINE_PRVDR_PMT_AMT", "Line Provider Payment Amount", allowed - allowed/5},
		{v3CARIN, "noncovered", "Noncovered", "CLM_LINE_NCVRD_CHRG_AMT", "Non-Covered Charge Amount", 0},
		{"", "", "", "CLM_LINE_BLOOD_DDCTBL_AMT", "Blood Deductible Amount", 0},
	} {
		a.write(w)
	}
	if !c.Institutional() {
		w.v3PaymentStatus()
	}
	w.end(`]`)
}

// v3PaymentStatus writes an adjudication without an amount.
func (w *Buffer) v3PaymentStatus() {
	w.text(`{"category":{"coding":[{"system":"` + c4bb + `C4BBAdjudicationDiscriminator","code":"benefitpaymentstatus","display":"Benefit Payment Status"}]},` +
		`"reason":{"coding":[{"system":"` + c4bb + `C4BBPayerAdjudicationStatus","code":"other","display":"Other"}]}},`)
}

// v3Payment writes what the claim was charged and paid.
func (w *Buffer) v3Payment(c *claimgen.Claim) {
	if !w.withheld {
		return
	}
	w.text(`,"adjudication":[`)
	w.v3PaymentStatus()
	if c.Institutional() {
		w.text(`{"category":{"coding":[{"system":"` + bfdCode +
			`Adjudication","code":"CLM_INSTNL_CVRD_DAY_CNT","display":"Claim Covered Day Count"}]},"value":`)
		w.number(int64(c.End-c.Start) + 1)
		w.text(`},`)
	}
	a := v3Amount{"", "", "", "CLM_BLOOD_LBLTY_AMT", "Beneficiary Blood Deductible Liability Amount", 0}
	a.write(w)
	w.end(`],"total":[`)
	for _, a := range [...]v3Amount{
		{v3Common, "submitted", "Submitted Amount", "CLM_SBMT_CHRG_AMT", "Total Charge Amount", c.Charge},
		{v3Common, "deductible", "Deductible", "CLM_MDCR_DDCTBL_AMT", "Beneficiary Deductible Amount", c.Deductible},
		{v3CARIN, "coinsurance", "Co-insurance", "CLM_MDCR_COINSRNC_AMT", "Beneficiary Coinsurance Liability Amount", c.Coinsurance},
	} {
		a.write(w)
	}
	w.end(`],"payment":{"amount":{"value":`)
	w.cents(c.Paid)
	w.text(`,"currency":"USD"}}`)
}

// v3Drug writes a Part D event from its care team on. It is always written raw.
func (w *Buffer) v3Drug(c *claimgen.Claim, k *codes.ClaimTypeV3) {
	l := &c.Lines.All[0]
	w.text(`"careTeam":[`)
	w.v3Member(c, 1, c.Team.Referring, codes.Code{Code: "prescribing", Display: "Prescribing provider"}, nil)
	w.end(`],"supportingInfo":[`)
	w.v3Coded(1, "CLM_ADJSTMT_TYPE_CD", "Claim Adjustment Type Code", bfdCode+"CLM-ADJSTMT-TYPE-CD", codes.Code{Code: "0", Display: "ORIGINAL"})
	w.v3CARIN(2, "dayssupply")
	w.text(`"valueQuantity":{"value":30,"unit":"days",` + ucumStart + `d"}},`)
	w.v3CARIN(3, "refillnum")
	w.text(`"valueQuantity":{"value":0}},`)
	w.end(`],`)
	w.v3Insurance(k)
	w.text(`"item":[{"sequence":1,"productOrService":{"coding":[{"system":"`+ndcSystem+`","code":"`, l.Service.HCPCS, `"}]},"servicedDate":"`)
	w.date(l.From)
	w.text(`","quantity":{"value":`)
	w.number(int64(l.Units))
	w.text(`}`)
	w.v3Adjudication(c, l)
	w.end(`}]`)
	w.v3Payment(c)
	w.text("}\n")
}
