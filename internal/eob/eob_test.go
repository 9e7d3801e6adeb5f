package eob

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

var update = flag.Bool("update", false, "write the golden files and the data dictionary again")

var versions = []fhir.Version{fhir.V1, fhir.V2, fhir.V3}

// early are the versions that take a claim without a source and a period.
var early = versions[:2]

// made are the hand-made claims of this package, by version.
var made = map[fhir.Version]string{fhir.V1: "stu3", fhir.V2: "r4", fhir.V3: "r4v3"}

func readMade(t testing.TB, v fhir.Version) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", made[v]+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golden compares with a golden file, or writes it under -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s is stale; go test -run '%s' -update writes it again (-want +got):\n%s", name, t.Name(), d)
	}
}

func minimize(t testing.TB, v fhir.Version, raw []byte) *Claim {
	t.Helper()
	c, err := New(v).Minimize(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMadeClaims(t *testing.T) {
	for _, v := range versions {
		c := minimize(t, v, readMade(t, v))
		golden(t, filepath.Join("testdata", made[v]+".golden"), append(c.JSON, '\n'))
	}
}

func TestFacts(t *testing.T) {
	want := map[fhir.Version]coverage.Claim{
		fhir.V1: {
			Patient: -10000000005142, Type: coverage.Inpatient,
			Start: coverage.DateOf(2024, 2, 27), End: coverage.DateOf(2024, 3, 1), HasStart: true, HasEnd: true,
			LastUpdated: time.Date(2024, 3, 5, 15, 11, 12, 345e6, time.UTC),
		},
		fhir.V2: {
			Patient: -10000000005142, Type: coverage.Carrier,
			Start: coverage.DateOf(2024, 1, 2), End: coverage.DateOf(2024, 1, 2), HasStart: true, HasEnd: true,
			LastUpdated: time.Date(2024, 1, 10, 0, 0, 0, 0, time.UTC),
		},
		fhir.V3: {
			Patient: 900001, Type: coverage.Carrier,
			Start: coverage.DateOf(2026, 4, 2), End: coverage.DateOf(2026, 4, 5), HasStart: true, HasEnd: true,
			LastUpdated: time.Date(2026, 5, 4, 3, 2, 28, 0, time.UTC),
		},
	}
	for _, v := range versions {
		c := minimize(t, v, readMade(t, v))
		if d := cmp.Diff(want[v], c.Claim); d != "" {
			t.Errorf("%s (-want +got):\n%s", v, d)
		}
	}
	v1 := minimize(t, fhir.V1, readMade(t, fhir.V1))
	if string(v1.ID) != "inpatient--4711" || string(v1.Group) != "-815" || v1.Canceled {
		t.Errorf("v1: id %q, group %q, canceled %v", v1.ID, v1.Group, v1.Canceled)
	}
	v2 := minimize(t, fhir.V2, readMade(t, fhir.V2))
	if string(v2.ID) != "carrier--10000001619362" || string(v2.Group) != "-9" || !v2.Canceled {
		t.Errorf("v2: id %q, group %q, canceled %v", v2.ID, v2.Group, v2.Canceled)
	}
	v3 := minimize(t, fhir.V3, readMade(t, fhir.V3))
	if string(v3.ID) != "1000000000001" || len(v3.Group) > 0 || v3.Canceled || !v3.NotFinalAction {
		t.Errorf("v3: id %q, group %q, canceled %v, no final action %v", v3.ID, v3.Group, v3.Canceled, v3.NotFinalAction)
	}
}

// small is a claim with what is needed and one more field.
func small(field string) []byte {
	return fmt.Appendf(nil, `{"resourceType":"ExplanationOfBenefit","id":"a-1","patient":{"reference":"Patient/1"},%s}`, field)
}

// only gives what is kept of a small claim's one more field.
func only(t *testing.T, v fhir.Version, field string) string {
	t.Helper()
	kept := string(minimize(t, v, small(field)).JSON)
	kept = strings.TrimPrefix(kept, strings.TrimSuffix(string(small("")), ",}"))
	return strings.TrimPrefix(strings.TrimSuffix(kept, "}"), ",")
}

func TestMissingFactsAreVisible(t *testing.T) {
	for _, field := range []string{
		`"x":1`,
		`"billablePeriod":{"start":"2024","end":"2024-02"},"meta":{"lastUpdated":"yesterday"}`,
		`"billablePeriod":{"start":"2024-02-30","end":null},"meta":{"lastUpdated":"2024-01-01"}`,
		`"billablePeriod":[{"start":"2024-02-20"}],"meta":[]`,
	} {
		c := minimize(t, fhir.V2, small(field))
		if c.HasStart || c.HasEnd || !c.LastUpdated.IsZero() || c.Type != coverage.OtherClaim {
			t.Errorf("%s: found %+v", field, c.Claim)
		}
	}
}

func TestPartD(t *testing.T) {
	for coding, want := range map[string]bool{
		`{"system":"https://bluebutton.cms.gov/resources/codesystem/eob-type","code":"PDE"}`: true,
		`{"code":"pde","system":"x/EOB-TYPE"}`:                                               true,
		`{"system":"https:\/\/x\/eob-typ\u0065","code":"\u0050DE"}`:                          true,
		`{"system":"eob-type","code":"CARRIER"},{"system":"eob-type","code":"PDE"}`:          true,
		`{"system":"eob-type-2","code":"PDE"}`:                                               false,
		`{"code":"PDE"}`:                                                                     false,
	} {
		for _, v := range early {
			if got := minimize(t, v, small(`"type":{"coding":[`+coding+`]}`)).PartD; got != want {
				t.Errorf("%s: %s: Part D is %v, want %v", v, coding, got, want)
			}
		}
	}
}

// TestClaimType: of two kinds that a claim calls itself, the first counts.
func TestClaimType(t *testing.T) {
	for coding, want := range map[string]coverage.ClaimType{
		`{"system":"eob-type","code":"hha"},{"system":"eob-type","code":"SNF"}`: coverage.HHA,
		`{"system":"eob-type"},{"system":"EOB-TYPE","code":"SNF"}`:              coverage.SNF,
		`{"system":"eob-type","code":"OTHER"}`:                                  coverage.OtherClaim,
		`{"system":"x","code":"SNF"}`:                                           coverage.OtherClaim,
	} {
		if got := minimize(t, fhir.V1, small(`"type":{"coding":[`+coding+`]}`)).Type; got != want {
			t.Errorf("%s: %v, want %v", coding, got, want)
		}
	}
}

func TestClaimsThatAreNone(t *testing.T) {
	for raw, want := range map[string]string{
		`[]`:                                  "not an ExplanationOfBenefit",
		`{}`:                                  "not an ExplanationOfBenefit",
		`{"resourceType":"Patient","id":"a"}`: "not an ExplanationOfBenefit",
		`{"resourceType":["ExplanationOfBenefit"]}`:                                                      "not an ExplanationOfBenefit",
		`{"resourceType":"ExplanationOfBenefit","patient":{"reference":"Patient/1"}}`:                    "id is missing or not a FHIR id",
		`{"resourceType":"ExplanationOfBenefit","id":"a b","patient":{"reference":"Patient/1"}}`:         "id is missing or not a FHIR id",
		`{"resourceType":"ExplanationOfBenefit","id":"a"}`:                                               "patient.reference is missing or not Patient/ and a number",
		`{"resourceType":"ExplanationOfBenefit","id":"a","patient":{"reference":"Patient/1S00E00AA00"}}`: "patient.reference is missing or not Patient/ and a number",
		`{"resourceType":"ExplanationOfBenefit","id":"a","patient":{"reference":"#1"}}`:                  "patient.reference is missing or not Patient/ and a number",
	} {
		_, err := New(fhir.V1).Minimize([]byte(raw))
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
}

func TestShapesFailClosed(t *testing.T) {
	for field, want := range map[string]string{
		`"status":{"payment":1}`:     ``,
		`"status":["active"]`:        ``,
		`"status":5`:                 ``,
		`"status":null`:              ``,
		`"status":""`:                `"status":""`,
		`"st\u0061tus":"active"`:     `"st\u0061tus":"active"`,
		`"identifier":{"value":"x"}`: ``,
		`"identifier":[[{"value":"x"}],"y",{"value":"z"}]`:                                                                         `"identifier":[{"value":"z"}]`,
		`"identifier":[ { } , {"value":{}} ]`:                                                                                      ``,
		`"careTeam":[{"sequence":"2"},{"sequence":-1.50e+3}]`:                                                                      `"careTeam":[{"sequence":-1.50e+3}]`,
		`"careTeam":[{"responsible":"true"},{"responsible":true}]`:                                                                 `"careTeam":[{"responsible":true}]`,
		`"extension":[{"url":"https://bluebutton.cms.gov/resources/variables/nch_near_line_rec_ident_cd"}]`:                        ``,
		`"extension":[{"url":["https://bluebutton.cms.gov/resources/variables/nch_near_line_rec_ident_cd"],"valueCoding":{}}]`:     ``,
		`"extension":{"url":"https://bluebutton.cms.gov/resources/variables/nch_near_line_rec_ident_cd","valueCoding":{"code":1}}`: ``,
	} {
		if got := only(t, fhir.V2, field); got != want {
			t.Errorf("of %s stays %q, want %q", field, got, want)
		}
	}
}

func TestMinimizingTwiceChangesNothing(t *testing.T) {
	for _, v := range versions {
		claims := [][]byte{readMade(t, v)}
		for _, c := range claims {
			once := bytes.Clone(minimize(t, v, c).JSON)
			if twice := minimize(t, v, once).JSON; !bytes.Equal(once, twice) {
				t.Errorf("%s: once\n%s\ntwice\n%s", v, once, twice)
			}
		}
	}
}

func TestMBIs(t *testing.T) {
	one := func(currency, mbi string) string {
		return `{"url":"http://hl7.org/fhir/StructureDefinition/elementdefinition-identifier","valueIdentifier":{"extension":[{"url":"https://bluebutton.cms.gov/resources/codesystem/identifier-currency","valueCoding":{"code":"` +
			currency + `"}}],"system":"http://hl7.org/fhir/sid/us-mbi","value":"` + mbi + `"}}`
	}
	const head = `{"resourceType":"ExplanationOfBenefit","id":"a-1",`
	const near = `{"url":"https://bluebutton.cms.gov/resources/variables/nch_near_line_rec_ident_cd","valueCoding":{"code":"O"}}`
	const patient = `"patient":{"reference":"Patient/1"}}`
	mbis := []coverage.MBI{"1S00E00AA00", "2S00E00AA00"}
	both := one("current", "1S00E00AA00") + "," + one("historic", "2S00E00AA00")
	for _, c := range []struct {
		name, raw string
		mbis      []coverage.MBI
		want      string
	}{
		{"none", head + patient, nil, head + patient},
		{"after the id", head + patient, mbis, head + `"extension":[` + both + `],` + patient},
		{"after meta", head + `"meta":{"profile":["p"]},` + patient, mbis[:1], head + `"meta":{"profile":["p"]},"extension":[` + one("current", "1S00E00AA00") + `],` + patient},
		{"among extensions", head + `"extension":[` + near + `],` + patient, mbis, head + `"extension":[` + near + `,` + both + `],` + patient},
		{"instead of others", head + `"extension":[` + one("current", "9S00E00AA00") + `],` + patient, mbis, head + `"extension":[` + both + `],` + patient},
		{"one that would break the claim", head + patient, []coverage.MBI{"a\"\\\n€😀"}, head + `"extension":[` + one("current", `a\u0022\u005c\u000a\u20ac\ufffd`) + `],` + patient},
	} {
		got := string(minimize(t, fhir.V2, []byte(c.raw)).AppendWithMBIs([]byte("> "), c.mbis))
		if d := cmp.Diff("> "+c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestDetect(t *testing.T) {
	for raw, want := range map[string]fhir.Version{
		`{"type":{"coding":[{"system":"http://hl7.org/fhir/ex-claimtype"}]}}`:                 fhir.V1,
		`{"item":[{"sequence":1},{"service":{}}]}`:                                            fhir.V1,
		`{"outcome":{"coding":[]}}`:                                                           fhir.V1,
		`{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/claim-type"}]}}`: fhir.V2,
		`{"item":[{"productOrService":{}}]}`:                                                  fhir.V2,
		`{"outcome":"complete"}`:                                                              fhir.V2,
		`{"meta":{"profile":["http://hl7.org/fhir/us/carin-bb/StructureDefinition/x"]}}`:      fhir.V2,
		`{"type":{"coding":[{"system":"` + claimType + `"}]}}`:                                fhir.V3,
		`{"use":"claim","meta":{"tag":[{"system":"` + systemType + `"}]}}`:                    fhir.V3,
		`{"outcome":"complete","meta":{"profile":["` + definition + `x|1"]}}`:                 fhir.V3,
		`{}`: 0,
		`{"item":[{"productOrService":{},"service":{}}]}`:                                                        0,
		`{"type":{"coding":[{"system":"` + claimType + `"},{"system":"` + variables + `nch_clm_type_cd"}]}}`:     0,
		`{"identifier":[{"system":"` + variables + `clm_id"}],"meta":{"tag":[{"system":"` + systemType + `"}]}}`: 0,
		`{"information":[],"meta":{"tag":[{"system":"` + systemType + `"}]}}`:                                    0,
		`{"item":"x"}`: 0,
		`{"use":`:      0,
	} {
		got, err := Detect([]byte(raw))
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%s: %v, %v; want %v", raw, got, err, want)
		}
	}
	for _, v := range versions {
		if got, err := Detect(minimize(t, v, readMade(t, v)).JSON); got != v {
			t.Errorf("minimized %s: %v, %v", v, got, err)
		}
	}
}
