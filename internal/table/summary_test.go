package table

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

func TestSummarize(t *testing.T) {
	one := claimLine("CARRIER", "active", "Patient/-1", "2023-01-05", "2023-01-07", "2023-02-01T10:00:00.5-05:00") +
		claimLine("INPATIENT", "cancelled", "Patient/-2", "2020-12-30", "2021-01-02", "2023-02-01T14:59:00Z") + "\r\n\n"
	two := claimLine("CARRIER", "active", "Patient/-2", "2022-01-01", "2024-02-29", "not an instant") +
		strings.TrimSuffix(`{"resourceType":"ExplanationOfBenefit","status":"\u001b[2J"}`+"\n"+`{"resourceType":"OperationOutcome","issue":[]}`+"\n"+`{"resourceType":"ExplanationOfBenefit","billablePeriod":{"start":"1999"}}`, "\n")
	got, err := Summarize(t.Context(), []string{writeFile(t, one), writeFile(t, two)})
	if err != nil {
		t.Fatal(err)
	}
	want := &Summary{
		Files: 2, Bytes: int64(len(one) + len(two)), Claims: 5, Others: 1,
		Types:     map[string]int64{"CARRIER": 2, "INPATIENT": 1, "": 2},
		Statuses:  map[string]int64{"active": 2, "cancelled": 1, "": 1, "\x1b[2J": 1},
		Enrollees: map[string]struct{}{"Patient/-1": {}, "Patient/-2": {}},
		First:     "2020-12-30", Last: "2024-02-29",
		Updated: time.Date(2023, 2, 1, 15, 0, 0, 5e8, time.UTC),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSummarizeLongLine(t *testing.T) {
	line := strings.Replace(claimLine("SNF", "active", "Patient/-1", "2023-01-05", "2023-01-07", "2023-02-01T10:00:00Z"),
		`"item":[`, `"note":"`+strings.Repeat("n", 1<<20)+`","item":[`, 1)
	got, err := Summarize(t.Context(), []string{writeFile(t, line+line)})
	if err != nil || got.Claims != 2 || got.Types["SNF"] != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSummarizeFaults(t *testing.T) {
	good := claimLine("SNF", "active", "Patient/-1", "2023-01-05", "2023-01-07", "2023-02-01T10:00:00Z")
	for _, bad := range []string{"1S00E00AA00", `["1S00E00AA00"]`, good[:len(good)/2], good[:len(good)-2], strings.TrimSpace(good) + "x", `{"1S00E00AA00"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":`, `{`, `{"\`} {
		s, err := Summarize(t.Context(), []string{writeFile(t, good+bad+"\n"+good)})
		if err == nil {
			t.Errorf("%.40s: %+v, %v", bad, s, err)
			continue
		}
		if text := err.Error(); !strings.Contains(text, "Z0000_0001.ndjson: line 2: ") || strings.Contains(text, "1S00E00AA00") {
			t.Errorf("%.40s: %s", bad, text)
		}
	}
	if _, err := Summarize(t.Context(), []string{filepath.Join(t.TempDir(), "absent")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Summarize(ctx, []string{writeFile(t, good)}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
