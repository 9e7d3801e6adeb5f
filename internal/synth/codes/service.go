package codes

// Service is a HCPCS Level II code (CMS, HCPCS alphanumeric file) with its units and
// charge. BFD never delivers HCPCS displays, so the tables have none. The comments
// name the service.
type Service struct {
	HCPCS  string
	BETOS  *Code // CMS BETOS category; nil if there is none or it is not certain
	Units  int   // at most
	Charge int   // cents a unit
	Reason *Code // the diagnosis that belongs to it; nil for none
}

// BETOS categories (CMS, Berenson-Eggers Type of Service).
var (
	betosAmbulance = &Code{"O1A", "Ambulance"}
	betosDrug      = &Code{"O1E", "Other drugs"}
	betosVaccine   = &Code{"O1G", "Immunizations/Vaccinations"}
	BETOSColon     = &Code{"P8D", "Endoscopy - colonoscopy"}
	betosBed       = &Code{"D1B", "Hospital beds"}
	betosOxygen    = &Code{"D1C", "Oxygen and supplies"}
	betosChair     = &Code{"D1D", "Wheelchairs"}
	betosDME       = &Code{"D1E", "Other DME"}
	betosOrthotic  = &Code{"D1F", "Prosthetic/Orthotic devices"}
)

// Setting is a kind of carrier or outpatient claim: the place, the provider and the
// services.
type Setting struct {
	Weight       uint16
	Place        *Code
	Organization int   // kind of the organization
	Specialty    *Code // of a supplier or specialist; nil: the doctor's own
	Needs        int   // a condition the person must have, or AnyCondition
	Always       []Service
	Services     []Service // one or more of these
	Lab          bool      // lines name the laboratory's CLIA number
}

// AnyCondition stands for no particular condition.
const AnyCondition = -1

// AmbulanceSetting is the index of the ambulance in CarrierSettings.
const AmbulanceSetting = 2

// CarrierSettings are the settings of carrier claims.
var CarrierSettings = [...]Setting{
	{Weight: 620, Place: &placeOffice, Needs: AnyCondition, Services: officeServices[:]},
	{Weight: 110, Place: &placeLab, Organization: LabCompany, Specialty: &laboratory, Needs: AnyCondition, Services: labServices[:], Lab: true},
	{Weight: 50, Place: &placeAmbulance, Organization: AmbulanceCompany, Specialty: &ambulanceSupplier, Needs: AnyCondition, Always: AmbulanceMiles[:], Services: ambulanceServices[:]},
	{Weight: 40, Place: &placeNursing, Organization: XrayCompany, Specialty: &portableXray, Needs: AnyCondition, Services: xrayServices[:]},
	{Weight: 60, Place: &placeSurgery, Needs: AnyCondition, Services: screeningServices[:]},
	{Weight: 40, Place: &placeHospital, Needs: AnyCondition, Services: imagingServices[:]},
	{Weight: 300, Place: &placeOffice, Specialty: &medicalOncology, Needs: Cancer, Services: infusionServices[:]},
}

// OutpatientSettings are the settings of outpatient claims. The place and specialty
// are those of the hospital.
var OutpatientSettings = [...]Setting{
	{Weight: 480, Needs: AnyCondition, Always: clinicVisit[:], Services: officeServices[8:16]},
	{Weight: 130, Needs: AnyCondition, Services: imagingServices[:]},
	{Weight: 120, Needs: AnyCondition, Always: observation[:], Services: HospitalDrugs[:]},
	{Weight: 90, Needs: AnyCondition, Services: screeningServices[:]},
	{Weight: 60, Needs: Anemia, Services: bloodServices[:]},
	{Weight: 300, Needs: Cancer, Services: infusionServices[:]},
}

