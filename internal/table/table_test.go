package table

import (
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

var update = flag.Bool("update", false, "write the golden files and docs/client.md")

// TestTables makes all tables of the claims in testdata, which have each field
// that is read at least once, and compares them with the golden files.
func TestTables(t *testing.T) {
	for _, version := range []string{"r4", "stu3", "v3"} {
		t.Run(version, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "csv")
			counts, err := Convert(t.Context(), []string{filepath.Join("testdata", version+".ndjson")}, nil, dir, CSV, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, name := range Names {
				rows := readCSV(t, filepath.Join(dir, name+".csv"))
				if counts[name] != int64(len(rows)-1) {
					t.Errorf("%s: counted %d, has %d", name, counts[name], len(rows)-1)
				}
				for n, row := range rows[1:] {
					fmt.Fprintf(&got, "%s %d\n", name, n+1)
					for i, value := range row {
						if value != "" {
							fmt.Fprintf(&got, "  %s: %s\n", rows[0][i], value)
						}
					}
				}
			}
			golden(t, filepath.Join("testdata", version+".golden.txt"), got.String())
		})
	}
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (write it with -update):\n%s", path, d)
	}
}

// TestFormatsAgree holds the rows of the Parquet files against those of CSV.
func TestFormatsAgree(t *testing.T) {
	in := []string{"testdata/r4.ndjson", "testdata/stu3.ndjson", "testdata/v3.ndjson"}
	dir := t.TempDir()
	for _, f := range []Format{CSV, Parquet, NDJSON} {
		if _, err := Convert(t.Context(), in, nil, filepath.Join(dir, string(f)), f, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, compare := range []func(string, [][]string) string{sameRows[Claim], sameRows[Line], sameRows[Diagnosis], sameRows[Procedure], sameRows[CareTeamMember]} {
		want := readCSV(t, filepath.Join(dir, "csv", Names[i]+".csv"))
		if d := compare(filepath.Join(dir, "parquet", Names[i]+".parquet"), want); d != "" {
			t.Errorf("%s: %s", Names[i], d)
		}
	}
	var want []byte
	for _, path := range in {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, b...)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "ndjson", "claims.ndjson")); err != nil || string(got) != string(want) {
		t.Errorf("ndjson is not what came (%v)", err)
	}
}

func sameRows[T any](path string, want [][]string) string {
	rows, err := parquet.ReadFile[T](path)
	if err != nil {
		return err.Error()
	}
	names, kinds := columns(reflect.TypeFor[T]())
	got := [][]string{names}
	for _, r := range rows {
		var row []string
		for i := range names {
			row = append(row, cell(reflect.ValueOf(r).Field(i), kinds[i]))
		}
		got = append(got, row)
	}
	return cmp.Diff(want, got)
}

// TestConvertFails leaves nothing behind, and what was there before as it was.
func TestConvertFails(t *testing.T) {
	good := `{"resourceType":"ExplanationOfBenefit","id":"a","meta":{"lastUpdated":"2026-01-01T00:00:00Z"}}` + "\n"
	for _, tt := range []struct{ name, line, want string }{
		{"not JSON", `{"resourceType":`, "line 2: it is not a claim in JSON"},
		{"wrong type", `{"resourceType":"ExplanationOfBenefit","id":7}`, "line 2: /id is not of the type"},
		{"bad date", `{"resourceType":"ExplanationOfBenefit","id":"x","billablePeriod":{"start":"2026-02-31"}}`, "line 2: billablePeriod.start: it is not a date"},
		{"bad instant", `{"resourceType":"ExplanationOfBenefit","id":"x","meta":{"lastUpdated":"secret"}}`, "line 2: meta.lastUpdated: it is not an instant"},
		{"bad amount", `{"resourceType":"ExplanationOfBenefit","id":"x","extension":[{"url":"v/prpayamt","valueMoney":{"value":1e999999999}}]}`, "line 2: prpayamt: it is not an amount"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path, out := filepath.Join(dir, "in.ndjson"), filepath.Join(dir, "out")
			for _, content := range []string{good, good + tt.line + "\n"} {
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				_, err := Convert(t.Context(), []string{path}, nil, out, Parquet, nil, nil)
				if content != good && (err == nil || !strings.Contains(err.Error(), "in.ndjson: "+tt.want) || strings.Contains(err.Error(), "secret")) {
					t.Errorf("got %v", err)
				}
			}
			entries, _ := os.ReadDir(dir)
			rows, err := parquet.ReadFile[Claim](filepath.Join(out, "claims.parquet"))
			if len(entries) != 2 || err != nil || len(rows) != 1 {
				t.Errorf("left %v, %d rows, %v", entries, len(rows), err)
			}
		})
	}
}

