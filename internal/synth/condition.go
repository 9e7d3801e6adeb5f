package synth

// Age bands, by age in 2020.
const (
	under65 = iota
	age65
	age70
	age75
	age80
	age85
	ageBands
)

// ageWeights is the share of the bands among a thousand enrollees.
var ageWeights = [ageBands]uint16{140, 250, 230, 170, 120, 90}

// condition is a chronic condition: who has it and how it is coded.
type condition struct {
	name string
	// perMille is how many of a thousand have it, by age band.
	perMille [ageBands]uint16
	sex      byte // 'F' or 'M' when only they have it
	codes    []code
}

// Places in conditions that other tables refer to.
const (
	hypertension = iota
	hyperlipidemia
	arthritis
	ischemicHeart
	diabetes
	kidney
	anemia
	depression
	cataract
	hypothyroidism
	heartFailure
	copd
	dementia
	glaucoma
	fibrillation
	osteoporosis
	asthma
	prostatic
	sleepApnea
	cancer
	conditionCount
)

// conditions. Prevalence is shaped after CMS's chronic conditions tables for
// fee-for-service beneficiaries, 2019; codes are ICD-10-CM (NCHS).
var conditions = [conditionCount]condition{
	hypertension: {"hypertension", [ageBands]uint16{400, 520, 600, 670, 720, 740}, 0, []code{
		{"I10", "ESSENTIAL (PRIMARY) HYPERTENSION"},
	}},
	hyperlipidemia: {"hyperlipidemia", [ageBands]uint16{330, 480, 550, 580, 560, 480}, 0, []code{
		{"E785", "HYPERLIPIDEMIA, UNSPECIFIED"}, {"E782", "MIXED HYPERLIPIDEMIA"}, {"E7800", "PURE HYPERCHOLESTEROLEMIA, UNSPECIFIED"},
	}},
	arthritis: {"arthritis", [ageBands]uint16{250, 300, 350, 400, 440, 460}, 0, []code{
		{"M1711", "UNILATERAL PRIMARY OSTEOARTHRITIS, RIGHT KNEE"}, {"M1712", "UNILATERAL PRIMARY OSTEOARTHRITIS, LEFT KNEE"},
		{"M1611", "UNILATERAL PRIMARY OSTEOARTHRITIS, RIGHT HIP"}, {"M1990", "UNSPECIFIED OSTEOARTHRITIS, UNSPECIFIED SITE"},
		{"M069", "RHEUMATOID ARTHRITIS, UNSPECIFIED"},
	}},
	ischemicHeart: {"ischemic heart disease", [ageBands]uint16{150, 190, 260, 340, 420, 470}, 0, []code{
		{"I2510", "ATHEROSCLEROTIC HEART DISEASE OF NATIVE CORONARY ARTERY WITHOUT ANGINA PECTORIS"},
		{"I252", "OLD MYOCARDIAL INFARCTION"}, {"I259", "CHRONIC ISCHEMIC HEART DISEASE, UNSPECIFIED"},
	}},
	diabetes: {"diabetes", [ageBands]uint16{270, 250, 290, 310, 290, 230}, 0, []code{
		{"E119", "TYPE 2 DIABETES MELLITUS WITHOUT COMPLICATIONS"}, {"E1165", "TYPE 2 DIABETES MELLITUS WITH HYPERGLYCEMIA"},
		{"E1122", "TYPE 2 DIABETES MELLITUS WITH DIABETIC CHRONIC KIDNEY DISEASE"},
		{"E1140", "TYPE 2 DIABETES MELLITUS WITH DIABETIC NEUROPATHY, UNSPECIFIED"},
	}},
	kidney: {"chronic kidney disease", [ageBands]uint16{180, 160, 230, 310, 390, 450}, 0, []code{
		{"N189", "CHRONIC KIDNEY DISEASE, UNSPECIFIED"}, {"N182", "CHRONIC KIDNEY DISEASE, STAGE 2 (MILD)"},
		{"N184", "CHRONIC KIDNEY DISEASE, STAGE 4 (SEVERE)"},
	}},
	anemia: {"anemia", [ageBands]uint16{180, 140, 190, 250, 310, 380}, 0, []code{
		{"D649", "ANEMIA, UNSPECIFIED"}, {"D509", "IRON DEFICIENCY ANEMIA, UNSPECIFIED"}, {"D631", "ANEMIA IN CHRONIC KIDNEY DISEASE"},
	}},
	depression: {"depression", [ageBands]uint16{330, 160, 160, 170, 180, 200}, 0, []code{
		{"F329", "MAJOR DEPRESSIVE DISORDER, SINGLE EPISODE, UNSPECIFIED"}, {"F339", "MAJOR DEPRESSIVE DISORDER, RECURRENT, UNSPECIFIED"},
	}},
	cataract: {"cataract", [ageBands]uint16{40, 150, 230, 270, 240, 180}, 0, []code{
		{"H2513", "AGE-RELATED NUCLEAR CATARACT, BILATERAL"}, {"H2512", "AGE-RELATED NUCLEAR CATARACT, LEFT EYE"},
		{"H2511", "AGE-RELATED NUCLEAR CATARACT, RIGHT EYE"},
	}},
	hypothyroidism: {"hypothyroidism", [ageBands]uint16{130, 140, 170, 190, 210, 220}, 0, []code{
		{"E039", "HYPOTHYROIDISM, UNSPECIFIED"}, {"E890", "POSTPROCEDURAL HYPOTHYROIDISM"},
	}},
	heartFailure: {"heart failure", [ageBands]uint16{90, 80, 120, 180, 260, 370}, 0, []code{
		{"I509", "HEART FAILURE, UNSPECIFIED"}, {"I5022", "CHRONIC SYSTOLIC (CONGESTIVE) HEART FAILURE"},
		{"I5032", "CHRONIC DIASTOLIC (CONGESTIVE) HEART FAILURE"},
	}},
	copd: {"COPD", [ageBands]uint16{120, 100, 120, 140, 150, 130}, 0, []code{
		{"J449", "CHRONIC OBSTRUCTIVE PULMONARY DISEASE, UNSPECIFIED"}, {"J441", "CHRONIC OBSTRUCTIVE PULMONARY DISEASE WITH (ACUTE) EXACERBATION"},
	}},
	dementia: {"dementia", [ageBands]uint16{30, 30, 60, 120, 220, 370}, 0, []code{
		{"G309", "ALZHEIMER'S DISEASE, UNSPECIFIED"}, {"G301", "ALZHEIMER'S DISEASE WITH LATE ONSET"},
	}},
	glaucoma: {"glaucoma", [ageBands]uint16{30, 60, 90, 120, 140, 140}, 0, []code{
		{"H409", "UNSPECIFIED GLAUCOMA"}, {"H401131", "PRIMARY OPEN-ANGLE GLAUCOMA, BILATERAL, MILD STAGE"},
	}},
	fibrillation: {"atrial fibrillation", [ageBands]uint16{25, 50, 80, 130, 180, 230}, 0, []code{
		{"I4891", "UNSPECIFIED ATRIAL FIBRILLATION"}, {"I480", "PAROXYSMAL ATRIAL FIBRILLATION"},
	}},
	osteoporosis: {"osteoporosis", [ageBands]uint16{40, 90, 130, 160, 170, 180}, 'F', []code{
		{"M810", "AGE-RELATED OSTEOPOROSIS WITHOUT CURRENT PATHOLOGICAL FRACTURE"},
	}},
	asthma: {"asthma", [ageBands]uint16{100, 55, 50, 45, 40, 35}, 0, []code{
		{"J45909", "UNSPECIFIED ASTHMA, UNCOMPLICATED"}, {"J4520", "MILD INTERMITTENT ASTHMA, UNCOMPLICATED"},
	}},
	prostatic: {"prostatic hyperplasia", [ageBands]uint16{70, 140, 200, 250, 280, 280}, 'M', []code{
		{"N401", "BENIGN PROSTATIC HYPERPLASIA WITH LOWER URINARY TRACT SYMPTOMS"},
		{"N400", "BENIGN PROSTATIC HYPERPLASIA WITHOUT LOWER URINARY TRACT SYMPTOMS"},
	}},
	sleepApnea: {"sleep apnea", [ageBands]uint16{130, 120, 110, 90, 60, 40}, 0, []code{
		{"G4733", "OBSTRUCTIVE SLEEP APNEA (ADULT) (PEDIATRIC)"},
	}},
	cancer: {"cancer", [ageBands]uint16{30, 50, 65, 75, 75, 65}, 0, []code{
		{"C189", "MALIGNANT NEOPLASM OF COLON, UNSPECIFIED"}, {"C3490", "MALIGNANT NEOPLASM OF UNSPECIFIED PART OF UNSPECIFIED BRONCHUS OR LUNG"},
		{"C9000", "MULTIPLE MYELOMA NOT HAVING ACHIEVED REMISSION"}, {"C679", "MALIGNANT NEOPLASM OF BLADDER, UNSPECIFIED"},
	}},
}