var officeServices = [...]Service{
	{"G0439", nil, 1, 17_500, &checkUp},              // annual wellness visit, subsequent
	{"G0438", nil, 1, 22_000, &checkUp},              // annual wellness visit, first
	{"G0402", nil, 1, 21_000, &checkUp},              // welcome to Medicare visit
	{"G0444", nil, 1, 2_800, &moodScreen},            // depression screening
	{"G0446", nil, 1, 4_000, &heartScreen},           // cardiovascular counseling
	{"G0447", nil, 1, 3_900, nil},                    // obesity counseling
	{"G0108", nil, 2, 8_000, nil},                    // diabetes self-management training
	{"G0270", nil, 2, 4_500, nil},                    // nutrition therapy
	{"G0008", betosVaccine, 1, 3_500, &immunization}, // administration of influenza vaccine
	{"G0009", betosVaccine, 1, 3_500, &immunization}, // administration of pneumococcal vaccine
	{"J3420", betosDrug, 1, 1_200, nil},              // vitamin B-12
	{"J3301", betosDrug, 4, 900, nil},                // triamcinolone acetonide
	{"J1885", betosDrug, 4, 300, nil},                // ketorolac
	{"J0696", betosDrug, 4, 500, nil},                // ceftriaxone
	{"J1100", betosDrug, 8, 100, nil},                // dexamethasone sodium phosphate
	{"J0897", betosDrug, 60, 2_400, nil},             // denosumab
	{"G0180", nil, 1, 6_500, nil},                    // home health certification
	{"G0181", nil, 1, 13_000, nil},                   // home health supervision
}

var labServices = [...]Service{
	{"P9603", nil, 20, 110, nil},           // travel allowance per mile
	{"P9604", nil, 1, 1_300, nil},          // travel allowance, flat rate
	{"G0328", nil, 1, 2_600, &colonScreen}, // fecal blood screening, immunoassay
	{"P9612", nil, 1, 800, nil},            // catheterization for a urine specimen
}

// Services of an ambulance.
var (
	ambulanceServices = [...]Service{
		{"A0428", betosAmbulance, 1, 45_000, nil}, // basic life support, not emergency
		{"A0429", betosAmbulance, 1, 72_000, nil}, // basic life support, emergency
		{"A0427", betosAmbulance, 1, 89_000, nil}, // advanced life support, emergency
	}
	AmbulanceMiles = [...]Service{{"A0425", betosAmbulance, 25, 1_900, nil}} // ground mileage
)

var xrayServices = [...]Service{
	{"R0070", nil, 1, 22_000, nil}, // transport of X-ray equipment, one patient
	{"R0075", nil, 1, 11_000, nil}, // the same, several patients
	{"Q0092", nil, 1, 3_500, nil},  // set-up of portable X-ray equipment
}

var screeningServices = [...]Service{
	{"G0121", BETOSColon, 1, 98_000, &colonScreen}, // colonoscopy, not high risk
	{"G0105", BETOSColon, 1, 99_000, &colonScreen}, // colonoscopy, high risk
	{"G0104", nil, 1, 46_000, &colonScreen},        // flexible sigmoidoscopy
}

var imagingServices = [...]Service{
	{"Q9967", nil, 100, 40, nil},        // low osmolar contrast, 300-399 mg/ml iodine
	{"A9500", nil, 2, 18_000, nil},      // technetium Tc-99m sestamibi
	{"A9552", nil, 1, 32_000, nil},      // fluorodeoxyglucose F-18
	{"J2785", betosDrug, 4, 7_000, nil}, // regadenoson
}

var infusionServices = [...]Service{
	{"J9271", nil, 200, 6_100, &immunotherapy},   // pembrolizumab
	{"J9035", nil, 60, 8_300, &immunotherapy},    // bevacizumab
	{"J9263", nil, 300, 120, &chemotherapy},      // oxaliplatin
	{"J2405", betosDrug, 16, 60, &chemotherapy},  // ondansetron
	{"J1100", betosDrug, 12, 100, &chemotherapy}, // dexamethasone sodium phosphate
	{"J7050", betosDrug, 2, 400, nil},            // normal saline, 250 cc
	{"J1756", betosDrug, 200, 90, nil},           // iron sucrose
}

var (
	clinicVisit = [...]Service{{"G0463", nil, 1, 24_000, nil}}
	observation = [...]Service{{"G0378", nil, 36, 9_000, nil}, {"G0379", nil, 1, 52_000, nil}}
)

// HospitalDrugs are drugs and supplies of a hospital.
var HospitalDrugs = [...]Service{
	{"J7030", nil, 3, 1_500, nil},  // normal saline, 1000 cc
	{"J0696", nil, 8, 500, nil},    // ceftriaxone
	{"J1644", nil, 10, 200, nil},   // heparin sodium
	{"J1885", nil, 4, 300, nil},    // ketorolac
	{"J2405", nil, 8, 60, nil},     // ondansetron
	{"A9552", nil, 1, 32_000, nil}, // fluorodeoxyglucose F-18
	{"P9016", nil, 2, 41_000, nil}, // red blood cells, leukocytes reduced
	{"Q9967", nil, 100, 40, nil},   // low osmolar contrast
	{"C1769", nil, 2, 30_000, nil}, // guide wire
}

