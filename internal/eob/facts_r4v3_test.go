package eob

import (
	"bytes"
	"encoding/csv"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// smallV3 is a claim with what version 3 needs, and other fields instead or
// besides; an empty one is left out.
func smallV3(with map[string]string) []byte {
	fields := map[string]string{
		"resourceType": `"ExplanationOfBenefit"`, "id": `"1"`, "patient": `{"reference":"Patient/1"}`, "use": `"claim"`, "billablePeriod": `{"start":"2025-01-03","end":"2025-01-11"}`,
		"meta": `{"source":"NCH"}`, "type": `{"coding":[{"system":"` + claimType + `","code":"40"}]}`,
	}
	maps.Copy(fields, with)
	var all []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if fields[name] != "" {
			all = append(all, `"`+name+`":`+fields[name])
		}
	}
	return []byte("{" + strings.Join(all, ",") + "}")
}

// tag is one of meta.
func tag(system, code string) string { return `{"system":"` + system + `","code":"` + code + `"}` }

// TestV3Refused: each reason names its evidence, and nothing of the claim that is
// not a known name.
func TestV3Refused(t *testing.T) {
	const notHistory = "not of the National Claims History: "
	for name, c := range map[string]struct {
		with   map[string]string
		reason string
		source bool
	}{
		"taken":                                 {nil, "", false},
		"older name of a source":                {map[string]string{"meta": `{"source":"NationalClaimsHistory"}`}, "", false},
		"only a tag":                            {map[string]string{"meta": `{"tag":[` + tag(systemType, "NationalClaimsHistory") + `]}`}, "", false},
		"both":                                  {map[string]string{"meta": `{"tag":[` + tag(systemType, "NationalClaimsHistory") + `],"source":"NCH"}`}, "", false},
		"shared system":                         {map[string]string{"meta": `{"source":"MCS"}`}, notHistory + "meta.source is MCS", true},
		"shared system by tag":                  {map[string]string{"meta": `{"source":"NCH","tag":[` + tag(systemType, "SharedSystem") + `]}`}, notHistory + "the System-Type tag is SharedSystem", true},
		"shared system, no tag":                 {map[string]string{"meta": `{"source":"VMS","tag":[` + tag(systemType, "NationalClaimsHistory") + `]}`}, notHistory + "meta.source is VMS", true},
		"unknown source":                        {map[string]string{"meta": `{"source":"1S00E00AA00"}`}, notHistory + "meta.source is another system", true},
		"no source":                             {map[string]string{"meta": `{}`}, "neither meta.source nor a System-Type tag names the National Claims History", false},
		"prior authorization":                   {map[string]string{"use": `"preauthorization"`}, "not a claim: its use is another, such as a preauthorization", false},
		"prior authorization of another source": {map[string]string{"use": `"preauthorization"`, "meta": `{"source":"CWF"}`}, "not a claim: its use is another, such as a preauthorization", false},
		"no period":                             {map[string]string{"billablePeriod": ""}, "billablePeriod has no start or no end", false},
		"no end":                                {map[string]string{"billablePeriod": `{"start":"2025-01-03"}`}, "billablePeriod has no start or no end", false},
		"only a month":                          {map[string]string{"billablePeriod": `{"start":"2025-01","end":"2025-01-03"}`}, "billablePeriod has no start or no end", false},
		"of no server":                          {map[string]string{"type": `{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type","code":"professional"}]}`}, "it is not a claim of BFD's version 3", false},
		"of the others":                         {map[string]string{"x": `"https://bluebutton.cms.gov/resources/variables/clm_id"`}, "it is a claim of BFD's version 1 or 2, but version 3 is required", false},
		"STU3":                                  {map[string]string{"information": `[]`}, "the claim is FHIR STU3", false},
		"type of STU3":                          {map[string]string{"type": `{"coding":[` + tag("http://hl7.org/fhir/ex-claimtype", "x") + `]}`}, "the claim is FHIR STU3", false},
		"delivered":                             {map[string]string{"extension": `[{"url":"https://bluebutton.cms.gov/resources/codesystem/identifier-currency"}]`}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			raw := smallV3(c.with)
			compare(t, fhir.V3, New(fhir.V3), raw)
			_, err := New(fhir.V3).Minimize(raw)
			var e *Error
			errors.As(err, &e)
			if c.reason == "" && err != nil || c.reason != "" && (e == nil || !strings.HasPrefix(e.Reason, c.reason) || e.OtherSource != c.source) {
				t.Errorf("%v, want %q", err, c.reason)
			}
		})
	}
}

