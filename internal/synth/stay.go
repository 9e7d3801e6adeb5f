package synth

// stay is a hospital stay: its MS-DRG (CMS, MS-DRG definitions manual), the
// principal diagnosis that leads to it, procedures in ICD-10-PCS (CMS), and
// what usually follows.
type stay struct {
	weight     uint16
	of         int // the condition that it is a turn of, or anyone
	drg        string
	principal  code
	admitting  code
	days       int // about how long
	procedures []code
	injury     bool // an external cause comes with it
	planned    bool // nobody is brought by ambulance
	after      code // the principal diagnosis of what follows
	nursing    int  // perMille who go on to a skilled nursing facility
	homeCare   int  // perMille who have home health care afterwards
	aid        *aid // equipment that many need afterwards
}

// aid is equipment after a stay.
type aid struct {
	supplier *code
	item     service
}

var (
	transfusion  = code{"30233N1", "TRANSFUSION OF NONAUTOLOGOUS RED BLOOD CELLS INTO PERIPHERAL VEIN, PERCUTANEOUS APPROACH"}
	ventilation  = code{"5A1935Z", "RESPIRATORY VENTILATION, LESS THAN 24 CONSECUTIVE HOURS"}
	centralLine  = code{"02HV33Z", "INSERTION OF INFUSION DEVICE INTO SUPERIOR VENA CAVA, PERCUTANEOUS APPROACH"}
	gastroscopy  = code{"0DJ08ZZ", "INSPECTION OF UPPER INTESTINAL TRACT, VIA NATURAL OR ARTIFICIAL OPENING ENDOSCOPIC"}
	colonoscopy  = code{"0DJD8ZZ", "INSPECTION OF LOWER INTESTINAL TRACT, VIA NATURAL OR ARTIFICIAL OPENING ENDOSCOPIC"}
	hemoDay      = code{"5A1D70Z", "PERFORMANCE OF URINARY FILTRATION, INTERMITTENT, LESS THAN 6 HOURS PER DAY"}
	leftHeart    = code{"4A023N7", "MEASUREMENT OF CARDIAC SAMPLING AND PRESSURE, LEFT HEART, PERCUTANEOUS APPROACH"}
	kneeRight    = code{"0SRC0J9", "REPLACEMENT OF RIGHT KNEE JOINT WITH SYNTHETIC SUBSTITUTE, CEMENTED, OPEN APPROACH"}
	kneeLeft     = code{"0SRD0J9", "REPLACEMENT OF LEFT KNEE JOINT WITH SYNTHETIC SUBSTITUTE, CEMENTED, OPEN APPROACH"}
	hipNail      = code{"0QS606Z", "REPOSITION RIGHT UPPER FEMUR WITH INTRAMEDULLARY INTERNAL FIXATION DEVICE, OPEN APPROACH"}
	colonRemoval = code{"0DTG0ZZ", "RESECTION OF LEFT LARGE INTESTINE, OPEN APPROACH"}
)

// Equipment after a stay.
var (
	walker      = &aid{&dmePharmacy, service{"E0143", betosDME, 1, 11_800, nil}}
	wheelchair  = &aid{&dmePharmacy, service{"K0001", betosChair, 1, 5_800, nil}}
	hospitalBed = &aid{&dmePharmacy, service{"E0260", betosBed, 1, 13_500, nil}}
	oxygen      = &aid{&dmeRespiratory, service{"E1390", betosOxygen, 1, 17_600, nil}}
)