var bloodServices = [...]Service{
	{"P9016", nil, 2, 41_000, nil},      // red blood cells, leukocytes reduced
	{"J1439", betosDrug, 750, 140, nil}, // ferric carboxymaltose
	{"J1756", betosDrug, 200, 90, nil},  // iron sucrose
}

// NursingServices are services of a skilled nursing facility.
var NursingServices = [...]Service{
	{"J1644", nil, 10, 200, nil},  // heparin sodium
	{"J0696", nil, 8, 500, nil},   // ceftriaxone
	{"J7030", nil, 2, 1_500, nil}, // normal saline, 1000 cc
	{"G0471", nil, 1, 600, nil},   // venous blood from a nursing home patient
	{"A6402", nil, 30, 40, nil},   // sterile gauze pad
}

// HomeServices are services of a home health agency.
var HomeServices = [...]Service{
	{"G0299", nil, 4, 4_800, nil}, // registered nurse, per 15 minutes
	{"G0300", nil, 4, 4_100, nil}, // licensed practical nurse
	{"G0151", nil, 4, 5_400, nil}, // physical therapist
	{"G0152", nil, 4, 5_300, nil}, // occupational therapist
	{"G0153", nil, 4, 5_600, nil}, // speech-language pathologist
	{"G0155", nil, 3, 6_200, nil}, // clinical social worker
	{"G0156", nil, 4, 2_400, nil}, // home health aide
	{"G0157", nil, 4, 4_700, nil}, // physical therapist assistant
}

// HospicePlaces are the places of hospice care, billed by the day. HospiceVisits are
// visits during it.
var (
	HospicePlaces = [...]Service{
		{"Q5001", nil, 1, 21_000, nil},  // hospice care at home
		{"Q5002", nil, 1, 21_000, nil},  // in an assisted living facility
		{"Q5003", nil, 1, 21_000, nil},  // in a nursing long term care facility
		{"Q5006", nil, 1, 104_000, nil}, // in an inpatient hospice facility
	}
	HospiceVisits = [...]Service{
		{"G0299", nil, 4, 4_800, nil}, // registered nurse, per 15 minutes
		{"G0155", nil, 3, 6_200, nil}, // clinical social worker
		{"G0156", nil, 4, 2_400, nil}, // hospice aide
	}
)

// Equipment is durable medical equipment, by the condition it is for.
var Equipment = [...]struct {
	Needs    int
	Supplier *Code
	Items    []Service
}{
	{Diabetes, &dmePharmacy, []Service{
		{"A4253", betosDME, 6, 3_400, nil}, // glucose test strips
		{"A4259", betosDME, 2, 1_300, nil}, // lancets
		{"A4256", betosDME, 1, 1_100, nil}, // calibration solution
	}},
	{COPD, &dmeRespiratory, []Service{
		{"E1390", betosOxygen, 1, 17_600, nil}, // oxygen concentrator
		{"E0431", betosOxygen, 1, 2_900, nil},  // portable gaseous oxygen system
	}},
	{Asthma, &dmePharmacy, []Service{
		{"E0570", betosDME, 1, 1_800, nil}, // nebulizer with compressor
		{"A7003", betosDME, 2, 300, nil},   // nebulizer administration set
		{"J7613", nil, 120, 20, nil},       // albuterol
	}},
	{SleepApnea, &dmeRespiratory, []Service{
		{"E0601", betosDME, 1, 9_500, nil},  // continuous airway pressure device
		{"A7034", betosDME, 1, 11_000, nil}, // nasal interface
		{"A4604", betosDME, 1, 6_200, nil},  // heated tubing
	}},
	{Arthritis, &dmePharmacy, []Service{
		{"E0143", betosDME, 1, 11_800, nil},      // folding wheeled walker
		{"E0110", betosDME, 1, 7_600, nil},       // forearm crutches
		{"L1833", betosOrthotic, 1, 62_000, nil}, // knee orthosis, adjustable
	}},
	{AnyCondition, &dmePharmacy, []Service{
		{"K0001", betosChair, 1, 5_800, nil}, // standard wheelchair
		{"E0260", betosBed, 1, 13_500, nil},  // hospital bed, semi-electric
		{"E0163", betosDME, 1, 9_900, nil},   // commode chair
	}},
}