// TestV3Type: the kind of ExplanationOfBenefit, or else the code, which must be one
// of the National Claims History. A Part D event is one by either, and whatever it
// is from.
func TestV3Type(t *testing.T) {
	const kind, fhirType = codeSystem + "EOB-TYPE", "http://terminology.hl7.org/CodeSystem/claim-type"
	for codings, want := range map[string]coverage.ClaimType{
		tag(claimType, "10"): coverage.HHA, tag(claimType, "20"): coverage.SNF, tag(claimType, "30"): coverage.SNF, tag(claimType, "40"): coverage.Outpatient,
		tag(claimType, "50"): coverage.Hospice, tag(claimType, "60"): coverage.Inpatient, tag(claimType, "64"): coverage.Inpatient, tag(claimType, " 061"): coverage.Inpatient,
		tag(claimType, "71"): coverage.Carrier, tag(claimType, "72"): coverage.Carrier, tag(claimType, "81"): coverage.DME, tag(claimType, "82"): coverage.DME,
		tag(claimType, "2700"): coverage.OtherClaim, tag(claimType, "65"): coverage.OtherClaim, tag(claimType, ""): coverage.OtherClaim,
		tag(kind, "CARRIER"): coverage.Carrier, tag(kind, "SNF") + "," + tag(claimType, "40"): coverage.SNF, tag(claimType, "40") + "," + tag(kind, "x"): coverage.Outpatient,
		tag(kind, "CARRIER") + "," + tag(claimType, "2700"): coverage.OtherClaim,
		tag(codeSystem+"CLM-TYPE", "D"):                     coverage.OtherClaim,
	} {
		raw := smallV3(map[string]string{"type": `{"coding":[` + codings + `]}`})
		compare(t, fhir.V3, New(fhir.V3), raw)
		if c := minimize(t, fhir.V3, raw); c.Type != want || c.PartD {
			t.Errorf("%s: %v, Part D %v; want %v", codings, c.Type, c.PartD, want)
		}
	}
	for _, codings := range []string{tag(claimType, "1"), tag(claimType, "04"), tag(kind, "pde"), tag(claimType, "40") + "," + tag(fhirType, "Pharmacy")} {
		raw := smallV3(map[string]string{"type": `{"coding":[` + codings + `]}`, "meta": `{"source":"DDPS"}`, "billablePeriod": ""})
		compare(t, fhir.V3, New(fhir.V3), raw)
		if c := minimize(t, fhir.V3, raw); !c.PartD {
			t.Errorf("%s is no Part D event", codings)
		}
	}
}

// TestV3FinalAction: only the tag decides.
func TestV3FinalAction(t *testing.T) {
	for code, want := range map[string]bool{"FinalAction": false, "NotFinalAction": true, "x": false} {
		raw := smallV3(map[string]string{"meta": `{"source":"NCH","tag":[` + tag(finalAction, code) + `]}`})
		if c := minimize(t, fhir.V3, raw); c.NotFinalAction != want || c.Canceled {
			t.Errorf("%s: not the final action is %v", code, c.NotFinalAction)
		}
	}
}

// placesV3 are the places of a claim for codes of a kind, around system and code.
var placesV3 = map[string][]string{
	"diagnosis": {"diagnosis", `[{"sequence":1,"diagnosisCodeableConcept":{"coding":[`, `]}}]`},
	"procedure": {"procedure", `[{"procedureCodeableConcept":{"coding":[`, `]}}]`},
	"service":   {"item", `[{"sequence":1},{"productOrService":{"coding":[`, `]}}]`},
	"detail":    {"item", `[{"detail":[{"productOrService":{"coding":[`, `]}}]}]`},
	"drg":       {"supportingInfo", `[{"sequence":1,"category":{"coding":[{"code":"drg"}]},"code":{"coding":[`, `]}}]`},
}

