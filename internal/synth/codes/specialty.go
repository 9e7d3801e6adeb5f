package codes

// Specialties are CMS provider specialty codes (CMS, Medicare Claims
// Processing Manual, chapter 26 §10.8) and how often a doctor of the
// pool has them.
var Specialties = [...]struct {
	Code
	weight uint16
}{
	{Code{"01", "General practice"}, 40},
	{Code{"08", "Family practice"}, 150},
	{Code{"11", "Internal medicine"}, 190},
	{Code{"06", "Cardiology"}, 90},
	{Code{"07", "Dermatology"}, 50},
	{Code{"10", "Gastroenterology"}, 45},
	{Code{"13", "Neurology"}, 45},
	{Code{"18", "Ophthalmology"}, 60},
	{Code{"20", "Orthopedic surgery"}, 60},
	{Code{"29", "Pulmonary disease"}, 45},
	{Code{"34", "Urology"}, 40},
	{Code{"39", "Nephrology"}, 40},
	{Code{"46", "Endocrinology"}, 35},
	{Code{"50", "Nurse practitioner"}, 70},
	{Code{"66", "Rheumatology"}, 25},
	{Code{"97", "Physician assistant"}, 55},
}

// SpecialtyWeights repeats the weights of Specialties for random.Stream.Pick.
var SpecialtyWeights = func() (w [len(Specialties)]uint16) {
	for i := range Specialties {
		w[i] = Specialties[i].weight
	}
	return w
}()

// Specialties of suppliers, same source.
var (
	ambulanceSupplier = Code{"59", "Ambulance service supplier, e.g., private ambulance companies, funeral homes"}
	laboratory        = Code{"69", "Clinical laboratory (billing independently)"}
	portableXray      = Code{"63", "Portable X-ray supplier"}
	medicalOncology   = Code{"90", "Medical oncology"}
	dmePharmacy       = Code{"A5", "Pharmacy (DMERC)"}
	dmeRespiratory    = Code{"A6", "Medical supply company with respiratory therapist"}
)

// Places of service (CMS Place of Service code set), with the long displays
// that BFD's resources carry.
var (
	placeOffice    = Code{"11", "Office. Location, other than a hospital, skilled nursing facility (SNF), military treatment facility, community health center, State or local public health clinic, or intermediate care facility (ICF), where the health professional routinely provides health examinations, diagnosis, and treatment of illness or injury on an ambulatory basis."}
	PlaceHome      = Code{"12", "Home. Location, other than a hospital or other facility, where the patient receives care in a private residence."}
	placeHospital  = Code{"22", "On Campus-Outpatient Hospital. A portion of a hospital's main campus which provides diagnostic, therapeutic (both surgical and nonsurgical), and rehabilitation services to sick or injured persons who do not require hospitalization or institutionalization."}
	placeSurgery   = Code{"24", "Ambulatory Surgical Center. A freestanding facility, other than a physician's office, where surgical and diagnostic services are provided on an ambulatory basis."}
	placeNursing   = Code{"32", "Nursing Facility. A facility which primarily provides to residents skilled nursing care and related services for the rehabilitation of injured, disabled, or sick persons, or, on a regular basis, health-related care services above the level of custodial care to other than individuals with intellectual disabilities."}
	placeAmbulance = Code{"41", "Ambulance - Land. A land vehicle specifically designed, equipped and staffed for lifesaving and transporting the sick or injured."}
	placeLab       = Code{"81", "Independent Laboratory. A laboratory certified to perform diagnostic and/or clinical tests independent of an institution or a physician's office."}
)
