package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestAnalysis does what docs/analysis.md says: it exports the claims of PDP-100 and asks the
// ten questions in DuckDB, Python and R, of tables in CSV with latest/, and in DuckDB of
// tables alone in Parquet. The answers are those that the NDJSON gives without any table.
func TestAnalysis(t *testing.T) {
	t.Parallel()
	p := startProcess(t, nil, "--data="+filepath.Join(t.TempDir(), "data"), "--listen=localhost:0")
	dir := filepath.Join(t.TempDir(), "claims")
	export := func(code int, args ...string) string {
		t.Helper()
		return ran(t, exportProcess(append([]string{"--sponsor=PDP-100", "--url=" + p.url, "-o", dir}, args...)...), code)
	}
	export(0, "--format=csv", "--latest")
	lines, _ := folderLines(t, dir)
	claims := newestClaims(t, lines)
	want := expectedAnswers(claims, lookup(t, dir, "place_of_service"), lookup(t, dir, "provider_specialty"))
	for i, rows := range want {
		if len(rows) == 0 {
			t.Fatalf("question %d has no answer in the sandbox's claims", i+1)
		}
	}
	t.Run("Python", func(t *testing.T) { sameAnswers(t, notebook(t, dir), want) })
	t.Run("R", func(t *testing.T) { sameAnswers(t, rscript(t, dir), want) })
	withLatest := filepath.Join(t.TempDir(), "latest")
	if err := os.CopyFS(withLatest, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	tablesOnly(t, dir, export)
	t.Run("DuckDB", func(t *testing.T) {
		queries := documentedQueries(t)
		answers := duckdb(t, asking{withLatest, queries}, asking{dir, queries}, asking{dir, []string{tuvaQuery, tuvaColumns, unknownCodes}})
		sameAnswers(t, answers[:10], want)
		sameAnswers(t, answers[10:20], want)
		sameAnswers(t, answers[20:], [][][]string{tuvaRows(claims), {{"148"}}, nil})
	})
}

// unknownCodes asks for codes that are not in their lookup table.
const unknownCodes = `select place_of_service from lines where place_of_service not in (select code from lookup_place_of_service)
	union select provider_state from lines where provider_state not in (select code from lookup_ssa_state)
	union select pricing_state from lines where pricing_state not in (select code from lookup_ssa_state)
	union select specialty from care_team where specialty not in (select code from lookup_provider_specialty)
	union select nch_claim_type from claims where nch_claim_type not in (select code from lookup_nch_claim_type)
	union select claim_query_code from claims where claim_query_code not in (select code from lookup_claim_query_code)
	union select facility_type from claims where facility_type not in (select code from lookup_facility_type)`

// tablesOnly brings a folder with an export of NDJSON to tables alone, in Parquet: it
// refuses tables of a later release, makes those of an earlier one again, goes on from
// there, and refuses what needs the files that are removed.
func tablesOnly(t *testing.T, dir string, export func(code int, args ...string) string) {
	t.Helper()
	runs, err := filepath.Glob(filepath.Join(dir, "*Z"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("%v, %v", runs, err)
	}
	tables := filepath.Join(runs[0], "parquet")
	write(t, filepath.Join(tables, "tables.json"), `{"version":99}`)
	if out := export(2, "--format=parquet"); !strings.Contains(out, "later release") {
		t.Errorf("got %s", out)
	}
	if err := os.Remove(filepath.Join(tables, "tables.json")); err != nil { // as version 1 had none
		t.Fatal(err)
	}
	write(t, filepath.Join(tables, "lines.parquet"), "of an earlier release\n")
	if out := export(0, "--format=parquet", "--no-ndjson"); !strings.Contains(out, "removed: the tables hold each claim") {
		t.Errorf("got %s", out)
	}
	// Asks only for the members who have no claims: those of the others are known.
	if out := export(0, "--format=parquet", "--no-ndjson", "--new-members"); !strings.Contains(out, "0 with claims, 3 without") {
		t.Errorf("got %s", out)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*Z", "*.ndjson")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	export(2, "--latest")
	export(2, "--format=csv")
}

// heading begins a question of docs/analysis.md.
var heading = regexp.MustCompile(`(?m)^### \d+\. `)

// documentedQueries are the queries of docs/analysis.md.
func documentedQueries(t *testing.T) (queries []string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/analysis.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range heading.Split(string(page), -1)[1:] {
		var query []string
		for line := range strings.Lines(part) {
			if code, ok := strings.CutPrefix(line, "    "); ok {
				query = append(query, code)
			} else if len(query) > 0 {
				break
			}
		}
		queries = append(queries, strings.Join(query, ""))
	}
	if len(queries) != 10 {
		t.Fatalf("docs/analysis.md has %d queries", len(queries))
	}
	return queries
}

// lookup reads a lookup table of a folder of exports.
func lookup(t *testing.T, dir, name string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "lookup", name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, row := range rows[1:] {
		names[row[0]] = row[1]
	}
	return names
}

// asking are queries of a folder of exports.
type asking struct {
	Dir     string   `json:"dir"`
	Queries []string `json:"queries"`
}

// duckdb asks DuckDB, with the views of each folder.
func duckdb(t *testing.T, folders ...asking) [][][]string {
	t.Helper()
	needNode(t, "@duckdb/node-api")
	input, err := json.Marshal(folders)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "duckdb.mjs")
	cmd.Dir, cmd.Stdin = filepath.Join("testdata", "node"), strings.NewReader(string(input))
	return rowsOf(t, cmd)
}

// notebook runs the notebook.
func notebook(t *testing.T, dir string) [][][]string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil && os.Getenv("AB2D_TEST_SERVERS") == "require" {
		t.Fatal("python3 is not there: ", err)
	}
	if err != nil {
		t.Skip("python3 is needed: ", err)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/notebook.py", "../../docs/analysis/claims.ipynb")
	cmd.Env = append(os.Environ(), "AB2D_CLAIMS="+dir)
	return rowsOf(t, cmd)
}

// rowsOf are the answers that a program writes as JSON. NULL is an empty text.
func rowsOf(t *testing.T, cmd *exec.Cmd) (answers [][][]string) {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	var values [][][]any
	if err := json.Unmarshal(out, &values); err != nil {
		t.Fatalf("%v in %.200s", err, out)
	}
	for _, rows := range values {
		var texts [][]string
		for _, row := range rows {
			var text []string
			for _, v := range row {
				text = append(text, strings.TrimPrefix(fmt.Sprint(v), "<nil>"))
			}
			texts = append(texts, text)
		}
		answers = append(answers, texts)
	}
	return answers
}

// rscript runs the script for R, which prints each answer as CSV below its question.
func rscript(t *testing.T, dir string) (answers [][][]string) {
	t.Helper()
	r, err := exec.LookPath("Rscript")
	if err != nil {
		t.Skip("Rscript is needed, which ./test does not install: ", err)
	}
	out, err := exec.CommandContext(t.Context(), r, "../../docs/analysis/claims.R", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range regexp.MustCompile(`(?m)^# \d+\. .*\n`).Split(string(out), -1)[1:] {
		rows, err := csv.NewReader(strings.NewReader(part)).ReadAll()
		if err != nil || len(rows) == 0 {
			t.Fatalf("%v in %s", err, part)
		}
		answers = append(answers, rows[1:])
	}
	return answers
}

// sameAnswers compares answers. A whole number may be written with or without decimals.
func sameAnswers(t *testing.T, got, want [][][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d answers, want %d", len(got), len(want))
	}
	same := func(a, b string) bool {
		return a == b || strings.TrimSuffix(a, ".0") == strings.TrimSuffix(b, ".0")
	}
	for i := range want {
		if !slices.EqualFunc(got[i], want[i], func(a, b []string) bool { return slices.EqualFunc(a, b, same) }) {
			t.Errorf("question %d: got %.2000v\nwant %.2000v", i+1, fmt.Sprint(got[i]), fmt.Sprint(want[i]))
		}
	}
}
