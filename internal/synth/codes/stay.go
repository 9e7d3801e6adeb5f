package codes

// Stay is a hospital stay: its MS-DRG (CMS, MS-DRG definitions manual), the
// principal diagnosis that leads to it, procedures in ICD-10-PCS (CMS), and
// what usually follows.
type Stay struct {
	Weight     uint16
	Condition  int // the condition that leads to it, or AnyCondition
	DRG        string
	Principal  Code
	Admitting  Code
	Days       int // about how many
	Procedures []Code
	Injury     bool // an external cause comes with it
	Planned    bool // no ambulance brings the patient
	AfterCare  Code // the principal diagnosis of the care that follows
	Nursing    int  // perMille who go on to a skilled nursing facility
	HomeCare   int  // perMille who have home health care afterwards
	Aid        *Aid // equipment that many need afterwards
}

// Aid is equipment that a person needs after a stay.
type Aid struct {
	Supplier *Code
	Item     Service
}

// Procedures (ICD-10-PCS, CMS).
var (
	transfusion  = Code{"30233N1", "TRANSFUSION OF NONAUTOLOGOUS RED BLOOD CELLS INTO PERIPHERAL VEIN, PERCUTANEOUS APPROACH"}
	ventilation  = Code{"5A1935Z", "RESPIRATORY VENTILATION, LESS THAN 24 CONSECUTIVE HOURS"}
	centralLine  = Code{"02HV33Z", "INSERTION OF INFUSION DEVICE INTO SUPERIOR VENA CAVA, PERCUTANEOUS APPROACH"}
	gastroscopy  = Code{"0DJ08ZZ", "INSPECTION OF UPPER INTESTINAL TRACT, VIA NATURAL OR ARTIFICIAL OPENING ENDOSCOPIC"}
	Colonoscopy  = Code{"0DJD8ZZ", "INSPECTION OF LOWER INTESTINAL TRACT, VIA NATURAL OR ARTIFICIAL OPENING ENDOSCOPIC"}
	hemoDay      = Code{"5A1D70Z", "PERFORMANCE OF URINARY FILTRATION, INTERMITTENT, LESS THAN 6 HOURS PER DAY"}
	leftHeart    = Code{"4A023N7", "MEASUREMENT OF CARDIAC SAMPLING AND PRESSURE, LEFT HEART, PERCUTANEOUS APPROACH"}
	kneeRight    = Code{"0SRC0J9", "REPLACEMENT OF RIGHT KNEE JOINT WITH SYNTHETIC SUBSTITUTE, CEMENTED, OPEN APPROACH"}
	kneeLeft     = Code{"0SRD0J9", "REPLACEMENT OF LEFT KNEE JOINT WITH SYNTHETIC SUBSTITUTE, CEMENTED, OPEN APPROACH"}
	hipNail      = Code{"0QS606Z", "REPOSITION RIGHT UPPER FEMUR WITH INTRAMEDULLARY INTERNAL FIXATION DEVICE, OPEN APPROACH"}
	colonRemoval = Code{"0DTG0ZZ", "RESECTION OF LEFT LARGE INTESTINE, OPEN APPROACH"}
)

// Equipment after a stay.
var (
	walker      = &Aid{&dmePharmacy, Service{"E0143", betosDME, 1, 11_800, nil}}
	wheelchair  = &Aid{&dmePharmacy, Service{"K0001", betosChair, 1, 5_800, nil}}
	hospitalBed = &Aid{&dmePharmacy, Service{"E0260", betosBed, 1, 13_500, nil}}
	oxygen      = &Aid{&dmeRespiratory, Service{"E1390", betosOxygen, 1, 17_600, nil}}
)

