package codes

// Kinds of organizations, as indexes in Organizations.
const (
	GroupPractice = iota
	Hospital
	NursingFacility
	HomeAgency
	HospiceAgency
	Supplier
	LabCompany
	AmbulanceCompany
	XrayCompany
	OrganizationKinds
)

// Organizations holds, for each kind, how its organizations are named and numbered,
// and how many of them a state has. Source of the CCN ranges: CMS, State Operations Manual §2779.
var Organizations = [OrganizationKinds]struct {
	Name  string
	NPI   int // first number of its NPIs
	CCN   int // last four digits of the first CMS certification number
	Count int
}{
	GroupPractice:    {"SYNTHETIC MEDICAL GROUP ", 0, 0, 300},
	Hospital:         {"SYNTHETIC HOSPITAL ", 1000, 1, 40},
	NursingFacility:  {"SYNTHETIC NURSING FACILITY ", 2000, 5000, 60},
	HomeAgency:       {"SYNTHETIC HOME HEALTH AGENCY ", 3000, 7000, 40},
	HospiceAgency:    {"SYNTHETIC HOSPICE ", 4000, 1500, 20},
	Supplier:         {"SYNTHETIC MEDICAL SUPPLY ", 5000, 0, 40},
	LabCompany:       {"SYNTHETIC LABORATORY ", 6000, 0, 10},
	AmbulanceCompany: {"SYNTHETIC AMBULANCE ", 6100, 0, 20},
	XrayCompany:      {"SYNTHETIC MOBILE X-RAY ", 6200, 0, 10},
}
