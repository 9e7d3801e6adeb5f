package eobjson

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

// Elements that both versions write only on raw claims. All of them are removed
// before a claim is delivered.

// modifiers are hcpcs Level II modifiers (CMS): right side, left side, and that
// a policy's requirements are met.
var modifiers = [...]string{"RT", "LT", "KX"}

// writeModifier writes a modifier on some lines.
func (w *Buffer) writeModifier(c *claimgen.Claim, at int) {
	if !w.withheld || (c.Control+uint64(at))%4 != 0 {
		return
	}
	w.text(`"modifier":[{"coding":[`)
	w.coding(hcpcs, codes.Code{Code: modifiers[(c.Control>>8)%uint64(len(modifiers))]})
	w.end(`]}],`)
}

// amount is one of a line's amounts.
type amount struct {
	name, display string
	cents         int
}

// amountsOf returns what a line was charged and paid. A sponsor may not see it.
func amountsOf(c *claimgen.Claim, l *claimgen.Line) [4]amount {
	allowed := l.Charge * c.Allowed / max(1, c.Charge)
	if c.Institutional() {
		return [4]amount{
			{"rev_cntr_tot_chrg_amt", "Revenue Center Total Charge Amount", l.Charge},
			{"rev_cntr_ncvrd_chrg_amt", "Revenue Center Non-Covered Charge Amount", 0},
			{"rev_cntr_rate_amt", "Revenue Center Rate Amount", l.Charge / max(1, l.Units)},
			{"rev_cntr_pmt_amt_amt", "Revenue Center (Medicare) Provider Payment Amount", allowed - allowed/5},
		}
	}
	return [4]amount{
		{"line_sbmtd_chrg_amt", "Line Submitted Charge Amount", l.Charge},
		{"line_alowd_chrg_amt", "Line Allowed Charge Amount", allowed},
		{"line_coinsrnc_amt", "Line Beneficiary Coinsurance Amount", allowed / 5},
		{"line_nch_pmt_amt", "Line NCH Medicare Payment Amount", allowed - allowed/5},
	}
}

// partOf returns the part of Medicare that pays.
func partOf(c *claimgen.Claim) string {
	switch c.Type {
	case coverage.OtherClaim:
		return "part-d"
	case coverage.Inpatient, coverage.SNF, coverage.Hospice:
		return "part-a"
	}
	return "part-b"
}

// writeCoverage writes the reference to the patient's coverage.
func (w *Buffer) writeCoverage(c *claimgen.Claim) {
	w.text(`"coverage":{"reference":"Coverage/`, partOf(c), `-`)
	w.number(int64(c.Patient))
	w.text(`"}`)
}

// dischargeOf returns how a stay ended.
func dischargeOf(c *claimgen.Claim) codes.Code {
	if c.Person.Life.Death == c.End {
		return codes.Code{Code: "B", Display: "Died"}
	}
	return codes.Code{Code: "A", Display: "Discharged"}
}

// admissionTypeOf returns whether a stay was planned.
func admissionTypeOf(c *claimgen.Claim) codes.Code {
	if c.Stay != nil && c.Stay.Planned {
		return codes.Code{Code: "3", Display: "Elective - The patient's condition permitted adequate time to schedule the availability of suitable accommodations."}
	}
	return codes.Code{Code: "1", Display: "Emergency - The patient required immediate medical intervention as a result of severe, life threatening, or potentially disabling conditions."}
}
