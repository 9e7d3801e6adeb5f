package synth

// stay is a hospital stay: its MS-DRG (CMS, MS-DRG definitions manual), the
// principal diagnosis that leads to it, and procedures in ICD-10-PCS (CMS).
type stay struct {
	weight     uint16
	drg        string
	principal  code
	admitting  code
	injury     bool // an external cause comes with it
	days       int  // about how long
	procedures []code
}

var (
	transfusion = code{"30233N1", "TRANSFUSION OF NONAUTOLOGOUS RED BLOOD CELLS INTO PERIPHERAL VEIN, PERCUTANEOUS APPROACH"}
	ventilation = code{"5A1935Z", "RESPIRATORY VENTILATION, LESS THAN 24 CONSECUTIVE HOURS"}
	centralLine = code{"02HV33Z", "INSERTION OF INFUSION DEVICE INTO SUPERIOR VENA CAVA, PERCUTANEOUS APPROACH"}
	gastroscopy = code{"0DJ08ZZ", "INSPECTION OF UPPER INTESTINAL TRACT, VIA NATURAL OR ARTIFICIAL OPENING ENDOSCOPIC"}
	colonoscopy = code{"0DJD8ZZ", "INSPECTION OF LOWER INTESTINAL TRACT, VIA NATURAL OR ARTIFICIAL OPENING ENDOSCOPIC"}
	hemoDay     = code{"5A1D70Z", "PERFORMANCE OF URINARY FILTRATION, INTERMITTENT, LESS THAN 6 HOURS PER DAY"}
	leftHeart   = code{"4A023N7", "MEASUREMENT OF CARDIAC SAMPLING AND PRESSURE, LEFT HEART, PERCUTANEOUS APPROACH"}
)

// stays are the frequent ones among Medicare's discharges.
var stays = [...]stay{
	{90, "871", code{"A419", "SEPSIS, UNSPECIFIED ORGANISM"}, code{"R509", "FEVER, UNSPECIFIED"}, false, 6, []code{centralLine, ventilation}},
	{80, "291", code{"I110", "HYPERTENSIVE HEART DISEASE WITH HEART FAILURE"}, code{"R0602", "SHORTNESS OF BREATH"}, false, 5, []code{leftHeart}},
	{60, "470", code{"M1711", "UNILATERAL PRIMARY OSTEOARTHRITIS, RIGHT KNEE"}, code{"M1711", "UNILATERAL PRIMARY OSTEOARTHRITIS, RIGHT KNEE"}, false, 2, []code{
		{"0SRC0J9", "REPLACEMENT OF RIGHT KNEE JOINT WITH SYNTHETIC SUBSTITUTE, CEMENTED, OPEN APPROACH"}}},
	{60, "470", code{"M1712", "UNILATERAL PRIMARY OSTEOARTHRITIS, LEFT KNEE"}, code{"M1712", "UNILATERAL PRIMARY OSTEOARTHRITIS, LEFT KNEE"}, false, 2, []code{
		{"0SRD0J9", "REPLACEMENT OF LEFT KNEE JOINT WITH SYNTHETIC SUBSTITUTE, CEMENTED, OPEN APPROACH"}}},
	{50, "481", code{"S72141A", "DISPLACED INTERTROCHANTERIC FRACTURE OF RIGHT FEMUR, INITIAL ENCOUNTER FOR CLOSED FRACTURE"}, code{"M25551", "PAIN IN RIGHT HIP"}, true, 5, []code{
		{"0QS606Z", "REPOSITION RIGHT UPPER FEMUR WITH INTRAMEDULLARY INTERNAL FIXATION DEVICE, OPEN APPROACH"}, transfusion}},
	{60, "193", code{"J189", "PNEUMONIA, UNSPECIFIED ORGANISM"}, code{"R0602", "SHORTNESS OF BREATH"}, false, 5, nil},
	{40, "177", code{"J690", "PNEUMONITIS DUE TO INHALATION OF FOOD AND VOMIT"}, code{"R0602", "SHORTNESS OF BREATH"}, false, 7, []code{ventilation}},
	{50, "190", code{"J441", "CHRONIC OBSTRUCTIVE PULMONARY DISEASE WITH (ACUTE) EXACERBATION"}, code{"R062", "WHEEZING"}, false, 4, nil},
	{40, "189", code{"J9601", "ACUTE RESPIRATORY FAILURE WITH HYPOXIA"}, code{"R0602", "SHORTNESS OF BREATH"}, false, 5, []code{ventilation}},
	{50, "690", code{"N390", "URINARY TRACT INFECTION, SITE NOT SPECIFIED"}, code{"R509", "FEVER, UNSPECIFIED"}, false, 3, nil},
	{45, "683", code{"N179", "ACUTE KIDNEY FAILURE, UNSPECIFIED"}, code{"R531", "WEAKNESS"}, false, 4, []code{hemoDay}},
	{45, "378", code{"K922", "GASTROINTESTINAL HEMORRHAGE, UNSPECIFIED"}, code{"R109", "UNSPECIFIED ABDOMINAL PAIN"}, false, 4, []code{gastroscopy, colonoscopy, transfusion}},
	{35, "392", code{"K529", "NONINFECTIVE GASTROENTERITIS AND COLITIS, UNSPECIFIED"}, code{"R112", "NAUSEA WITH VOMITING, UNSPECIFIED"}, false, 3, []code{colonoscopy}},
	{40, "065", code{"I639", "CEREBRAL INFARCTION, UNSPECIFIED"}, code{"R531", "WEAKNESS"}, false, 4, nil},
	{35, "309", code{"I4891", "UNSPECIFIED ATRIAL FIBRILLATION"}, code{"R002", "PALPITATIONS"}, false, 3, nil},
	{35, "281", code{"I214", "NON-ST ELEVATION (NSTEMI) MYOCARDIAL INFARCTION"}, code{"R079", "CHEST PAIN, UNSPECIFIED"}, false, 3, []code{leftHeart}},
	{35, "603", code{"L03115", "CELLULITIS OF RIGHT LOWER LIMB"}, code{"R600", "LOCALIZED EDEMA"}, false, 4, nil},
	{35, "641", code{"E860", "DEHYDRATION"}, code{"R531", "WEAKNESS"}, false, 3, nil},
	{25, "312", code{"R55", "SYNCOPE AND COLLAPSE"}, code{"R55", "SYNCOPE AND COLLAPSE"}, false, 2, nil},
}

var stayWeights = func() (w [len(stays)]uint16) {
	for i := range stays {
		w[i] = stays[i].weight
	}
	return w
}()