// Principal diagnoses of stays in a skilled nursing facility, of home health
// care and of visits after a hospital.
var (
	afterJoint    = code{"Z471", "AFTERCARE FOLLOWING JOINT REPLACEMENT SURGERY"}
	afterHip      = code{"S72141D", "DISPLACED INTERTROCHANTERIC FRACTURE OF RIGHT FEMUR, SUBSEQUENT ENCOUNTER FOR CLOSED FRACTURE WITH ROUTINE HEALING"}
	afterStroke   = code{"I69351", "HEMIPLEGIA AND HEMIPARESIS FOLLOWING CEREBRAL INFARCTION AFFECTING RIGHT DOMINANT SIDE"}
	afterSurgery  = code{"Z48812", "ENCOUNTER FOR SURGICAL AFTERCARE FOLLOWING SURGERY ON THE CIRCULATORY SYSTEM"}
	afterBowel    = code{"Z48815", "ENCOUNTER FOR SURGICAL AFTERCARE FOLLOWING SURGERY ON THE DIGESTIVE SYSTEM"}
	pneumonia     = code{"J189", "PNEUMONIA, UNSPECIFIED ORGANISM"}
	heartDisease  = code{"I110", "HYPERTENSIVE HEART DISEASE WITH HEART FAILURE"}
	weakness      = code{"M6281", "MUSCLE WEAKNESS (GENERALIZED)"}
	exacerbation  = code{"J441", "CHRONIC OBSTRUCTIVE PULMONARY DISEASE WITH (ACUTE) EXACERBATION"}
	kneeArthritis = code{"M1711", "UNILATERAL PRIMARY OSTEOARTHRITIS, RIGHT KNEE"}
	otherKnee     = code{"M1712", "UNILATERAL PRIMARY OSTEOARTHRITIS, LEFT KNEE"}
	breathless    = code{"R0602", "SHORTNESS OF BREATH"}
	weak          = code{"R531", "WEAKNESS"}
	lungCancer    = code{"C3490", "MALIGNANT NEOPLASM OF UNSPECIFIED PART OF UNSPECIFIED BRONCHUS OR LUNG"}
	colonCancer   = code{"C189", "MALIGNANT NEOPLASM OF COLON, UNSPECIFIED"}
)

