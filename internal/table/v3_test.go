package table

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestKinds: the kind of a claim in all versions. In v3 it may have to be told from
// the claim's code.
func TestKinds(t *testing.T) {
	const v2, v3 = "https://bluebutton.cms.gov/resources/codesystem/eob-type", v3System
	for _, tt := range []struct {
		name, want string
		codings    []coding
	}{
		{"v1 and v2", "CARRIER", []coding{{System: v2, Code: "CARRIER"}}},
		{"v3", "SNF", []coding{{System: v3 + "CLM-TYPE-CD", Code: "20"}, {System: v3 + "EOB-TYPE", Code: "SNF"}}},
		{"v3, a code that is not known", "HHA", []coding{{System: v3 + "CLM-TYPE-CD", Code: "1032"}, {System: v3 + "EOB-TYPE", Code: "HHA"}}},
		{"v3, by its code", "INPATIENT", []coding{{System: v3 + "CLM-TYPE-CD", Code: "64"}}},
		{"v3, neither", "", []coding{{System: v3 + "CLM-TYPE-CD", Code: "1"}}},
		{"another server's", "", []coding{{System: "https://payer.example/CodeSystem/EOB-TYPE", Code: "SNF"}, {System: "https://payer.example/CLM-TYPE-CD", Code: "20"}}},
	} {
		if got := (concept{Coding: tt.codings}).kind(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestOnlyV3: names of v3 say nothing on a claim of another version, nor does what
// else a server has contained in it.
func TestOnlyV3(t *testing.T) {
	const claim = `{"resourceType":"ExplanationOfBenefit","id":"a","meta":{"source":"NCH","tag":[{"system":"` + v3System + `Final-Action","code":"FinalAction"}]},` +
		`"contained":[{"resourceType":"Location","id":"p","address":{"postalCode":"1"},"identifier":"x"}],"provider":{"reference":"#p"},` +
		`"identifier":[{"system":"` + v3Control + `","value":"9"}],"type":{"coding":[{"system":"SYSTEM","code":"40"}]},` +
		`"diagnosis":[{"diagnosisCodeableConcept":{"coding":[{"code":"R46.5"}]}}]}`
	var e eob
	var r rows
	if err := json.Unmarshal([]byte(strings.Replace(claim, "SYSTEM", "https://bluebutton.cms.gov/resources/variables/nch_clm_type_cd", 1)), &e); err != nil {
		t.Fatal(err)
	}
	if err := r.of(&e); err != nil || !reflect.DeepEqual(r.claim, Claim{ClaimID: "a", NCHClaimType: "40"}) || r.diagnoses[0].Code != "R46.5" {
		t.Errorf("%v, %+v", err, r)
	}
	e = eob{}
	if err := json.Unmarshal([]byte(strings.Replace(claim, "SYSTEM", v3System+"CLM-TYPE-CD", 1)), &e); err != nil {
		t.Fatal(err)
	}
	if err := r.of(&e); err == nil || !strings.HasPrefix(err.Error(), "contained: ") {
		t.Errorf("got %v", err)
	}
}

// TestV3Latest: the claims of v3 have no group. A later load replaces a claim by its
// id, and an equal control number does not join two.
func TestV3Latest(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "v3.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSpace(string(b)), "\n")
	claim := lines[len(lines)-1] + "\n"
	later := strings.Replace(claim, "2026-05-04T03", "2026-05-11T03", 1)
	other := strings.ReplaceAll(claim, "7000000000003", "7000000000004")
	for _, tt := range []struct{ first, second, want string }{
		{claim, later + other, "[1 2]"},
		{later + other, claim, "[0 1]"},
	} {
		dir := t.TempDir()
		sources := []Source{{Path: filepath.Join(dir, "1.ndjson")}, {Path: filepath.Join(dir, "2.ndjson")}}
		for i, content := range []string{tt.first, tt.second} {
			if err := os.WriteFile(sources[i].Path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l, err := FindLatest(t.Context(), sources, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for n := range int64(3) {
			if l.Keep(n) {
				got = append(got, n)
			}
		}
		if fmt.Sprint(got) != tt.want || l.Claims != 2 || l.Older != 1 || l.Canceled != 0 {
			t.Errorf("got %v, %+v, want %s", got, l, tt.want)
		}
	}
}

// TestV3Summary: claims of v3 are counted by kind, too.
func TestV3Summary(t *testing.T) {
	s, err := Summarize(t.Context(), []string{filepath.Join("testdata", "v3.ndjson")})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int64{"INPATIENT": 1, "CARRIER": 1, "HHA": 1, "OUTPATIENT": 1, "DME": 1}
	if !maps.Equal(s.Types, kinds) || !maps.Equal(s.Statuses, map[string]int64{"active": 5}) || len(s.Enrollees) != 4 || s.First != "2020-08-27" || s.Last != "2026-04-05" {
		t.Errorf("got %+v", s)
	}
}
