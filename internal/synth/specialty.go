package synth

// specialties are CMS provider specialty codes (CMS, Medicare Claims
// Processing Manual, chapter 26 §10.8) and how often a doctor of the
// pool has them.
var specialties = [...]struct {
	code
	weight uint16
}{
	{code{"01", "General practice"}, 40},
	{code{"08", "Family practice"}, 150},
	{code{"11", "Internal medicine"}, 190},
	{code{"06", "Cardiology"}, 90},
	{code{"07", "Dermatology"}, 50},
	{code{"10", "Gastroenterology"}, 45},
	{code{"13", "Neurology"}, 45},
	{code{"18", "Ophthalmology"}, 60},
	{code{"20", "Orthopedic surgery"}, 60},
	{code{"29", "Pulmonary disease"}, 45},
	{code{"34", "Urology"}, 40},
	{code{"39", "Nephrology"}, 40},
	{code{"46", "Endocrinology"}, 35},
	{code{"50", "Nurse practitioner"}, 70},
	{code{"66", "Rheumatology"}, 25},
	{code{"97", "Physician assistant"}, 55},
}

var specialtyWeights = func() (w [len(specialties)]uint16) {
	for i := range specialties {
		w[i] = specialties[i].weight
	}
	return w
}()

// Specialties of suppliers, same source.
var (
	ambulanceSupplier = code{"59", "Ambulance service supplier, e.g., private ambulance companies, funeral homes"}
	laboratory        = code{"69", "Clinical laboratory (billing independently)"}
	portableXray      = code{"63", "Portable X-ray supplier"}
	medicalOncology   = code{"90", "Medical oncology"}
	dmePharmacy       = code{"A5", "Pharmacy (DMERC)"}
	dmeRespiratory    = code{"A6", "Medical supply company with respiratory therapist"}
)

// Places of service (CMS Place of Service code set), with the long displays
// that BFD's resources carry.
var (
	placeOffice    = code{"11", "Office. Location, other than a hospital, skilled nursing facility (SNF), military treatment facility, community health center, State or local public health clinic, or intermediate care facility (ICF), where the health professional routinely provides health examinations, diagnosis, and treatment of illness or injury on an ambulatory basis."}
	placeHome      = code{"12", "Home. Location, other than a hospital or other facility, where the patient receives care in a private residence."}
	placeHospital  = code{"22", "On Campus-Outpatient Hospital. A portion of a hospital's main campus which provides diagnostic, therapeutic (both surgical and nonsurgical), and rehabilitation services to sick or injured persons who do not require hospitalization or institutionalization."}
	placeSurgery   = code{"24", "Ambulatory Surgical Center. A freestanding facility, other than a physician's office, where surgical and diagnostic services are provided on an ambulatory basis."}
	placeNursing   = code{"32", "Nursing Facility. A facility which primarily provides to residents skilled nursing care and related services for the rehabilitation of injured, disabled, or sick persons, or, on a regular basis, health-related care services above the level of custodial care to other than individuals with intellectual disabilities."}
	placeAmbulance = code{"41", "Ambulance - Land. A land vehicle specifically designed, equipped and staffed for lifesaving and transporting the sick or injured."}
	placeLab       = code{"81", "Independent Laboratory. A laboratory certified to perform diagnostic and/or clinical tests independent of an institution or a physician's office."}
)
