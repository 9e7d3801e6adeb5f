package codes

// State is a home state, with the codes that its claims carry.
type State struct {
	Number   int    // its position in NPIs, from 0
	Postal   string // USPS abbreviation, for the names of organizations
	SSA      string // SSA state code
	ZIP      string // first three digits of a ZIP code there
	Locality string // Medicare physician fee schedule: the state's own or its "rest of state" locality
	Carrier  string // Part B workload number of the Medicare contractor
	FI       string // Part A workload number of the Medicare contractor
	DME      string // workload number of the DME contractor
	weight   uint16 // people there among a thousand
}

// States are some of the states. Sources: SSA state codes (ResDAC codebook),
// CMS physician fee schedule localities, CMS lists of MAC workload numbers,
// USPS ZIP prefixes. The weights follow population roughly.
var States = [...]State{
	{0, "AL", "01", "352", "00", "10112", "10111", "18003", 40},
	{1, "AZ", "03", "850", "00", "03102", "03101", "19003", 50},
	{2, "AR", "04", "722", "13", "07102", "07101", "18003", 25},
	{3, "CO", "06", "802", "01", "04112", "04111", "18003", 35},
	{4, "CT", "07", "061", "00", "13102", "13101", "16013", 25},
	{5, "FL", "10", "322", "99", "09102", "09101", "18003", 140},
	{6, "GA", "11", "312", "99", "10212", "10211", "18003", 60},
	{7, "IN", "15", "462", "00", "08102", "08101", "17013", 45},
	{8, "IA", "16", "503", "00", "05102", "05101", "19003", 25},
	{9, "KY", "18", "402", "00", "15102", "15101", "17013", 35},
	{10, "MA", "22", "013", "99", "14212", "14211", "16013", 50},
	{11, "MI", "23", "495", "99", "08202", "08201", "17013", 70},
	{12, "MN", "24", "554", "00", "06202", "06201", "17013", 35},
	{13, "NC", "34", "276", "00", "11502", "11501", "18003", 70},
	{14, "OH", "36", "432", "00", "15202", "15201", "17013", 80},
	{15, "PA", "39", "168", "99", "12502", "12501", "16013", 90},
	{16, "SC", "42", "292", "01", "11202", "11201", "18003", 40},
	{17, "TN", "44", "372", "35", "10312", "10311", "18003", 45},
	{18, "VA", "49", "232", "00", "11302", "11301", "18003", 50},
	{19, "WI", "52", "532", "00", "06302", "06301", "17013", 40},
}

// StateWeights repeats the weights of States for random.Stream.Pick.
var StateWeights = func() (w [len(States)]uint16) {
	for i := range States {
		w[i] = States[i].weight
	}
	return w
}()

// FIPS are the state codes of the Census Bureau, in the order of States.
var FIPS = [len(States)]string{
	"01", "04", "05", "08", "09", "12", "13", "18", "19", "21", "25", "26", "27", "37", "39", "42", "45", "47", "51", "55",
}
