package codes

// Drugs are the drugs of Part D events. Their national drug codes have labeler
// 99999, which FDA assigns to nobody. The comments name the kind of drug.
var Drugs = [...]Service{
	{"99999010130", nil, 90, 15, nil},  // a statin
	{"99999010230", nil, 90, 12, nil},  // an ACE inhibitor
	{"99999010390", nil, 180, 8, nil},  // metformin
	{"99999010405", nil, 3, 9500, nil}, // insulin
	{"99999010560", nil, 60, 950, nil}, // an anticoagulant
	{"99999010601", nil, 1, 6200, nil}, // an inhaler
}
