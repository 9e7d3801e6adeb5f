package table

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// eobLine is a version of a claim.
type eobLine struct {
	id, group string
	updated   int // hours
	canceled  bool
}

func (e eobLine) String() string {
	status := "active"
	if e.canceled {
		status = "cancelled"
	}
	group := ""
	if e.group != "" {
		group = fmt.Sprintf(`{"system":"https://bluebutton.cms.gov/resources/identifier/claim-group","value":%q}`, e.group)
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(e.updated) * time.Hour)
	return fmt.Sprintf(`{"resourceType":"ExplanationOfBenefit","id":%q,"meta":{"lastUpdated":%q},"identifier":[%s],"status":%q,"patient":{"reference":"Patient/1"}}`,
		e.id, at.Format(time.RFC3339), group, status)
}

func TestLatest(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []eobLine
		want  string
	}{
		{"one", []eobLine{{"a", "1", 1, false}}, "0"},
		{"the same again", []eobLine{{"a", "1", 1, false}, {"a", "1", 1, false}}, "1"},
		{"updated", []eobLine{{"a", "1", 2, false}, {"a", "1", 1, false}}, "0"},
		{"superseded", []eobLine{{"a", "1", 1, false}, {"a", "1", 5, true}, {"b", "1", 4, false}}, "2"},
		{"superseded, without word of it", []eobLine{{"a", "1", 1, false}, {"b", "1", 4, false}}, "1"},
		{"canceled for good", []eobLine{{"a", "1", 1, false}, {"a", "1", 2, true}}, ""},
		{"two claims", []eobLine{{"a", "1", 1, false}, {"b", "2", 1, false}}, "0 1"},
		{"without groups", []eobLine{{"a", "", 1, false}, {"b", "", 1, false}, {"a", "", 2, false}}, "1 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fmt.Sprint(newest(t, t.TempDir(), tt.lines)); got != "["+tt.want+"]" {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// newest writes the lines to two files and gives the numbers of the newest.
func newest(t rapid.TB, dir string, lines []eobLine) []int {
	var sources []Source
	for i, part := range [][]eobLine{lines[:len(lines)/2], lines[len(lines)/2:]} {
		var b strings.Builder
		for _, l := range part {
			fmt.Fprintln(&b, l)
		}
		sources = append(sources, Source{Path: filepath.Join(dir, fmt.Sprintf("%d.ndjson", i))})
		if err := os.WriteFile(sources[i].Path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := FindLatest(context.Background(), sources, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for i := range lines {
		if l.Keep(int64(i)) {
			got = append(got, i)
		}
	}
	if l.Claims != int64(len(got)) || l.Older != int64(len(lines)-len(got)) {
		t.Fatalf("counted %+v, kept %d", l, len(got))
	}
	return got
}

// TestLatestRule holds the buckets against the rule said in another way.
func TestLatestRule(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		groups := []string{"", "1", "2", "3"}
		lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) eobLine {
			id := rapid.IntRange(0, 7).Draw(t, "id")
			return eobLine{fmt.Sprint(id), groups[id%4], rapid.IntRange(0, 3).Draw(t, "updated"), rapid.Bool().Draw(t, "cancelled")}
		}), 1, 30).Draw(t, "lines")
		var want []int
		for i, l := range lines {
			if current(lines, i, l) {
				want = append(want, i)
			}
		}
		if got := newest(t, dir, lines); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v: got %v, want %v", lines, got, want)
		}
	})
}

// current tells whether nothing stands against a version: it is active, no
// later one has its id, and no active other one of its group is newer.
func current(lines []eobLine, i int, l eobLine) bool {
	stands := func(j int) bool { // no later version of its id
		for k, o := range lines {
			if o.id == lines[j].id && (o.updated > lines[j].updated || o.updated == lines[j].updated && k > j) {
				return false
			}
		}
		return true
	}
	if l.canceled || !stands(i) {
		return false
	}
	for j, o := range lines {
		same := o.id == l.id || l.group != "" && o.group == l.group
		if j != i && same && stands(j) && !o.canceled && (o.updated > l.updated || o.updated == l.updated && j > i) {
			return false
		}
	}
	return true
}

// TestLatestDeleted: what the server has deleted is not current, unless it came
// again afterwards.
func TestLatestDeleted(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, lines ...string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	deletes := func(method string, urls ...string) string {
		var entries []string
		for _, url := range urls {
			entries = append(entries, fmt.Sprintf(`{"request":{"method":%q,"url":%q}}`, method, url))
		}
		return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`
	}
	first := []string{eobLine{"a", "1", 1, false}.String(), eobLine{"b", "2", 1, false}.String(), eobLine{"c", "3", 1, false}.String(), eobLine{"d", "4", 1, false}.String()}
	sources := []Source{
		{Path: write("0.ndjson", first...)},
		{Path: write("1.ndjson", deletes("DELETE", "ExplanationOfBenefit/a", "https://server.example/fhir/ExplanationOfBenefit/b", "Patient/c"),
			deletes("PUT", "ExplanationOfBenefit/d"), "not JSON"), Deleted: true},
		{Path: write("2.ndjson", eobLine{"b", "2", 1, false}.String())},
	}
	l, err := FindLatest(t.Context(), sources, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var kept []int64
	for i := range int64(5) {
		if l.Keep(i) {
			kept = append(kept, i)
		}
	}
	if fmt.Sprint(kept) != "[2 3 4]" || l.Claims != 3 || l.Deleted != 1 {
		t.Errorf("kept %v, counted %+v", kept, l)
	}
}

// TestLatestKeysThatSayNothing: claims that share a claim group by mistake are not
// dropped, and one id is one claim whatever its patient and group.
func TestLatestKeysThatSayNothing(t *testing.T) {
	dir := t.TempDir()
	var lines []string
	for i := range maxVersions + 1 {
		lines = append(lines, eobLine{fmt.Sprint("shared-", i), "77", 1, false}.String())
	}
	lines = append(lines,
		eobLine{"zero-1", "0", 1, false}.String(), eobLine{"zero-2", "0", 1, false}.String(),
		eobLine{"nines-1", "99999999999", 1, false}.String(), eobLine{"nines-2", "99999999999", 2, false}.String(),
		eobLine{"moved", "5", 1, false}.String(), strings.ReplaceAll(eobLine{"moved", "6", 2, false}.String(), "Patient/1", "Patient/2"),
		eobLine{"one", "8", 1, false}.String(), strings.ReplaceAll(eobLine{"other", "8", 2, false}.String(), "Patient/1", "Patient/2"))
	path := filepath.Join(dir, "a.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := FindLatest(t.Context(), []Source{{Path: path}}, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(len(lines) - 1); l.Claims != want || l.Keep(maxVersions+5) {
		t.Errorf("%d claims are current, want %d (all but the one that moved)", l.Claims, want)
	}
}

// TestLatestClearsWhatWasLeft: a run that was killed leaves its temporary folder.
func TestLatestClearsWhatWasLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "claims[1") // not a pattern
	for _, name := range []string{"latest-123.partial/x", "latest"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := ClearLeft(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != "latest" {
		t.Errorf("left %v, %v", left, err)
	}
}