// stays are the frequent ones among Medicare's discharges.
var stays = [...]stay{
	{weight: 90, of: anyone, drg: "871", principal: code{"A419", "SEPSIS, UNSPECIFIED ORGANISM"}, admitting: code{"R509", "FEVER, UNSPECIFIED"},
		days: 6, procedures: []code{centralLine, ventilation}, after: weakness, nursing: 300, homeCare: 350, aid: hospitalBed},
	{weight: 50, of: heartFailure, drg: "291", principal: heartDisease, admitting: breathless,
		days: 5, procedures: []code{leftHeart}, after: heartDisease, nursing: 220, homeCare: 450, aid: oxygen},
	{weight: 35, of: arthritis, drg: "470", principal: kneeArthritis, admitting: kneeArthritis,
		days: 2, procedures: []code{kneeRight}, planned: true, after: afterJoint, nursing: 200, homeCare: 700, aid: walker},
	{weight: 35, of: arthritis, drg: "470", principal: otherKnee, admitting: otherKnee,
		days: 2, procedures: []code{kneeLeft}, planned: true, after: afterJoint, nursing: 200, homeCare: 700, aid: walker},
	{weight: 50, of: osteoporosis, drg: "481", principal: code{"S72141A", "DISPLACED INTERTROCHANTERIC FRACTURE OF RIGHT FEMUR, INITIAL ENCOUNTER FOR CLOSED FRACTURE"},
		admitting: code{"M25551", "PAIN IN RIGHT HIP"}, injury: true, days: 5, procedures: []code{hipNail, transfusion},
		after: afterHip, nursing: 800, homeCare: 700, aid: walker},
	{weight: 60, of: copd, drg: "193", principal: pneumonia, admitting: breathless, days: 5, after: pneumonia, nursing: 250, homeCare: 350},
	{weight: 30, of: dementia, drg: "177", principal: code{"J690", "PNEUMONITIS DUE TO INHALATION OF FOOD AND VOMIT"}, admitting: breathless,
		days: 7, procedures: []code{ventilation}, after: weakness, nursing: 500, homeCare: 250, aid: hospitalBed},
	{weight: 30, of: copd, drg: "190", principal: exacerbation, admitting: code{"R062", "WHEEZING"},
		days: 4, after: exacerbation, nursing: 150, homeCare: 350, aid: oxygen},
	{weight: 40, of: copd, drg: "189", principal: code{"J9601", "ACUTE RESPIRATORY FAILURE WITH HYPOXIA"}, admitting: breathless,
		days: 5, procedures: []code{ventilation}, after: exacerbation, nursing: 250, homeCare: 350, aid: oxygen},
	{weight: 50, of: dementia, drg: "690", principal: code{"N390", "URINARY TRACT INFECTION, SITE NOT SPECIFIED"}, admitting: code{"R509", "FEVER, UNSPECIFIED"},
		days: 3, after: weakness, nursing: 250, homeCare: 300},
	{weight: 30, of: kidney, drg: "683", principal: code{"N179", "ACUTE KIDNEY FAILURE, UNSPECIFIED"}, admitting: weak,
		days: 4, procedures: []code{hemoDay}, after: weakness, nursing: 250, homeCare: 300},
	{weight: 45, of: anyone, drg: "378", principal: code{"K922", "GASTROINTESTINAL HEMORRHAGE, UNSPECIFIED"}, admitting: code{"R109", "UNSPECIFIED ABDOMINAL PAIN"},
		days: 4, procedures: []code{gastroscopy, colonoscopy, transfusion}, after: weakness, nursing: 120, homeCare: 200},
	{weight: 35, of: anyone, drg: "392", principal: code{"K529", "NONINFECTIVE GASTROENTERITIS AND COLITIS, UNSPECIFIED"}, admitting: code{"R112", "NAUSEA WITH VOMITING, UNSPECIFIED"},
		days: 3, procedures: []code{colonoscopy}, after: weakness, nursing: 50, homeCare: 120},
	{weight: 30, of: fibrillation, drg: "065", principal: code{"I639", "CEREBRAL INFARCTION, UNSPECIFIED"}, admitting: weak,
		days: 4, after: afterStroke, nursing: 450, homeCare: 450, aid: wheelchair},
	{weight: 20, of: fibrillation, drg: "309", principal: code{"I4891", "UNSPECIFIED ATRIAL FIBRILLATION"}, admitting: code{"R002", "PALPITATIONS"},
		days: 3, after: afterSurgery, nursing: 60, homeCare: 150},
	{weight: 25, of: ischemicHeart, drg: "281", principal: code{"I214", "NON-ST ELEVATION (NSTEMI) MYOCARDIAL INFARCTION"}, admitting: code{"R079", "CHEST PAIN, UNSPECIFIED"},
		days: 3, procedures: []code{leftHeart}, after: afterSurgery, nursing: 120, homeCare: 250},
	{weight: 25, of: diabetes, drg: "603", principal: code{"L03115", "CELLULITIS OF RIGHT LOWER LIMB"}, admitting: code{"R600", "LOCALIZED EDEMA"},
		days: 4, after: code{"L89152", "PRESSURE ULCER OF SACRAL REGION, STAGE 2"}, nursing: 150, homeCare: 350},
	{weight: 35, of: anyone, drg: "641", principal: code{"E860", "DEHYDRATION"}, admitting: weak, days: 3, after: weakness, nursing: 150, homeCare: 200},
	{weight: 25, of: anyone, drg: "312", principal: code{"R55", "SYNCOPE AND COLLAPSE"}, admitting: code{"R55", "SYNCOPE AND COLLAPSE"}, days: 2, after: weakness, nursing: 60, homeCare: 120},
	{weight: 25, of: cancer, drg: "330", principal: colonCancer, admitting: code{"R109", "UNSPECIFIED ABDOMINAL PAIN"},
		days: 6, procedures: []code{colonRemoval, transfusion}, planned: true, after: afterBowel, nursing: 200, homeCare: 500},
	{weight: 30, of: cancer, drg: "180", principal: lungCancer, admitting: breathless, days: 5, after: lungCancer, nursing: 150, homeCare: 350, aid: oxygen},
}
