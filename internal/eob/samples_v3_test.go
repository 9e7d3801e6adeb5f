package eob

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// samplesV3 says what becomes of each sample claim of version 3.
var samplesV3 = []struct {
	name    string
	kind    coverage.ClaimType
	patient coverage.EnrolleeID
	refused string // the reason; "" when it is taken
	source  bool   // for its source
	partD   bool
	part2   bool
}{
	{name: "fixture21-outpatient-40", kind: coverage.Outpatient, patient: -501274923},
	{name: "fixture21-pharmacy-2", partD: true, patient: -40622727},
	{name: "model-carrier-72", kind: coverage.Carrier, patient: 12345},
	{name: "model-carrier-mcs-2700", refused: "not of the National Claims History: the System-Type tag is SharedSystem", source: true},
	{name: "model-hospice-50", kind: coverage.Hospice, patient: 12345},
	{name: "model-inpatient-60", kind: coverage.Inpatient, patient: 12345},
	{name: "model-pharmacy-1", partD: true, patient: 123456789},
	{name: "server-dme-vms-2800", refused: "not of the National Claims History: the System-Type tag is SharedSystem", source: true},
	{name: "server-hha-10", kind: coverage.HHA, patient: 405764107},
	{name: "server-priorauth-D", refused: "not a claim: its use is another, such as a preauthorization"},
	{name: "server-snf-20", kind: coverage.SNF, patient: 412457726},
	{name: "server-snf-fiss-2021-part2", part2: true, patient: 412457726},
}

// readV3 reads a sample claim, and gives it an id where it has none.
func readV3(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "v3", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(name, "model-") {
		b = bytes.Replace(b, []byte("{"), []byte(`{"id":"1001",`), 1)
	}
	return b
}

// deliveredV3 reads the sample claims that are delivered.
func deliveredV3(t testing.TB) (all [][]byte) {
	t.Helper()
	for _, s := range samplesV3 {
		if s.kind != coverage.OtherClaim {
			all = append(all, readV3(t, s.name))
		}
	}
	return all
}

func TestV3Samples(t *testing.T) {
	m := New(fhir.V3)
	for _, s := range samplesV3 {
		raw := readV3(t, s.name)
		if v, err := Detect(raw); v != fhir.V3 {
			t.Errorf("%s is detected as %v: %v", s.name, v, err)
		}
		compare(t, fhir.V3, m, raw)
		c, err := m.Minimize(raw)
		var e *Error
		if errors.As(err, &e); s.refused != "" && (e == nil || e.Reason != s.refused || e.OtherSource != s.source) || s.refused == "" && err != nil {
			t.Errorf("%s: %v, want %q", s.name, err, s.refused)
		}
		if err != nil {
			continue
		}
		if s.kind != coverage.OtherClaim && c.Type != s.kind || c.PartD != s.partD || c.Part2 != s.part2 || c.Patient != s.patient || c.Canceled || c.NotFinalAction || !c.HasStart || !c.HasEnd || c.LastUpdated.IsZero() || len(c.Group) > 0 {
			t.Errorf("%s has facts %+v", s.name, c.Claim)
		}
	}
}

// indented puts each entry of a claim's arrays on a line of its own, for people.
func indented(t *testing.T, claim []byte) []byte {
	t.Helper()
	v, err := parse(claim)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("{")
	for i, m := range v.([]member) {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n" + m.raw + ":")
		list, isArray := m.value.([]any)
		if !isArray {
			b.WriteString(written(m.value))
			continue
		}
		b.WriteString("[")
		for k, e := range list {
			if k > 0 {
				b.WriteString(",")
			}
			b.WriteString("\n  " + written(e))
		}
		b.WriteString("\n]")
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

// written writes a parsed value again.
func written(v any) string {
	var all []string
	switch v := v.(type) {
	case []member:
		for _, m := range v {
			all = append(all, m.raw+":"+written(m.value))
		}
		return "{" + strings.Join(all, ",") + "}"
	case []any:
		for _, e := range v {
			all = append(all, written(e))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	return v.(scalar).raw
}

// TestV3Golden holds what is left of each sample. When a golden file changes, read
// it beside its claim and look for this:
//
//   - All: no amount, no name of a contained resource, no insurer, no tax number,
//     no revenue or modifier of a line, no date in supportingInfo. Of supportingInfo
//     only the near-line record, the group, the facility type alone of the type of
//     bill, the query code, and a laboratory. As many lines, diagnoses and procedures
//     as the claim has. provider refers to what is contained, or only has a reason.
//   - fixture21-outpatient-40: nothing contained, as that was the insurer, and no
//     provider. supportingInfo 4 (only "1"), 7 and 14. Drug codes of lines 2, 4, 6
//     and 7 without their quantities.
//   - model-carrier-72: two contained: the practitioner with NPI and CCN, without
//     Stark; the laboratory with its CLIA number, without the result 1.11.
//     supportingInfo 9, which refers to it, 13, 14 and 20. Line 1 has four of eleven
//     extensions; not CLM-PRVDR-TAX-NUM. Line 4 has a drug code.
//   - model-hospice-50, model-inpatient-60: the organization with NPI, CCN and 77550,
//     without its name; in the inpatient claim also without tax number 765432. Four
//     members of the team. supportingInfo 22, 26, 28 and 31; 28, 32, 36 and 39.
//   - server-hha-10: the practitioner with NPI and 77005. Three members of the team,
//     one an organization with a specialty. supportingInfo 3, 10, 22 and 31.
//   - server-snf-20: nothing contained; provider has only data-absent-reason.
//     supportingInfo 3, 5 and 21: it has no near-line record. Drug codes of seven of
//     nine lines.
func TestV3Golden(t *testing.T) {
	for _, s := range samplesV3 {
		if s.kind == coverage.OtherClaim {
			continue
		}
		c := minimize(t, fhir.V3, readV3(t, s.name))
		golden(t, filepath.Join("testdata", "v3", s.name+".golden.json"), indented(t, c.JSON))
	}
}
