package eob

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"ab2d/internal/fhir"
)

func TestSubstanceCodes(t *testing.T) {
	codes := newPart2Codes()
	of := func(f func([]byte) (dayRange, bool)) func(string) bool {
		return func(code string) bool { _, found := f([]byte(code)); return found }
	}
	for _, c := range []struct {
		what    string
		counts  func(string) bool
		yes, no []string
	}{
		{"ICD-10-CM", of(codes.diagnosis),
			[]string{"F1010", "F10.10", "f11.20", "F13", "F16983", "F19.99", "F55.2", "R78.0", "R785", "Z7141", "Z71.51"},
			[]string{"F17210", "F20", "F09", "F54", "R7889", "R7301", "Z713", "I10", "V6542XA", "", "F1", "F10101010101010101"}},
		{"ICD-9-CM", of(codes.diagnosis),
			[]string{"2910", "292.0", "30390", "304.01", "3050", "30500", "30520", "V6542", "V65.42", "790.3", " 7903"},
			[]string{"3051", "305.1", "2900", "306", "V6541", "4019"}},
		{"procedure", of(codes.procedure), []string{"HZ2ZZZZ", "hz99zzz", "94.61", "9468", "94.45", "9446", "94.53", "9454  "}, []string{"0SR903A", "GZ10ZZZ", "9447", "H"}},
		{"DRG", of(codes.drg), []string{"894", "895", "0896", "MS-DRG 897", "DRG895", "522", "523"}, []string{"470", "893", "898", "8950", ""}},
		{"HCPCS and CPT", of(codes.service), []string{"G0137", "4320F", "99408", "99409", "0078U", "g0137 ", "H0005", "h0015", "G2067", "T1012", "Q9991", "J0570"}, []string{"G0463", "H0017", "J1885", "99213", "H00055", "T101", ""}},
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
		{`"supportingInfo":[{"code":{"coding":[{"system":"https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software","code":"895"}]}}]`, false, true},
		{`"supportingInfo":[{"code":{"coding":[{"code":"0895"}]}}]`, false, true},
		{`"supportingInfo":[{"code":{"coding":[{"system":"x","code":"896"}]}}]`, false, false},
		{`"supportingInfo":[{"category":{"coding":[{"code":"drg"}]},"code":{"coding":[{"system":"urn:oid:2.16.840.1.113883.6.301","code":"0896"}]}}]`, false, true},
		{`"supportingInfo":[{"code":{"coding":[{"system":"x","code":"470"},{"system":"y","code":"896"}]},"category":{"coding":[{"code":"info"},{"code":"https://bluebutton.cms.gov/resources/variables/clm_drg_cd"}]}}]`, false, true},
		{`"supportingInfo":[{"category":{"coding":[{"code":"drg"}]}},{"code":{"coding":[{"system":"x","code":"896"}]}}]`, false, false},
		{`"procedure":[{"procedureCodeableConcept":{"coding":[{"system":"http://www.ama-assn.org/go/cpt","code":"h0005 "}]}}]`, true, true},
		{`"item":[{"service":{"coding":[{"code":"H0005"}]}}]`, true, false},
		{`"item":[{"productOrService":{"coding":[{"code":"H0005"}]}}]`, false, true},
		{`"diagnosis":[{"diagnosisCodeableConcept":{"coding":[{"code":"F17210","display":"F10"}]}}]`, false, false},
	} {
		for v, want := range map[fhir.Version]bool{fhir.V1: c.v1, fhir.V2: c.v2} {
			claim, err := New(v).Minimize(small(c.field))
			if err != nil && want { // else it may be a field of the other version
				t.Errorf("%s: %s: %v", v, c.field, err)
			}
			if got := err == nil && claim.Part2; got != want {
				t.Errorf("%s: %s: Part 2 is %v, want %v", v, c.field, got, want)
			}
		}
	}
}

// TestPart2_Days: a code of the list counts by the claim's through date, wherever
// in the claim that stands, and without one always. A family counts every day.
func TestPart2_Days(t *testing.T) {
	code := func(c string) string { return `"item":[{"productOrService":{"coding":[{"code":"` + c + `"}]}}]` }
	drg := func(c string) string { return `"diagnosis":[{"packageCode":{"coding":[{"code":"` + c + `"}]}}]` }
	for name, c := range map[string]struct {
		field, through string
		want           bool
	}{
		"before its first day":  {code("G0137"), "2023-12-31", false},
		"on its first day":      {code("G0137"), "2024-01-01", true},
		"no through date":       {code("G0137"), "", true},
		"after its last day":    {drg("522"), "2025-06-01", false},
		"on its last day":       {drg("523"), "2007-10-01", true},
		"a family, before 2020": {`"diagnosis":[{"diagnosisCodeableConcept":{"coding":[{"code":"F14.93"}]}}]`, "2019-05-01", true},
	} {
		t.Run(name, func(t *testing.T) {
			through := ""
			if c.through != "" {
				through = `,"billablePeriod":{"start":"2000-01-01","end":"` + c.through + `"}`
			}
			for _, fields := range []string{c.field + through, strings.TrimPrefix(through+","+c.field, ",")} {
				if got := minimize(t, fhir.V2, small(fields)).Part2; got != c.want {
					t.Errorf("%s: Part 2 is %v, want %v", fields, got, c.want)
				}
			}
		})
	}
}

// TestPart2_List: each row of the list counts, written in any way.
func TestPart2_List(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(part2List)).ReadAll()
	if err != nil || len(rows) != 725 {
		t.Fatal(len(rows), err)
	}
	codes := newPart2Codes()
	find := map[string]func([]byte) (dayRange, bool){"diagnosis": codes.diagnosis, "procedure": codes.procedure, "service": codes.service, "drg": codes.drg}
	for _, row := range rows[1:] {
		kind, code := row[0], row[1]
		for _, written := range []string{code, strings.ToLower(code), "  " + code + " ", code[:2] + "." + code[2:]} {
			if _, found := find[kind]([]byte(written)); !found {
				t.Errorf("%s %q does not count", kind, written)
			}
		}
	}
}
