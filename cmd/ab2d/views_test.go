package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ab2d/internal/table"
)

// TestViews_Latest: the views find the same newest versions in the tables of several
// exports as table.FindLatest does in the NDJSON: claims that came again, changed, were
// canceled, deleted and delivered once more, and groups that say nothing or are too large.
func TestViews_Latest(t *testing.T) {
	t.Parallel()
	needNode(t, "@duckdb/node-api")
	var folders []asking
	var wants [][]string
	for seed, format := range []table.Format{table.Parquet, table.CSV} {
		dir := t.TempDir()
		views := writeHistory(t, dir, rand.New(rand.NewPCG(uint64(seed), 1)), format)
		wants = append(wants, newestByGo(t, dir, views.Sources))
		if err := table.WriteViews(dir, views); err != nil {
			t.Fatal(err)
		}
		if err := table.WriteLookups(dir, format); err != nil {
			t.Fatal(err)
		}
		folders = append(folders, asking{dir, []string{"select source_file || ':' || source_line from claims order by source_file || ':' || source_line",
			"select count(*), count(distinct claim_id) from lines"}})
	}
	answers := duckdb(t, folders...)
	for i, want := range wants {
		var got []string
		for _, row := range answers[2*i] {
			got = append(got, row[0])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: DuckDB finds %v\nGo finds %v", folders[i].Dir, got, want)
		}
		if n, lines := fmt.Sprint(len(want)), answers[2*i+1][0]; lines[0] != n || lines[1] != n {
			t.Errorf("%s: %v lines of claims, want %s of as many", folders[i].Dir, lines, n)
		}
	}
}

// writeHistory writes three exports with tables. Each claim has one line.
func writeHistory(t *testing.T, dir string, r *rand.Rand, format table.Format) table.Views {
	t.Helper()
	v := table.Views{Format: format}
	groups := []string{"", "99999999999", "00", "7", "8", "9"}
	for n := range 3 {
		run := fmt.Sprintf("2026-0%d-01T00-00-00Z", n+1)
		if n > 0 {
			path := filepath.Join(dir, run, "it's deleted.ndjson")
			gone := fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"ExplanationOfBenefit/c%d-0"}},{"request":{"method":"DELETE","url":"http://x/fhir/ExplanationOfBenefit/c%d-1"}}]}`, r.IntN(30), r.IntN(30))
			write(t, path, gone+"\n")
			v.Sources = append(v.Sources, table.Source{Path: path, Deleted: true})
		}
		var paths []string
		for f := range 2 {
			var b strings.Builder
			seen := map[string]bool{}
			for range 40 {
				id, at, status := fmt.Sprintf("c%d", r.IntN(30)), time.Date(2026, 1, 1+r.IntN(9), 0, 0, 0, 0, time.UTC).Format(time.RFC3339), "active"
				if r.IntN(4) == 0 {
					status = "cancelled"
				}
				if seen[id] { // the views cannot tell lines of a version apart that one export has twice
					continue
				}
				seen[id] = true
				b.WriteString(historyLine(fmt.Sprintf("%s-%d", id, f), groups[r.IntN(len(groups))], at, status, r.IntN(2)))
			}
			for i := range 60 * (1 - f) { // a group that is too large to say anything
				b.WriteString(historyLine(fmt.Sprintf("large%d-%d", n, i), "5555-6", "2026-01-01T00:00:00Z", "active", 0))
			}
			path := filepath.Join(dir, run, fmt.Sprintf("S1234_000%d.ndjson", 2-f)) // not in the order of names
			write(t, path, b.String())
			paths = append(paths, path)
			v.Sources = append(v.Sources, table.Source{Path: path})
		}
		v.Runs = append(v.Runs, run)
		if _, err := table.Convert(t.Context(), paths, nil, filepath.Join(dir, run, string(format)), format, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func historyLine(id, group, updated, status string, patient int) string {
	return fmt.Sprintf(`{"resourceType":"ExplanationOfBenefit","id":%q,"meta":{"lastUpdated":%q},"status":%q,"patient":{"reference":"Patient/%d"},`+
		`"type":{"coding":[{"system":"https://bluebutton.cms.gov/resources/codesystem/eob-type","code":"CARRIER"}]},"item":[{"sequence":1}],`+
		`"identifier":[{"system":"https://bluebutton.cms.gov/resources/identifier/claim-group","value":%q}]}`+"\n", id, updated, status, patient, group)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newestByGo are the newest versions, as FILE:LINE.
func newestByGo(t *testing.T, dir string, sources []table.Source) (list []string) {
	t.Helper()
	latest, err := table.FindLatest(t.Context(), sources, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var claim int64
	for _, s := range sources {
		if s.Deleted {
			continue
		}
		b, err := os.ReadFile(s.Path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range strings.Split(strings.TrimSpace(string(b)), "\n") {
			if latest.Keep(claim) {
				list = append(list, fmt.Sprintf("%s/%s:%d", filepath.Base(filepath.Dir(s.Path)), filepath.Base(s.Path), i+1))
			}
			claim++
		}
	}
	slices.Sort(list)
	return list
}
