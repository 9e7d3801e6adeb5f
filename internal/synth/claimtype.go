package synth

import "ab2d/internal/coverage"

// code is one code of a code system with its display, which may be empty.
// Displays hold no character that JSON escapes; a test checks it.
type code struct{ code, display string }

// claimType holds what is the same on every claim of one type: its codings in
// both versions and how soon it is loaded.
type claimType struct {
	nch          code   // NCH claim type code
	eob          string // BFD's eob-type
	stu3Type     code   // none for hha and dme
	r4Type       code
	nearLine     code
	serviceClass string // claim service classification type code, v1
	profile      string // the CARIN profile that BFD's v2 names, whatever one thinks of it
	subType      code   // CARIN institutional subtype; the display is its text
	facility     code   // claim facility type code
	queryV1      bool   // v1 marks the billable period as a final bill
	queryV2      bool
	otherType    code // type of a diagnosis that is neither principal nor admitting, v2
	principal    string
	lagFrom      int // days from the end of service to the load
	lagTo        int
}

var (
	professional  = code{"professional", "Professional"}
	pharmacy      = code{"pharmacy", "Pharmacy"}
	institutional = code{"institutional", "Institutional"}
	partA         = code{"V", "Part A institutional claim record (inpatient [IP], skilled nursing facility [SNF], hospice [HOS], or home health agency [HHA])"}
	partB         = code{"W", "Part B institutional claim record (outpatient [HOP], HHA)"}
	otherDx       = code{"other", "Other"}
	secondaryDx   = code{"secondary", "Secondary"}
)

// claimTypes is indexed by coverage.ClaimType. Codes and displays: ResDAC's
// public codebooks of the NCH claim files, as BFD's v1 and v2 resources show them.
var claimTypes = [coverage.SNF + 1]claimType{
	coverage.OtherClaim: { // a Part D event
		eob:      "PDE",
		stu3Type: pharmacy, r4Type: pharmacy,
		profile: "Pharmacy",
		lagFrom: 14, lagTo: 45,
	},
	coverage.Carrier: {
		nch:      code{"71", "Local carrier non-durable medical equipment, prosthetics, orthotics, and supplies (DMEPOS) claim"},
		eob:      "CARRIER",
		stu3Type: professional, r4Type: professional,
		nearLine:  code{"O", "Part B physician/supplier claim record (processed by local carriers; can include DMEPOS services)"},
		profile:   "Professional-NonClinician",
		otherType: secondaryDx, principal: "principal",
		lagFrom: 14, lagTo: 45,
	},
	coverage.DME: {
		nch:       code{"82", "DMERC; DMEPOS claim"},
		eob:       "DME",
		r4Type:    institutional,
		nearLine:  code{"M", "Part B DMEPOS claim record (processed by DME Regional Carrier)"},
		profile:   "Inpatient-Institutional",
		otherType: secondaryDx, principal: "Principal Diagnosis",
		lagFrom: 14, lagTo: 45,
	},
	coverage.HHA: {
		nch:    code{"10", "Home Health Agency (HHA) claim"},
		eob:    "HHA",
		r4Type: professional, nearLine: partB, serviceClass: "2",
		profile:   "Professional-NonClinician",
		subType:   code{"inpatient", "Inpatient"},
		facility:  code{"3", "Home Health Agency (HHA)"},
		queryV2:   true,
		otherType: secondaryDx, principal: "principal",
		lagFrom: 20, lagTo: 60,
	},
	coverage.Hospice: {
		nch:      code{"50", "Hospice claim"},
		eob:      "HOSPICE",
		stu3Type: institutional, r4Type: institutional, nearLine: partA, serviceClass: "1",
		profile:   "Inpatient-Institutional",
		subType:   code{"inpatient", "Inpatient"},
		facility:  code{"8", "Ambulatory Surgery Center (ASC) or other special facility (e.g. hospice)"},
		queryV2:   true,
		otherType: otherDx, principal: "Principal Diagnosis",
		lagFrom: 20, lagTo: 60,
	},
	coverage.Inpatient: {
		nch:      code{"60", "Inpatient claim"},
		eob:      "INPATIENT",
		stu3Type: institutional, r4Type: institutional, nearLine: partA, serviceClass: "1",
		profile:  "Inpatient-Institutional",
		subType:  code{"inpatient", "Inpatient"},
		facility: code{"1", "Hospital"},
		queryV1:  true, queryV2: true,
		otherType: otherDx, principal: "Principal Diagnosis",
		lagFrom: 20, lagTo: 60,
	},
	coverage.Outpatient: {
		nch:      code{"40", "Hospital Outpatient claim"},
		eob:      "OUTPATIENT",
		stu3Type: professional, r4Type: institutional, nearLine: partB, serviceClass: "3",
		profile:  "Outpatient-Institutional",
		subType:  code{"outpatient", "Outpatient"},
		facility: code{"1", "Hospital"},
		queryV1:  true, queryV2: true,
		otherType: otherDx, principal: "Principal Diagnosis",
		lagFrom: 20, lagTo: 60,
	},
	coverage.SNF: {
		nch:      code{"20", "Non swing bed Skilled Nursing Facility (SNF) claim"},
		eob:      "SNF",
		stu3Type: institutional, r4Type: institutional, nearLine: partA, serviceClass: "1",
		profile:  "Inpatient-Institutional",
		subType:  code{"inpatient", "Inpatient"},
		facility: code{"2", "Skilled Nursing Facility (SNF)"},
		queryV1:  true, queryV2: true,
		otherType: otherDx, principal: "Principal Diagnosis",
		lagFrom: 20, lagTo: 60,
	},
}
