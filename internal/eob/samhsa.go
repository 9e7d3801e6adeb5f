package eob

import (
	"bytes"
	"slices"
)

// Claims of substance-use treatment (42 CFR Part 2, "SAMHSA") may not be
// shared. The codes are those that BFD's matcher uses, from CMS's claim line
// feed information packet; where that lists every code of a family, the family
// stands here, so that a new code of it counts at once. Beyond it: DRG 894,
// ICD-9, and HCPCS codes of the same services that are newer than the list.
// The four CPT codes of the list are licensed by the AMA and not here; nor are
// the groups 522 and 523, which today are other diseases.

// substanceICD10 are ICD-10-CM families: alcohol, opioids, cannabis,
// sedatives, cocaine, other stimulants, hallucinogens, inhalants, other
// psychoactive substances, non-psychoactive substances; findings in blood;
// counselling. F17, nicotine, is not one of them.
var substanceICD10 = []string{
	"F10", "F11", "F12", "F13", "F14", "F15", "F16", "F18", "F19", "F55",
	"R780", "R781", "R782", "R783", "R784", "R785", "R786",
	"Z7141", "Z7142", "Z7151", "Z7152",
}

// substanceICD9 are ICD-9-CM families: alcohol- and drug-induced mental
// disorders, dependence and abuse.
var substanceICD9 = []string{"291", "292", "303", "304", "305"}

// tobaccoICD9 is the one code of family 305 that does not count.
const tobaccoICD9 = "3051"

// counsellingICD9 is V65.42. It counts with its system only: in ICD-10, V65
// are accidents.
const counsellingICD9 = "V6542"

// substanceProcedures are the section of substance-abuse treatment in
// ICD-10-PCS, and alcohol and drug rehabilitation and detoxification in ICD-9.
var substanceProcedures = []string{"HZ", "946"}

// substanceDRGs are the MS-DRGs of alcohol and drug abuse or dependence.
var substanceDRGs = []string{"894", "895", "896", "897"}

// substanceServices are HCPCS Level II codes, sorted.
var substanceServices = []string{
	"G0532", "G0533", "G0534", "G0535", "G0536", // opioid treatment programs
	"G1028",
	"G2011",
	"G2067", "G2068", "G2069", "G2070", "G2071", "G2072", "G2073", "G2074", "G2075", "G2076", "G2077", "G2078", "G2079", "G2080",
	"G2086", "G2087", "G2088", // office-based treatment of opioid use
	"G2172", "G2215", "G2216",
	"G9562", "G9578", "G9584", "G9621",
	"H0001", "H0003", "H0005", "H0006", "H0007", "H0008", "H0009", "H0010", "H0011", "H0012", "H0013", "H0014", "H0015", "H0016", "H0020", "H0022",
	"H0034", "H0047", "H0050", "H2035", "H2036",
	"J0570", "J0571", "J0572", "J0573", "J0574", "J0575", "J0577", "J0578", // buprenorphine
	"M1034", "M1035",
	"Q9991", "Q9992",
	"S9475",
	"T1006", "T1007", "T1008", "T1009", "T1010", "T1011", "T1012",
}

// codeSpace is room for a code without its dot; longer ones are of no list.
type codeSpace [16]byte

// bare gives a code in capitals, without dots and spaces; nil if it is too
// long to be one.
func (s *codeSpace) bare(code []byte) []byte {
	b := s[:0]
	for _, c := range code {
		switch {
		case c == '.' || c == ' ':
			continue
		case len(b) == len(s):
			return nil
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// substanceDiagnosis tells whether a diagnosis is one of substance use. Codes
// of ICD-9 are numbers and those of ICD-10 begin with a letter, so a missing
// or unknown system lets none through.
func substanceDiagnosis(system, code []byte) bool {
	var space codeSpace
	b := space.bare(code)
	if string(b) == counsellingICD9 {
		return bytes.Contains(system, []byte("icd-9"))
	}
	return begins(b, substanceICD10) || begins(b, substanceICD9) && string(b) != tobaccoICD9
}

func substanceProcedure(code []byte) bool {
	var space codeSpace
	return begins(space.bare(code), substanceProcedures)
}

func substanceService(code []byte) bool {
	var space codeSpace
	_, found := slices.BinarySearch(substanceServices, string(space.bare(code)))
	return found
}

// substanceDRG reads a group with or without leading zeros or a prefix.
func substanceDRG(code []byte) bool {
	var space codeSpace
	b := bytes.TrimLeft(bytes.TrimPrefix(space.bare(code), []byte("MS-DRG")), "0")
	return slices.Contains(substanceDRGs, string(b))
}

// begins tells whether a code is of one of the families.
func begins(code []byte, families []string) bool {
	for _, f := range families {
		if len(code) >= len(f) && string(code[:len(f)]) == f {
			return true
		}
	}
	return false
}