// systemsV3 are the code systems of version 3 for kinds of codes.
var systemsV3 = map[string][]string{
	"diagnosis": {"http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-9-cm"},
	"procedure": {"http://www.cms.gov/Medicare/Coding/ICD10", "http://www.cms.gov/Medicare/Coding/ICD9"},
	"service":   {"https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "http://www.ama-assn.org/go/cpt"},
	"drg":       {msDRG, "x"},
}

// TestV3Part2: each code of the list counts on its days, in its place in a claim,
// under each system of its kind, dotted, padded or in small letters.
func TestV3Part2(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(part2List)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	m := New(fhir.V3)
	for i, row := range rows[1:] {
		kind, code, last := row[0], row[1], row[3]
		if last == "" || last > "2030" {
			last = "2030-01-01"
		}
		for k, written := range []string{code, " " + code + "  ", strings.ToLower(code), code[:2] + "." + code[2:], "0" + code} {
			if k == 4 && kind != "drg" {
				continue
			}
			place := placesV3[kind]
			raw := smallV3(map[string]string{place[0]: place[1] + tag(systemsV3[kind][(i+k)%2], written) + place[2], "billablePeriod": `{"start":"2000-01-01","end":"` + last + `"}`})
			if c, err := m.Minimize(raw); err != nil || !c.Part2 {
				t.Fatalf("%s %q does not count on %s: %v", kind, written, last, err)
			}
		}
	}
}

// TestV3Part2_NotEach: other codes do not count, nor codes on other days, nor codes
// of one kind among those of another.
func TestV3Part2_NotEach(t *testing.T) {
	for name, c := range map[string]struct {
		kind, code, end string
		want            bool
	}{
		"group, without zeros":       {"drg", "8", "2025-01-11", false},
		"group of hip replacement":   {"drg", "522", "2025-01-11", false},
		"the same before":            {"drg", "522", "2007-09-30", true},
		"the same, padded, before":   {"drg", "0523", "2007-09-30", true},
		"group of substance use":     {"drg", "895", "2025-01-11", true},
		"diagnosis like a service":   {"diagnosis", "H00.34", "2025-01-11", false},
		"service":                    {"service", "H0034", "2025-01-11", true},
		"service of substance use":   {"service", "H0005", "2025-01-11", true},
		"the same in a line's part":  {"detail", "H0005", "2025-01-11", true},
		"service before its days":    {"service", "G0137", "2023-12-31", false},
		"nicotine":                   {"diagnosis", "F17.210", "2025-01-11", false},
		"service among the diseases": {"diagnosis", "H0005", "2025-01-11", false},
	} {
		t.Run(name, func(t *testing.T) {
			place := placesV3[c.kind]
			raw := smallV3(map[string]string{place[0]: place[1] + tag(msDRG, c.code) + place[2], "billablePeriod": `{"start":"2000-01-01","end":"` + c.end + `"}`})
			compare(t, fhir.V3, New(fhir.V3), raw)
			if got := minimize(t, fhir.V3, raw).Part2; got != c.want {
				t.Errorf("Part 2 is %v", got)
			}
		})
	}
}

// TestV3Part2_First: a claim that is marked, or coded, is one of substance use also
// without a period or of another source, so that it removes what is stored of it.
func TestV3Part2_First(t *testing.T) {
	const label = `"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"42CFRPart2"}]`
	for _, with := range []map[string]string{
		{"meta": `{"source":"NCH",` + label + `}`},
		{"meta": `{"source":"FISS",` + label + `}`},
		{"meta": `{` + label + `}`, "billablePeriod": ""},
		{"billablePeriod": "", "item": placesV3["service"][1] + `{"code":"H0005"}` + placesV3["service"][2]},
	} {
		raw := smallV3(with)
		compare(t, fhir.V3, New(fhir.V3), raw)
		if c := minimize(t, fhir.V3, raw); !c.Part2 {
			t.Errorf("%s does not count", raw)
		}
	}
}