// Principal diagnoses of stays in a skilled nursing facility, of home health
// care and of visits after a hospital.
var (
	afterJoint    = Code{"Z471", "AFTERCARE FOLLOWING JOINT REPLACEMENT SURGERY"}
	afterHip      = Code{"S72141D", "DISPLACED INTERTROCHANTERIC FRACTURE OF RIGHT FEMUR, SUBSEQUENT ENCOUNTER FOR CLOSED FRACTURE WITH ROUTINE HEALING"}
	afterStroke   = Code{"I69351", "HEMIPLEGIA AND HEMIPARESIS FOLLOWING CEREBRAL INFARCTION AFFECTING RIGHT DOMINANT SIDE"}
	afterSurgery  = Code{"Z48812", "ENCOUNTER FOR SURGICAL AFTERCARE FOLLOWING SURGERY ON THE CIRCULATORY SYSTEM"}
	afterBowel    = Code{"Z48815", "ENCOUNTER FOR SURGICAL AFTERCARE FOLLOWING SURGERY ON THE DIGESTIVE SYSTEM"}
	pneumonia     = Code{"J189", "PNEUMONIA, UNSPECIFIED ORGANISM"}
	heartDisease  = Code{"I110", "HYPERTENSIVE HEART DISEASE WITH HEART FAILURE"}
	weakness      = Code{"M6281", "MUSCLE WEAKNESS (GENERALIZED)"}
	exacerbation  = Code{"J441", "CHRONIC OBSTRUCTIVE PULMONARY DISEASE WITH (ACUTE) EXACERBATION"}
	kneeArthritis = Code{"M1711", "UNILATERAL PRIMARY OSTEOARTHRITIS, RIGHT KNEE"}
	otherKnee     = Code{"M1712", "UNILATERAL PRIMARY OSTEOARTHRITIS, LEFT KNEE"}
	breathless    = Code{"R0602", "SHORTNESS OF BREATH"}
	weak          = Code{"R531", "WEAKNESS"}
	lungCancer    = Code{"C3490", "MALIGNANT NEOPLASM OF UNSPECIFIED PART OF UNSPECIFIED BRONCHUS OR LUNG"}
	colonCancer   = Code{"C189", "MALIGNANT NEOPLASM OF COLON, UNSPECIFIED"}
)

