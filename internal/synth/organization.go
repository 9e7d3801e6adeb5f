package synth

// The sorts of organizations.
const (
	groupPractice = iota
	hospital
	nursingFacility
	homeAgency
	hospiceAgency
	supplier
	labCompany
	ambulanceCompany
	xrayCompany
	orgSorts
)

// orgs says, for each sort, how its organizations are named and numbered, and
// how many of them a state has. CCN ranges: CMS, State Operations Manual §2779.
var orgs = [orgSorts]struct {
	name  string
	npi   int // first number of its NPIs
	ccn   int // last four digits of the first CMS certification number
	count int
}{
	groupPractice:    {"SYNTHETIC MEDICAL GROUP ", 0, 0, 300},
	hospital:         {"SYNTHETIC HOSPITAL ", 1000, 1, 40},
	nursingFacility:  {"SYNTHETIC NURSING FACILITY ", 2000, 5000, 60},
	homeAgency:       {"SYNTHETIC HOME HEALTH AGENCY ", 3000, 7000, 40},
	hospiceAgency:    {"SYNTHETIC HOSPICE ", 4000, 1500, 20},
	supplier:         {"SYNTHETIC MEDICAL SUPPLY ", 5000, 0, 40},
	labCompany:       {"SYNTHETIC LABORATORY ", 6000, 0, 10},
	ambulanceCompany: {"SYNTHETIC AMBULANCE ", 6100, 0, 20},
	xrayCompany:      {"SYNTHETIC MOBILE X-RAY ", 6200, 0, 10},
}
