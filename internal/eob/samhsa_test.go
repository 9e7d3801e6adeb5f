package eob

import (
	"slices"
	"testing"

	"ab2d/internal/fhir"
)

func TestSubstanceCodes(t *testing.T) {
	const icd9, icd10 = "http://hl7.org/fhir/sid/icd-9-cm", "http://hl7.org/fhir/sid/icd-10"
	diagnosis := func(system string) func(string) bool {
		return func(code string) bool { return substanceDiagnosis([]byte(system), []byte(code)) }
	}
	of := func(f func([]byte) bool) func(string) bool { return func(code string) bool { return f([]byte(code)) } }
	for _, c := range []struct {
		what    string
		counts  func(string) bool
		yes, no []string
	}{
		{"ICD-10-CM", diagnosis(icd10),
			[]string{"F1010", "F10.10", "f11.20", "F13", "F16983", "F19.99", "F55.2", "R78.0", "R785", "Z7141", "Z71.51"},
			[]string{"F17210", "F20", "F09", "F54", "R7889", "R7301", "Z713", "I10", "V6542XA", "V6542", "", "F1", "F10101010101010101"}},
		{"ICD-9-CM", diagnosis(icd9),
			[]string{"2910", "292.0", "30390", "304.01", "3050", "30500", "30520", "V6542", "V65.42"},
			[]string{"3051", "305.1", "2900", "306", "V6541", "4019"}},
		{"diagnosis of no system", diagnosis(""), []string{"F1010", "30390"}, []string{"V6542", "3051"}},
		{"procedure", of(substanceProcedure), []string{"HZ2ZZZZ", "hz99zzz", "94.61", "9468"}, []string{"0SR903A", "GZ10ZZZ", "9447", "H"}},
		{"DRG", of(substanceDRG), []string{"894", "895", "0896", "MS-DRG 897"}, []string{"470", "522", "523", "893", "898", "8950", ""}},
		{"HCPCS", of(substanceService), []string{"H0005", "h0015", "G2067", "T1012", "Q9991", "J0570"}, []string{"G0463", "H0017", "J1885", "99213", "H00055", "T101", ""}},
	} {
		for _, code := range c.yes {
			if !c.counts(code) {
				t.Errorf("%s: %s does not count", c.what, code)
			}
		}
		for _, code := range c.no {
			if c.counts(code) {
				t.Errorf("%s: %s counts", c.what, code)
			}
		}
	}
	if !slices.IsSorted(substanceServices) {
		t.Error("substanceServices is not sorted")
	}
}

// TestSubstanceUseIsFound looks in every place of a claim that can tell.
func TestSubstanceUseIsFound(t *testing.T) {
	const drg = `"system":"https://bluebutton.cms.gov/resources/variables/clm_drg_cd","code":"896"`
	for _, c := range []struct {
		field  string
		v1, v2 bool
	}{
		{`"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"42CFRPart2"}]}`, true, true},
		{`"meta":{"tag":[{"code":"x"},{"code":"42cfrpart2"}]}`, true, true},
		{`"diagnosis":[{"diagnosisCodeableConcept":{"coding":[{"code":"I10"}]}},{"diagnosisCodeableConcept":{"coding":[{"code":"I10"},{"code":"F\u00310.20"}]}}]`, true, true},
		{`"diagnosis":[{"packageCode":{"coding":[{"code":"897"}]}}]`, true, true},
		{`"procedure":[{"procedureCodeableConcept":{"coding":[{"code":"HZ2ZZZZ"}]}}]`, true, true},
		{`"supportingInfo":[{"code":{"coding":[{` + drg + `}]}}]`, false, true},
		{`"supportingInfo":[{"code":{"coding":[{"system":"x","code":"896"}]}}]`, false, false},
		{`"item":[{"service":{"coding":[{"code":"H0005"}]}}]`, true, false},
		{`"item":[{"productOrService":{"coding":[{"code":"H0005"}]}}]`, false, true},
		{`"diagnosis":[{"diagnosisCodeableConcept":{"coding":[{"code":"F17210","display":"F10"}]}}]`, false, false},
	} {
		for v, want := range map[fhir.Version]bool{fhir.V1: c.v1, fhir.V2: c.v2} {
			if got := minimise(t, v, small(c.field)).Part2; got != want {
				t.Errorf("%s: %s: Part 2 is %v, want %v", v, c.field, got, want)
			}
		}
	}
}
