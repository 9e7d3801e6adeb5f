package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// claimLine is a claim as a file has it, with the names that matter also
// where they must not be looked for.
func claimLine(kind, status, patient, start, end, updated string) string {
	return fmt.Sprintf(`{"resourceType":"ExplanationOfBenefit","id":"carrier-1","meta":{"profile":["p"],"lastUpdated":%q},`+
		`"contained":[{"resourceType":"Observation","status":"final","patient":{"reference":"Patient/0"}}],`+
		`"status":%q,"type":{"coding":[{"system":"https://bluebutton.cms.gov/resources/variables/nch_clm_type_cd","code":"71"},`+
		`{"system":"https://bluebutton.cms.gov/resources/codesystem/eob-type","code":%q}]},"patient":{"reference":%q},`+
		`"billablePeriod":{"extension":[{"url":"start","valueString":"}]\"{["}],"start":%q,"end":%q},"item":[{"sequence":1,"status":"x"}]}`+"\n",
		updated, status, kind, patient, start, end)
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Z0000_0001.ndjson")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSummarise(t *testing.T) {
	one := claimLine("CARRIER", "active", "Patient/-1", "2023-01-05", "2023-01-07", "2023-02-01T10:00:00.5-05:00") +
		claimLine("INPATIENT", "cancelled", "Patient/-2", "2020-12-30", "2021-01-02", "2023-02-01T14:59:00Z") + "\r\n\n"
	two := claimLine("CARRIER", "active", "Patient/-2", "2022-01-01", "2024-02-29", "not an instant") +
		strings.TrimSuffix(`{"resourceType":"ExplanationOfBenefit","status":"\u001b[2J"}`+"\n"+`{"resourceType":"OperationOutcome","issue":[]}`+"\n"+`{"resourceType":"ExplanationOfBenefit","billablePeriod":{"start":"1999"}}`, "\n")
	got, err := summarise(t.Context(), []string{writeFile(t, one), writeFile(t, two)})
	if err != nil {
		t.Fatal(err)
	}
	want := &summary{
		files: 2, bytes: int64(len(one) + len(two)), claims: 5, others: 1,
		types:     map[string]int64{"CARRIER": 2, "INPATIENT": 1, "(no type)": 2},
		statuses:  map[string]int64{"active": 2, "cancelled": 1, "(no status)": 1, "(not a code)": 1},
		enrollees: map[string]struct{}{"Patient/-1": {}, "Patient/-2": {}},
		first:     "2020-12-30", last: "2024-02-29",
		updated: time.Date(2023, 2, 1, 15, 0, 0, 5e8, time.UTC),
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(summary{})); d != "" {
		t.Error(d)
	}
}

