package table

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestCSV_RunsNothing: no text of a claim is a formula for a spreadsheet, and numbers
// and all other text stay as they are.
func TestCSV_RunsNothing(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Good Clinic": "Good Clinic", "-": "-", "-7": "-7", "-10000930037831": "-10000930037831", "-90059705241043ROU": "-90059705241043ROU", "1-1": "1-1", "'=1": "'=1", "é=1": "é=1",
		"=1+1": "'=1+1", "+1": "'+1", "-1+1": "'-1+1", "-1.5": "'-1.5", "--1": "'--1", "-A()": "'-A()", "-cmd|x!A0": "'-cmd|x!A0", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x", "=": "'=",
	} {
		t.Run(fmt.Sprintf("%q", text), func(t *testing.T) {
			if got := guarded(reflect.ValueOf(text), ""); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			dir := t.TempDir()
			name, err := json.Marshal("x" + text)
			if err != nil {
				t.Fatal(err)
			}
			claim := `{"resourceType":"ExplanationOfBenefit","id":"a","careTeam":[{"provider":{"display":"` + string(name[2:]) + `}}]}`
			if err := os.WriteFile(filepath.Join(dir, "in.ndjson"), []byte(claim), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Convert(t.Context(), []string{filepath.Join(dir, "in.ndjson")}, nil, filepath.Join(dir, "csv"), CSV, nil, nil); err != nil {
				t.Fatal(err)
			}
			row := readCSV(t, filepath.Join(dir, "csv", "care_team.csv"))[1]
			if text == "\r=1" {
				return // encoding/csv reads no carriage return
			}
			found := false
			for _, cell := range row {
				found = found || cell == want
			}
			if !found {
				t.Errorf("no cell of %q is %q", row, want)
			}
		})
	}
	cents := int64(-150)
	if got := guarded(reflect.ValueOf(&cents), "decimal"); got != "-1.50" {
		t.Errorf("an amount is %q", got)
	}
}
