package codes

// Age bands, by age in 2020.
const (
	Under65 = iota
	Age65
	Age70
	Age75
	Age80
	Age85
	AgeBands
)

// AgeWeights is how many of a thousand enrollees are in each age band.
var AgeWeights = [AgeBands]uint16{140, 250, 230, 170, 120, 90}

// Condition is a chronic condition: who has it, and how it is coded.
type Condition struct {
	Name string
	// perMille is how many of a thousand have it, by age band.
	PerMille [AgeBands]uint16
	Sex      byte // 'F' or 'M' if only women or men have it, otherwise 0
	Codes    []Code
}

// Indexes in Conditions.
const (
	Hypertension = iota
	Hyperlipidemia
	Arthritis
	IschemicHeart
	Diabetes
	KidneyDisease
	Anemia
	Depression
	Cataract
	Hypothyroidism
	HeartFailure
	COPD
	Dementia
	Glaucoma
	AtrialFibrillation
	Osteoporosis
	Asthma
	ProstaticHyperplasia
	SleepApnea
	Cancer
	ConditionCount
)

// Conditions are the chronic conditions. Their prevalence is shaped after CMS's chronic conditions tables for
// fee-for-service beneficiaries, 2019; codes are ICD-10-CM (NCHS).
var Conditions = [ConditionCount]Condition{
	Hypertension: {"hypertension", [AgeBands]uint16{400, 520, 600, 670, 720, 740}, 0, []Code{
		{"I10", "ESSENTIAL (PRIMARY) HYPERTENSION"},
	}},
	Hyperlipidemia: {"hyperlipidemia", [AgeBands]uint16{330, 480, 550, 580, 560, 480}, 0, []Code{
		{"E785", "HYPERLIPIDEMIA, UNSPECIFIED"}, {"E782", "MIXED HYPERLIPIDEMIA"}, {"E7800", "PURE HYPERCHOLESTEROLEMIA, UNSPECIFIED"},
	}},
	Arthritis: {"arthritis", [AgeBands]uint16{250, 300, 350, 400, 440, 460}, 0, []Code{
		{"M1711", "UNILATERAL PRIMARY OSTEOARTHRITIS, RIGHT KNEE"}, {"M1712", "UNILATERAL PRIMARY OSTEOARTHRITIS, LEFT KNEE"},
		{"M1611", "UNILATERAL PRIMARY OSTEOARTHRITIS, RIGHT HIP"}, {"M1990", "UNSPECIFIED OSTEOARTHRITIS, UNSPECIFIED SITE"},
		{"M069", "RHEUMATOID ARTHRITIS, UNSPECIFIED"},
	}},
	IschemicHeart: {"ischemic heart disease", [AgeBands]uint16{150, 190, 260, 340, 420, 470}, 0, []Code{
		{"I2510", "ATHEROSCLEROTIC HEART DISEASE OF NATIVE CORONARY ARTERY WITHOUT ANGINA PECTORIS"},
		{"I252", "OLD MYOCARDIAL INFARCTION"}, {"I259", "CHRONIC ISCHEMIC HEART DISEASE, UNSPECIFIED"},
	}},
	Diabetes: {"diabetes", [AgeBands]uint16{270, 250, 290, 310, 290, 230}, 0, []Code{
		{"E119", "TYPE 2 DIABETES MELLITUS WITHOUT COMPLICATIONS"}, {"E1165", "TYPE 2 DIABETES MELLITUS WITH HYPERGLYCEMIA"},
		{"E1122", "TYPE 2 DIABETES MELLITUS WITH DIABETIC CHRONIC KIDNEY DISEASE"},
		{"E1140", "TYPE 2 DIABETES MELLITUS WITH DIABETIC NEUROPATHY, UNSPECIFIED"},
	}},
	KidneyDisease: {"chronic kidney disease", [AgeBands]uint16{180, 160, 230, 310, 390, 450}, 0, []Code{
		{"N189", "CHRONIC KIDNEY DISEASE, UNSPECIFIED"}, {"N182", "CHRONIC KIDNEY DISEASE, STAGE 2 (MILD)"},
		{"N184", "CHRONIC KIDNEY DISEASE, STAGE 4 (SEVERE)"},
	}},
	Anemia: {"anemia", [AgeBands]uint16{180, 140, 190, 250, 310, 380}, 0, []Code{
		{"D649", "ANEMIA, UNSPECIFIED"}, {"D509", "IRON DEFICIENCY ANEMIA, UNSPECIFIED"}, {"D631", "ANEMIA IN CHRONIC KIDNEY DISEASE"},
	}},
	Depression: {"depression", [AgeBands]uint16{330, 160, 160, 170, 180, 200}, 0, []Code{
		{"F329", "MAJOR DEPRESSIVE DISORDER, SINGLE EPISODE, UNSPECIFIED"}, {"F339", "MAJOR DEPRESSIVE DISORDER, RECURRENT, UNSPECIFIED"},
	}},
	Cataract: {"cataract", [AgeBands]uint16{40, 150, 230, 270, 240, 180}, 0, []Code{
		{"H2513", "AGE-RELATED NUCLEAR CATARACT, BILATERAL"}, {"H2512", "AGE-RELATED NUCLEAR CATARACT, LEFT EYE"},
		{"H2511", "AGE-RELATED NUCLEAR CATARACT, RIGHT EYE"},
	}},
	Hypothyroidism: {"hypothyroidism", [AgeBands]uint16{130, 140, 170, 190, 210, 220}, 0, []Code{
		{"E039", "HYPOTHYROIDISM, UNSPECIFIED"}, {"E890", "POSTPROCEDURAL HYPOTHYROIDISM"},
	}},
	HeartFailure: {"heart failure", [AgeBands]uint16{90, 80, 120, 180, 260, 370}, 0, []Code{
		{"I509", "HEART FAILURE, UNSPECIFIED"}, {"I5022", "CHRONIC SYSTOLIC (CONGESTIVE) HEART FAILURE"},
		{"I5032", "CHRONIC DIASTOLIC (CONGESTIVE) HEART FAILURE"},
	}},
	COPD: {"COPD", [AgeBands]uint16{120, 100, 120, 140, 150, 130}, 0, []Code{
		{"J449", "CHRONIC OBSTRUCTIVE PULMONARY DISEASE, UNSPECIFIED"}, {"J441", "CHRONIC OBSTRUCTIVE PULMONARY DISEASE WITH (ACUTE) EXACERBATION"},
	}},
	Dementia: {"dementia", [AgeBands]uint16{30, 30, 60, 120, 220, 370}, 0, []Code{
		{"G309", "ALZHEIMER'S DISEASE, UNSPECIFIED"}, {"G301", "ALZHEIMER'S DISEASE WITH LATE ONSET"},
	}},
	Glaucoma: {"glaucoma", [AgeBands]uint16{30, 60, 90, 120, 140, 140}, 0, []Code{
		{"H409", "UNSPECIFIED GLAUCOMA"}, {"H401131", "PRIMARY OPEN-ANGLE GLAUCOMA, BILATERAL, MILD STAGE"},
	}},
	AtrialFibrillation: {"atrial fibrillation", [AgeBands]uint16{25, 50, 80, 130, 180, 230}, 0, []Code{
		{"I4891", "UNSPECIFIED ATRIAL FIBRILLATION"}, {"I480", "PAROXYSMAL ATRIAL FIBRILLATION"},
	}},
	Osteoporosis: {"osteoporosis", [AgeBands]uint16{40, 90, 130, 160, 170, 180}, 'F', []Code{
		{"M810", "AGE-RELATED OSTEOPOROSIS WITHOUT CURRENT PATHOLOGICAL FRACTURE"},
	}},
	Asthma: {"asthma", [AgeBands]uint16{100, 55, 50, 45, 40, 35}, 0, []Code{
		{"J45909", "UNSPECIFIED ASTHMA, UNCOMPLICATED"}, {"J4520", "MILD INTERMITTENT ASTHMA, UNCOMPLICATED"},
	}},
	ProstaticHyperplasia: {"prostatic hyperplasia", [AgeBands]uint16{70, 140, 200, 250, 280, 280}, 'M', []Code{
		{"N401", "BENIGN PROSTATIC HYPERPLASIA WITH LOWER URINARY TRACT SYMPTOMS"},
		{"N400", "BENIGN PROSTATIC HYPERPLASIA WITHOUT LOWER URINARY TRACT SYMPTOMS"},
	}},
	SleepApnea: {"sleep apnea", [AgeBands]uint16{130, 120, 110, 90, 60, 40}, 0, []Code{
		{"G4733", "OBSTRUCTIVE SLEEP APNEA (ADULT) (PEDIATRIC)"},
	}},
	Cancer: {"cancer", [AgeBands]uint16{30, 50, 65, 75, 75, 65}, 0, []Code{
		{"C189", "MALIGNANT NEOPLASM OF COLON, UNSPECIFIED"}, {"C3490", "MALIGNANT NEOPLASM OF UNSPECIFIED PART OF UNSPECIFIED BRONCHUS OR LUNG"},
		{"C9000", "MULTIPLE MYELOMA NOT HAVING ACHIEVED REMISSION"}, {"C679", "MALIGNANT NEOPLASM OF BLADDER, UNSPECIFIED"},
	}},
}