// Stays are frequent stays among Medicare's discharges.
var Stays = [...]Stay{
	{Weight: 90, Condition: AnyCondition, DRG: "871", Principal: Code{"A419", "SEPSIS, UNSPECIFIED ORGANISM"}, Admitting: Code{"R509", "FEVER, UNSPECIFIED"},
		Days: 6, Procedures: []Code{centralLine, ventilation}, AfterCare: weakness, Nursing: 300, HomeCare: 350, Aid: hospitalBed},
	{Weight: 50, Condition: HeartFailure, DRG: "291", Principal: heartDisease, Admitting: breathless,
		Days: 5, Procedures: []Code{leftHeart}, AfterCare: heartDisease, Nursing: 220, HomeCare: 450, Aid: oxygen},
	{Weight: 35, Condition: Arthritis, DRG: "470", Principal: kneeArthritis, Admitting: kneeArthritis,
		Days: 2, Procedures: []Code{kneeRight}, Planned: true, AfterCare: afterJoint, Nursing: 200, HomeCare: 700, Aid: walker},
	{Weight: 35, Condition: Arthritis, DRG: "470", Principal: otherKnee, Admitting: otherKnee,
		Days: 2, Procedures: []Code{kneeLeft}, Planned: true, AfterCare: afterJoint, Nursing: 200, HomeCare: 700, Aid: walker},
	{Weight: 50, Condition: Osteoporosis, DRG: "481", Principal: Code{"S72141A", "DISPLACED INTERTROCHANTERIC FRACTURE OF RIGHT FEMUR, INITIAL ENCOUNTER FOR CLOSED FRACTURE"},
		Admitting: Code{"M25551", "PAIN IN RIGHT HIP"}, Injury: true, Days: 5, Procedures: []Code{hipNail, transfusion},
		AfterCare: afterHip, Nursing: 800, HomeCare: 700, Aid: walker},
	{Weight: 60, Condition: COPD, DRG: "193", Principal: pneumonia, Admitting: breathless, Days: 5, AfterCare: pneumonia, Nursing: 250, HomeCare: 350},
	{Weight: 30, Condition: Dementia, DRG: "177", Principal: Code{"J690", "PNEUMONITIS DUE TO INHALATION OF FOOD AND VOMIT"}, Admitting: breathless,
		Days: 7, Procedures: []Code{ventilation}, AfterCare: weakness, Nursing: 500, HomeCare: 250, Aid: hospitalBed},
	{Weight: 30, Condition: COPD, DRG: "190", Principal: exacerbation, Admitting: Code{"R062", "WHEEZING"},
		Days: 4, AfterCare: exacerbation, Nursing: 150, HomeCare: 350, Aid: oxygen},
	{Weight: 40, Condition: COPD, DRG: "189", Principal: Code{"J9601", "ACUTE RESPIRATORY FAILURE WITH HYPOXIA"}, Admitting: breathless,
		Days: 5, Procedures: []Code{ventilation}, AfterCare: exacerbation, Nursing: 250, HomeCare: 350, Aid: oxygen},
	{Weight: 50, Condition: Dementia, DRG: "690", Principal: Code{"N390", "URINARY TRACT INFECTION, SITE NOT SPECIFIED"}, Admitting: Code{"R509", "FEVER, UNSPECIFIED"},
		Days: 3, AfterCare: weakness, Nursing: 250, HomeCare: 300},
	{Weight: 30, Condition: KidneyDisease, DRG: "683", Principal: Code{"N179", "ACUTE KIDNEY FAILURE, UNSPECIFIED"}, Admitting: weak,
		Days: 4, Procedures: []Code{hemoDay}, AfterCare: weakness, Nursing: 250, HomeCare: 300},
	{Weight: 45, Condition: AnyCondition, DRG: "378", Principal: Code{"K922", "GASTROINTESTINAL HEMORRHAGE, UNSPECIFIED"}, Admitting: Code{"R109", "UNSPECIFIED ABDOMINAL PAIN"},
		Days: 4, Procedures: []Code{gastroscopy, Colonoscopy, transfusion}, AfterCare: weakness, Nursing: 120, HomeCare: 200},
	{Weight: 35, Condition: AnyCondition, DRG: "392", Principal: Code{"K529", "NONINFECTIVE GASTROENTERITIS AND COLITIS, UNSPECIFIED"}, Admitting: Code{"R112", "NAUSEA WITH VOMITING, UNSPECIFIED"},
		Days: 3, Procedures: []Code{Colonoscopy}, AfterCare: weakness, Nursing: 50, HomeCare: 120},
	{Weight: 30, Condition: AtrialFibrillation, DRG: "065", Principal: Code{"I639", "CEREBRAL INFARCTION, UNSPECIFIED"}, Admitting: weak,
		Days: 4, AfterCare: afterStroke, Nursing: 450, HomeCare: 450, Aid: wheelchair},
	{Weight: 20, Condition: AtrialFibrillation, DRG: "309", Principal: Code{"I4891", "UNSPECIFIED ATRIAL FIBRILLATION"}, Admitting: Code{"R002", "PALPITATIONS"},
		Days: 3, AfterCare: afterSurgery, Nursing: 60, HomeCare: 150},
	{Weight: 25, Condition: IschemicHeart, DRG: "281", Principal: Code{"I214", "NON-ST ELEVATION (NSTEMI) MYOCARDIAL INFARCTION"}, Admitting: Code{"R079", "CHEST PAIN, UNSPECIFIED"},
		Days: 3, Procedures: []Code{leftHeart}, AfterCare: afterSurgery, Nursing: 120, HomeCare: 250},
	{Weight: 25, Condition: Diabetes, DRG: "603", Principal: Code{"L03115", "CELLULITIS OF RIGHT LOWER LIMB"}, Admitting: Code{"R600", "LOCALIZED EDEMA"},
		Days: 4, AfterCare: Code{"L89152", "PRESSURE ULCER OF SACRAL REGION, STAGE 2"}, Nursing: 150, HomeCare: 350},
	{Weight: 35, Condition: AnyCondition, DRG: "641", Principal: Code{"E860", "DEHYDRATION"}, Admitting: weak, Days: 3, AfterCare: weakness, Nursing: 150, HomeCare: 200},
	{Weight: 25, Condition: AnyCondition, DRG: "312", Principal: Code{"R55", "SYNCOPE AND COLLAPSE"}, Admitting: Code{"R55", "SYNCOPE AND COLLAPSE"}, Days: 2, AfterCare: weakness, Nursing: 60, HomeCare: 120},
	{Weight: 25, Condition: Cancer, DRG: "330", Principal: colonCancer, Admitting: Code{"R109", "UNSPECIFIED ABDOMINAL PAIN"},
		Days: 6, Procedures: []Code{colonRemoval, transfusion}, Planned: true, AfterCare: afterBowel, Nursing: 200, HomeCare: 500},
	{Weight: 30, Condition: Cancer, DRG: "180", Principal: lungCancer, Admitting: breathless, Days: 5, AfterCare: lungCancer, Nursing: 150, HomeCare: 350, Aid: oxygen},
}
