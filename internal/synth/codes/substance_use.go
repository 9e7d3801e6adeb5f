package codes

// Codes of substance-use treatment. Only claims of that nature have them. Sources:
// ICD-10-CM (NCHS), ICD-10-PCS and HCPCS Level II (CMS).
var (
	SubstanceUse = [...]Code{
		{"F1020", "ALCOHOL DEPENDENCE, UNCOMPLICATED"},
		{"F1120", "OPIOID DEPENDENCE, UNCOMPLICATED"},
		{"F1121", "OPIOID DEPENDENCE, IN REMISSION"},
		{"F1310", "SEDATIVE, HYPNOTIC OR ANXIOLYTIC ABUSE, UNCOMPLICATED"},
		{"F1420", "COCAINE DEPENDENCE, UNCOMPLICATED"},
		{"F1910", "OTHER PSYCHOACTIVE SUBSTANCE ABUSE, UNCOMPLICATED"},
	}
	Detoxification    = Code{"HZ2ZZZZ", "DETOXIFICATION SERVICES FOR SUBSTANCE ABUSE TREATMENT"}
	SubstanceServices = [...]Service{
		{"G2067", nil, 1, 21_000, nil},  // medication assisted treatment, methadone, a week
		{"G2068", nil, 1, 26_000, nil},  // the same, buprenorphine
		{"G2086", nil, 1, 38_000, nil},  // office-based treatment of opioid use, first month
		{"H0015", nil, 1, 16_000, nil},  // intensive outpatient treatment
		{"J0571", nil, 4, 1_300, nil},   // buprenorphine
		{"Q9991", nil, 1, 165_000, nil}, // buprenorphine extended-release
	}
)

// SubstanceDRG is the MS-DRG of alcohol or drug abuse or dependence without
// rehabilitation therapy and without a major complication.
const SubstanceDRG = "897"
