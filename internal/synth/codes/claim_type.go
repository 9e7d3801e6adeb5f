package codes

import "ab2d/internal/coverage"

// Code is a code of a code system with its display, which may be empty. Displays
// contain no character that JSON escapes.
type Code struct{ Code, Display string }

// ClaimType holds what all claims of one type have in common: the codings in both
// versions, and how soon a claim is loaded.
type ClaimType struct {
	NCH          Code   // NCH claim type code
	EOB          string // BFD's eob-type
	STU3Type     Code   // none for hha and dme
	R4Type       Code
	NearLine     Code
	ServiceClass string // claim service classification type code, v1
	Profile      string // the CARIN profile that BFD's v2 names, although it is not always the right one
	SubType      Code   // CARIN institutional subtype; the display is its text
	Facility     Code   // claim facility type code
	QueryV1      bool   // v1 marks the billable period as a final bill
	QueryV2      bool
	OtherType    Code // type of a diagnosis that is neither principal nor admitting, v2
	Principal    string
	LagFrom      int // days from the end of service to the load
	LagTo        int
}

var (
	professional  = Code{"professional", "Professional"}
	pharmacy      = Code{"pharmacy", "Pharmacy"}
	institutional = Code{"institutional", "Institutional"}
	partA         = Code{"V", "Part A institutional claim record (inpatient [IP], skilled nursing facility [SNF], hospice [HOS], or home health agency [HHA])"}
	partB         = Code{"W", "Part B institutional claim record (outpatient [HOP], HHA)"}
	otherDx       = Code{"other", "Other"}
	secondaryDx   = Code{"secondary", "Secondary"}
)

// ClaimTypes is indexed by coverage.ClaimType. Source of codes and displays: ResDAC's
// public codebooks of the NCH claim files, as BFD's v1 and v2 resources show them.
var ClaimTypes = [coverage.SNF + 1]ClaimType{
	coverage.OtherClaim: { // a Part D event
		EOB:      "PDE",
		STU3Type: pharmacy, R4Type: pharmacy,
		Profile: "Pharmacy",
		LagFrom: 14, LagTo: 45,
	},
	coverage.Carrier: {
		NCH:      Code{"71", "Local carrier non-durable medical equipment, prosthetics, orthotics, and supplies (DMEPOS) claim"},
		EOB:      "CARRIER",
		STU3Type: professional, R4Type: professional,
		NearLine:  Code{"O", "Part B physician/supplier claim record (processed by local carriers; can include DMEPOS services)"},
		Profile:   "Professional-NonClinician",
		OtherType: secondaryDx, Principal: "principal",
		LagFrom: 14, LagTo: 45,
	},
	coverage.DME: {
		NCH:       Code{"82", "DMERC; DMEPOS claim"},
		EOB:       "DME",
		R4Type:    institutional,
		NearLine:  Code{"M", "Part B DMEPOS claim record (processed by DME Regional Carrier)"},
		Profile:   "Inpatient-Institutional",
		OtherType: secondaryDx, Principal: "Principal Diagnosis",
		LagFrom: 14, LagTo: 45,
	},
	coverage.HHA: {
		NCH:    Code{"10", "Home Health Agency (HHA) claim"},
		EOB:    "HHA",
		R4Type: professional, NearLine: partB, ServiceClass: "2",
		Profile:   "Professional-NonClinician",
		SubType:   Code{"inpatient", "Inpatient"},
		Facility:  Code{"3", "Home Health Agency (HHA)"},
		QueryV2:   true,
		OtherType: secondaryDx, Principal: "principal",
		LagFrom: 20, LagTo: 60,
	},
	coverage.Hospice: {
		NCH:      Code{"50", "Hospice claim"},
		EOB:      "HOSPICE",
		STU3Type: institutional, R4Type: institutional, NearLine: partA, ServiceClass: "1",
		Profile:   "Inpatient-Institutional",
		SubType:   Code{"inpatient", "Inpatient"},
		Facility:  Code{"8", "Ambulatory Surgery Center (ASC) or other special facility (e.g. hospice)"},
		QueryV2:   true,
		OtherType: otherDx, Principal: "Principal Diagnosis",
		LagFrom: 20, LagTo: 60,
	},
	coverage.Inpatient: {
		NCH:      Code{"60", "Inpatient claim"},
		EOB:      "INPATIENT",
		STU3Type: institutional, R4Type: institutional, NearLine: partA, ServiceClass: "1",
		Profile:  "Inpatient-Institutional",
		SubType:  Code{"inpatient", "Inpatient"},
		Facility: Code{"1", "Hospital"},
		QueryV1:  true, QueryV2: true,
		OtherType: otherDx, Principal: "Principal Diagnosis",
		LagFrom: 20, LagTo: 60,
	},
	coverage.Outpatient: {
		NCH:      Code{"40", "Hospital Outpatient claim"},
		EOB:      "OUTPATIENT",
		STU3Type: professional, R4Type: institutional, NearLine: partB, ServiceClass: "3",
		Profile:  "Outpatient-Institutional",
		SubType:  Code{"outpatient", "Outpatient"},
		Facility: Code{"1", "Hospital"},
		QueryV1:  true, QueryV2: true,
		OtherType: otherDx, Principal: "Principal Diagnosis",
		LagFrom: 20, LagTo: 60,
	},
	coverage.SNF: {
		NCH:      Code{"20", "Non swing bed Skilled Nursing Facility (SNF) claim"},
		EOB:      "SNF",
		STU3Type: institutional, R4Type: institutional, NearLine: partA, ServiceClass: "1",
		Profile:  "Inpatient-Institutional",
		SubType:  Code{"inpatient", "Inpatient"},
		Facility: Code{"2", "Skilled Nursing Facility (SNF)"},
		QueryV1:  true, QueryV2: true,
		OtherType: otherDx, Principal: "Principal Diagnosis",
		LagFrom: 20, LagTo: 60,
	},
}