func TestSummariseLongLine(t *testing.T) {
	line := strings.Replace(claimLine("SNF", "active", "Patient/-1", "2023-01-05", "2023-01-07", "2023-02-01T10:00:00Z"),
		`"item":[`, `"note":"`+strings.Repeat("n", 1<<20)+`","item":[`, 1)
	got, err := summarise(t.Context(), []string{writeFile(t, line+line)})
	if err != nil || got.claims != 2 || got.types["SNF"] != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSummariseFaults(t *testing.T) {
	good := claimLine("SNF", "active", "Patient/-1", "2023-01-05", "2023-01-07", "2023-02-01T10:00:00Z")
	for _, bad := range []string{"1S00E00AA00", `["1S00E00AA00"]`, good[:len(good)/2], good[:len(good)-2], strings.TrimSpace(good) + "x", `{"1S00E00AA00"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":`, `{`, `{"\`} {
		s, err := summarise(t.Context(), []string{writeFile(t, good+bad+"\n"+good)})
		if !errors.Is(err, errJSON) {
			t.Errorf("%.40s: %+v, %v", bad, s, err)
			continue
		}
		if text := err.Error(); !strings.Contains(text, "Z0000_0001.ndjson: line 2: ") || strings.Contains(text, "1S00E00AA00") {
			t.Errorf("%.40s: %s", bad, text)
		}
	}
	if _, err := summarise(t.Context(), []string{filepath.Join(t.TempDir(), "absent")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := summarise(ctx, []string{writeFile(t, good)}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestSummaryPrint(t *testing.T) {
	s := newSummary()
	for range 1100 {
		s.enrollees[fmt.Sprint(len(s.enrollees))] = struct{}{}
	}
	s.files, s.bytes, s.claims, s.others = 2, 25_600_000, 12_345, 3
	s.types = map[string]int64{"SNF": 345, "CARRIER": 9000, "DME": 3000}
	s.statuses = map[string]int64{"active": 12_000, "cancelled": 345}
	s.first, s.last, s.updated = "2020-01-03", "2026-10-30", time.Date(2026, 11, 1, 4, 5, 6, 0, time.UTC)
	var b strings.Builder
	s.print(&b)
	want := `Claims          12,345
  CARRIER        9,000   73 %
  DME            3,000   24 %
  SNF              345    3 %
Active          12,000
Cancelled          345
Enrollees        1,100
Service dates   2020-01-03 to 2026-10-30
Last updated    2026-11-01 04:05:06 UTC
Size            26 MB in 2 files
Not claims           3
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
	b.Reset()
	newSummary().print(&b)
	want = "Claims          0\nEnrollees       0\nSize            0 B in 0 files\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// decodeClaim is readClaim by encoding/json.
func decodeClaim(line []byte) (claim, error) {
	var top map[string]any
	if err := json.Unmarshal(line, &top); err != nil {
		return claim{}, err
	}
	str := func(v any) string { s, _ := v.(string); return s }
	obj := func(v any) map[string]any { m, _ := v.(map[string]any); return m }
	c := claim{
		resource: str(top["resourceType"]), status: str(top["status"]),
		patient: str(obj(top["patient"])["reference"]),
		start:   str(obj(top["billablePeriod"])["start"]), end: str(obj(top["billablePeriod"])["end"]),
		updated: str(obj(top["meta"])["lastUpdated"]),
	}
	codings, _ := obj(top["type"])["coding"].([]any)
	for _, v := range codings {
		if c.kind == "" && strings.HasSuffix(str(obj(v)["system"]), "eob-type") {
			c.kind = str(obj(v)["code"])
		}
	}
	return c, nil
}

// jsonValue draws a value in which the names that matter turn up everywhere.
func jsonValue(depth int) *rapid.Generator[any] {
	names := rapid.SampledFrom([]string{"resourceType", "status", "type", "coding", "system", "code", "patient", "reference",
		"billablePeriod", "start", "end", "meta", "lastUpdated", `a"\`})
	scalars := []*rapid.Generator[any]{
		rapid.SampledFrom([]string{"", "x/eob-type", "2023-01-05", `"`, `\`, `\\"`, "{[", "é\n"}).AsAny(),
		rapid.Float64Range(-1e9, 1e9).AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return jsonValue(depth - 1) })
	return rapid.OneOf(append(scalars, rapid.MapOfN(names, inner, 0, 6).AsAny(), rapid.SliceOfN(inner, 0, 4).AsAny())...)
}

// TestReadClaimAsEncodingJSON: of any JSON object readClaim finds what
// encoding/json finds, written compactly or not.
func TestReadClaimAsEncodingJSON(t *testing.T) {
	inner := jsonValue(3)
	rapid.Check(t, func(t *rapid.T) {
		top := map[string]any{"type": map[string]any{"coding": rapid.SliceOfN(inner, 0, 3).Draw(t, "coding")}}
		for _, name := range []string{"resourceType", "status", "patient", "billablePeriod", "meta", "type"} {
			if rapid.Bool().Draw(t, name) {
				top[name] = inner.Draw(t, "value")
			}
		}
		line, err := json.Marshal(top)
		if rapid.Bool().Draw(t, "indented") {
			line, err = json.MarshalIndent(top, "", "\t")
		}
		if err != nil {
			t.Fatal(err)
		}
		want, err := decodeClaim(line)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readClaim(line)
		if err != nil || got != want {
			t.Fatalf("%s\ngot  %+v, %v\nwant %+v", line, got, err, want)
		}
	})
}

// FuzzReadClaim: no line makes it fail otherwise than by its error, and what
// encoding/json can read it reads alike.
func FuzzReadClaim(f *testing.F) {
	f.Add([]byte(strings.TrimSpace(claimLine("SNF", "active", "Patient/-1", "2023-01-05", "2023-01-07", "2023-02-01T10:00:00Z"))))
	f.Add([]byte(`{"stat\u0075s":"a\\\"","type":{"coding":[{"system":"eob-type","code":"X"},[],1]},"meta":null,"status":1 }`))
	f.Add([]byte(`{"patient":{"reference":"a","reference":7},"a":[[]],"b":{},"c":-1e5}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, err := readClaim(line)
		want, werr := decodeClaim(line)
		object := len(line) > 0 && line[0] == '{' && line[len(line)-1] == '}'
		if werr != nil || !object || !utf8.Valid(line) {
			return // readClaim does not check what it passes over
		}
		if err != nil || got != want {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v", line, got, err, want)
		}
	})
}

func BenchmarkReadClaim(b *testing.B) {
	line := []byte(strings.TrimSpace(claimLine("CARRIER", "active", "Patient/-1", "2023-01-05", "2023-01-07", "2023-02-01T10:00:00Z")))
	item := `{"sequence":1,"careTeamLinkId":[1],"productOrService":{"coding":[{"system":"https://bluebutton.cms.gov/resources/codesystem/hcpcs","code":"G0008"}]},"servicedPeriod":{"start":"2023-01-05","end":"2023-01-05"}},`
	line = []byte(strings.Replace(string(line), `"item":[`, `"item":[`+strings.Repeat(item, 20), 1))
	for _, f := range []struct {
		name string
		read func([]byte) (claim, error)
	}{{"scan", readClaim}, {"encoding/json", decodeClaim}} {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				if _, err := f.read(line); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
