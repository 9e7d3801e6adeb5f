package codes

import "ab2d/internal/coverage"

// ClaimTypeV3 holds what all claims of one type have in common in version 3 of the
// API. What it does not hold is the same as in version 2.
type ClaimTypeV3 struct {
	NCH     []Code // CLM-TYPE-CD of the National Claims History, the usual one first
	EOB     Code
	Type    string // of the claim-type code system
	Profile string // the CARIN profile
	SubType string // CARIN institutional subtype; empty on professional claims
	Part    string // of Medicare
	Other   string // type of a diagnosis that is neither principal nor admitting

	Shared  Code   // CLM-TYPE-CD of the shared system that has the claim before it is final
	System  string // name of that system
	OfBill  string // second digit of the type of bill; empty on professional claims
	OnEntry string // present-on-admission indicator of a diagnosis that has none; empty for none
}

// ClaimTypesV3 is indexed by coverage.ClaimType. The codes and displays are those of
// public BFD resources of version 3, which show no display for most codes.
var ClaimTypesV3 = [coverage.SNF + 1]ClaimTypeV3{
	coverage.OtherClaim: { // a Part D event
		NCH: []Code{{"1", "MEDICARE PART D ORIGINAL CLAIM"}}, EOB: Code{"PDE", ""},
		Type: "pharmacy", Profile: "Pharmacy", Part: "Part D", System: "DDPS",
	},
	coverage.Carrier: {
		NCH: []Code{{"71", ""}, {"72", "MEDICARE PART B PROFESSIONAL PHYSICIAN/SUPPLIER CLAIM (DMEPOS)"}}, EOB: Code{"CARRIER", ""},
		Type: "professional", Profile: "Professional-NonClinician", Part: "Part B", Other: "secondary",
		Shared: Code{"2700", "PROF MEDICARE SS PART B PROFESSIONAL"}, System: "MCS",
	},
	coverage.DME: {
		NCH: []Code{{"82", ""}, {"81", ""}}, EOB: Code{"DME", "Durable Medical Equipment Claim"},
		Type: "professional", Profile: "Professional-NonClinician", Part: "Part B", Other: "secondary",
		Shared: Code{"2800", "DME MEDICARE SS DME"}, System: "VMS",
	},
	coverage.HHA: {
		NCH: []Code{{"10", "MEDICARE HHA CLAIM"}}, EOB: Code{"HHA", "Home Health Services"},
		Type: "institutional", Profile: "Inpatient-Institutional", SubType: "inpatient", Part: "Part B", Other: "other",
		Shared: Code{"2032", ""}, System: "FISS", OfBill: "3", OnEntry: "1",
	},
	coverage.Hospice: {
		NCH: []Code{{"50", "MEDICARE HOSPICE CLAIM"}}, EOB: Code{"HOSPICE", ""},
		Type: "institutional", Profile: "Inpatient-Institutional", SubType: "inpatient", Part: "Part A", Other: "other",
		Shared: Code{"2081", ""}, System: "FISS", OfBill: "1", OnEntry: "1",
	},
	coverage.Inpatient: {
		NCH: []Code{{"60", "MEDICARE INPATIENT CLAIM"}, {"61", ""}, {"62", ""}, {"63", ""}, {"64", ""}}, EOB: Code{"INPATIENT", ""},
		Type: "institutional", Profile: "Inpatient-Institutional", SubType: "inpatient", Part: "Part A", Other: "other",
		Shared: Code{"2011", ""}, System: "FISS", OfBill: "1",
	},
	coverage.Outpatient: {
		NCH: []Code{{"40", "MEDICARE OUTPATIENT CLAIM"}}, EOB: Code{"OUTPATIENT", ""},
		Type: "institutional", Profile: "Outpatient-Institutional", SubType: "outpatient", Part: "Part B", Other: "other",
		Shared: Code{"2013", ""}, System: "FISS", OfBill: "3",
	},
	coverage.SNF: {
		NCH: []Code{{"20", "MEDICARE NON-SWING BED SNF CLAIM"}, {"30", ""}}, EOB: Code{"SNF", "Skilled Nursing Facility Care"},
		Type: "institutional", Profile: "Inpatient-Institutional", SubType: "inpatient", Part: "Part A", Other: "other",
		Shared: Code{"2021", "021X MEDICARE SS SNF INPATIENT"}, System: "FISS", OfBill: "1", OnEntry: "1",
	},
}