func TestAmounts(t *testing.T) {
	for in, want := range map[string]string{"0": "0.00", "38.8": "38.80", "-0.05": "-0.05", "1371.79": "1371.79", "1e3": "1000.00", "0.005": "0.01", "12345678901.23": "12345678901.23"} {
		if n, err := cents(in); err != nil || amount(*n) != want {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
}

// TestDocumented keeps the tables' columns in docs/client.md as they are.
func TestDocumented(t *testing.T) {
	var b strings.Builder
	for i, row := range rowTypes() {
		fmt.Fprintf(&b, "\n### %s\n\nIt has %s.\n\n| column | type | holds |\n| --- | --- | --- |\n", Names[i], Descriptions[Names[i]])
		names, kinds := columns(row)
		for n, name := range names {
			f := row.Field(n)
			kind := map[string]string{"string": "text", "*int32": "integer", "*int64": "integer", "*float64": "double", "*bool": "boolean", "[]int32": "list of integers", "[]string": "list of texts"}[f.Type.String()]
			switch kinds[n] {
			case "date":
				kind = "date"
			case "timestamp":
				kind = "timestamp, UTC"
			case "decimal":
				kind = "decimal(18,2)"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, kind, f.Tag.Get("doc"))
			if kind == "" || f.Tag.Get("doc") == "" {
				t.Errorf("%s.%s is not described", Names[i], name)
			}
		}
	}
	const path, from, to = "../../docs/client.md", "<!-- columns -->\n", "<!-- end of columns -->"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(doc), from)
	_, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the columns", path)
	}
	golden(t, path, head+from+b.String()+"\n"+to+tail)
}

// FuzzRows takes any bytes for a claim: they are refused, or make rows whose
// cells are single values.
func FuzzRows(f *testing.F) {
	for _, version := range []string{"r4", "stu3", "v3"} {
		b, err := os.ReadFile(filepath.Join("testdata", version+".ndjson"))
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			f.Add([]byte(strings.TrimSpace(line)))
		}
	}
	_, kinds := columns(reflect.TypeFor[Claim]())
	f.Fuzz(func(t *testing.T, line []byte) {
		e, r := new(eob), new(rows)
		_, verr := readVersion(line)
		if err := json.Unmarshal(line, e); err != nil {
			if verr == nil && !jsontext.Value(line).IsValid() {
				t.Errorf("%q has a version, but is not JSON", line)
			}
			return
		}
		if err := r.of(e); err != nil {
			return
		}
		if verr != nil || len(r.lines) != len(e.Item) || len(r.careTeam) != len(e.CareTeam) || r.claim.ClaimID != e.ID {
			t.Errorf("%v, rows %+v of %q", verr, r, line)
		}
		for i, kind := range kinds {
			v := reflect.ValueOf(r.claim).Field(i)
			if text := cell(v, kind); v.IsZero() != (text == "") || kind == "date" && text != "" && len(text) != 10 {
				t.Errorf("column %d of %q is %q", i, line, text)
			}
		}
	})
}

// TestConvertRejects: a line that cannot be read is told, and the others become
// rows.
func TestConvertRejects(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.ndjson")
	content := "\xef\xbb\xbf" + `{"resourceType":"ExplanationOfBenefit","id":"carrier-1"}` + "\n\n" +
		`{"resourceType":"ExplanationOfBenefit","id":7}` + "\n" + `{"resourceType":"ExplanationOfBenefit",]}` + "\n" +
		`{"resourceType":"ExplanationOfBenefit","id":"carrier-2"}`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, format := range []Format{CSV, Parquet} {
		var told []string
		counts, err := Convert(t.Context(), []string{path}, nil, filepath.Join(dir, string(format)), format, nil, func(path string, line int64, reason string, content []byte) {
			told = append(told, fmt.Sprintf("%s:%d", filepath.Base(path), line))
			if reason == "" || !strings.HasPrefix(string(content), `{"resourceType"`) {
				t.Errorf("%q, %q", reason, content)
			}
		})
		if err != nil || counts["claims"] != 2 || fmt.Sprint(told) != "[a.ndjson:3 a.ndjson:4]" {
			t.Errorf("%s: %v, %v, %v", format, counts, told, err)
		}
	}
	if _, err := Convert(t.Context(), []string{path}, nil, filepath.Join(dir, "strict"), CSV, nil, nil); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("got %v", err)
	}
}
