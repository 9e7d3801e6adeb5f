package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestAnalysis does what docs/analysis.md says: it exports the claims of PDP-100 and asks the
// ten questions in DuckDB, Python and R, of tables in CSV with latest/, and in DuckDB of
// tables alone in Parquet. The answers are those that the NDJSON gives without any table.
func TestAnalysis(t *testing.T) {
	t.Parallel()
	p := startProcess(t, nil, "--data="+filepath.Join(t.TempDir(), "data"), "--listen=localhost:0")
	dir := t.TempDir()
	export := func(to string, args ...string) string {
		return ran(t, exportProcess(append([]string{"--sponsor=PDP-100", "--url=" + p.url, "-o", filepath.Join(dir, to)}, args...)...), 0)
	}
	export("csv", "--format=csv", "--latest")
	lines, _ := folderLines(t, filepath.Join(dir, "csv"))
	want := expectedAnswers(newestClaims(t, lines), lookup(t, dir, "place_of_service"), lookup(t, dir, "provider_specialty"))
	for i, rows := range want {
		if len(rows) == 0 {
			t.Fatalf("question %d has no answer in the sandbox's claims", i+1)
		}
	}
	queries := documentedQueries(t)
	t.Run("DuckDB", func(t *testing.T) { sameAnswers(t, duckdb(t, filepath.Join(dir, "csv"), queries...), want) })
	t.Run("Python", func(t *testing.T) { sameAnswers(t, notebook(t, filepath.Join(dir, "csv")), want) })
	t.Run("R", func(t *testing.T) { sameAnswers(t, rscript(t, filepath.Join(dir, "csv")), want) })
	t.Run("tables of other releases", func(t *testing.T) {
		tables, err := filepath.Glob(filepath.Join(dir, "csv", "*Z", "csv"))
		if err != nil || len(tables) != 1 {
			t.Fatalf("%v, %v", tables, err)
		}
		write(t, filepath.Join(tables[0], "tables.json"), `{"version":99}`)
		again := []string{"--sponsor=PDP-100", "--url=" + p.url, "-o", filepath.Join(dir, "csv"), "--format=csv"}
		if out := ran(t, exportProcess(again...), 2); !strings.Contains(out, "later release") {
			t.Errorf("got %s", out)
		}
		if err := os.Remove(filepath.Join(tables[0], "tables.json")); err != nil { // as version 1 had none
			t.Fatal(err)
		}
		write(t, filepath.Join(tables[0], "lines.csv"), "of an earlier release\n")
		ran(t, exportProcess(again...), 0)
		if b, err := os.ReadFile(filepath.Join(tables[0], "lines.csv")); err != nil || !strings.HasPrefix(string(b), "claim_id,") {
			t.Errorf("%v, %.40q", err, b)
		}
	})
	t.Run("DuckDB, tables only", func(t *testing.T) {
		if out := export("tables", "--format=parquet", "--no-ndjson"); !strings.Contains(out, "removed: the tables hold each claim") {
			t.Errorf("got %s", out)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "tables", "*", "Z*.ndjson")); len(left) > 0 {
			t.Errorf("left %v", left)
		}
		sameAnswers(t, duckdb(t, filepath.Join(dir, "tables"), queries...), want)
		export("tables", "--format=parquet", "--no-ndjson") // goes on from there
		// Asks only for the members who have no claims: those of the others are known.
		if out := export("tables", "--format=parquet", "--no-ndjson", "--new-members"); !strings.Contains(out, "0 with claims, 3 without") {
			t.Errorf("got %s", out)
		}
		sameAnswers(t, duckdb(t, filepath.Join(dir, "tables"), queries...), want)
		for _, flags := range [][]string{{"--latest"}, {"--format=csv"}} {
			ran(t, exportProcess(append([]string{"--sponsor=PDP-100", "--url=" + p.url, "-o", filepath.Join(dir, "tables")}, flags...)...), 2)
		}
	})
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

// lookup reads a lookup table of the folder csv.
func lookup(t *testing.T, dir, name string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "csv", "lookup", name+".csv"))
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

// duckdb asks DuckDB, with the views of a folder of exports.
func duckdb(t *testing.T, dir string, queries ...string) [][][]string {
	t.Helper()
	needNode(t)
	input, err := json.Marshal(map[string]any{"dir": dir, "queries": queries})
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
		t.Skip("Rscript is needed: ", err)
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

// sameAnswers compares answers. Numbers with decimals may be rounded to one.
func sameAnswers(t *testing.T, got, want [][][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d answers, want %d", len(got), len(want))
	}
	same := func(a, b string) bool {
		x, err := strconv.ParseFloat(a, 64)
		y, err2 := strconv.ParseFloat(b, 64)
		return a == b || strings.Contains(b, ".") && err == nil && err2 == nil && math.Abs(x-y) <= 0.0501
	}
	for i := range want {
		if !slices.EqualFunc(got[i], want[i], func(a, b []string) bool { return slices.EqualFunc(a, b, same) }) {
			t.Errorf("question %d: got %v\nwant %v", i+1, got[i], want[i])
		}
	}
}
