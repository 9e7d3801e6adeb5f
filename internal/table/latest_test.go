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
	cancelled bool
}

func (e eobLine) String() string {
	status := "active"
	if e.cancelled {
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
		{"cancelled for good", []eobLine{{"a", "1", 1, false}, {"a", "1", 2, true}}, ""},
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
	if l.cancelled || !stands(i) {
		return false
	}
	for j, o := range lines {
		same := o.id == l.id || l.group != "" && o.group == l.group
		if j != i && same && stands(j) && !o.cancelled && (o.updated > l.updated || o.updated == l.updated && j > i) {
			return false
		}
	}
	return true
}
