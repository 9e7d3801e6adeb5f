package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func historyOf(t *testing.T, text string) ([]line, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return readHistory(name)
}

func TestReadHistory_MissingFile(t *testing.T) {
	lines, err := readHistory(filepath.Join(t.TempDir(), "none.jsonl"))
	if err != nil || lines != nil {
		t.Errorf("got %v, %v; want no lines", lines, err)
	}
}

func TestReadHistory_BadLine(t *testing.T) {
	good := `{"commit":"a","rows":[{"workload":"w","median":1,"ratio":true}]}` + "\n"
	for name, bad := range map[string]string{"not JSON": "x\n", "cut": `{"commit":"a","rows":[`, "no commit": `{"rows":[{"workload":"w"}]}`, "no rows": `{"commit":"a"}`} {
		if _, err := historyOf(t, good+bad); err == nil || !strings.Contains(err.Error(), "history.jsonl:2: ") {
			t.Errorf("%s: got %v, want an error that names line 2", name, err)
		}
	}
	if lines, err := historyOf(t, good+"\n"+good); err != nil || len(lines) != 2 {
		t.Errorf("an empty line between: got %d lines, %v; want 2", len(lines), err)
	}
}

// TestAppendHistory: what is added is read again, after what was there.
func TestAppendHistory(t *testing.T) {
	name := filepath.Join(t.TempDir(), "history.jsonl")
	rows := []row{{Workload: "w", Figures: []float64{3, 1, 2}, Unit: "times", Ratio: true, AtLeast: true}}
	want := []line{
		{Commit: "a", Date: time.Date(2026, 11, 1, 2, 3, 4, 0, time.UTC), Machine: machine{Cores: 2, CPU: "c", Go: "go", Load: 0.5}, Rows: figures(rows)},
		{Commit: "b-dirty", Date: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Rows: figures(rows)},
	}
	for _, l := range want {
		if err := appendHistory(name, l); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readHistory(name)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if f := want[0].Rows[0]; f.Min != 1 || f.Median != 2 || f.Max != 3 || f.Times != 3 {
		t.Errorf("the figures of 3, 1 and 2 are %+v", f)
	}
}

func TestCompare(t *testing.T) {
	cost := func(median float64) figure {
		return figure{Workload: "cost", Ratio: true, Min: median, Median: median, Max: 9 * median}
	}
	rate := func(median float64) figure {
		return figure{Workload: "rate", Ratio: true, AtLeast: true, Min: median / 9, Median: median, Max: median}
	}
	history := []line{
		{Commit: "old", Rows: []figure{cost(1), rate(90)}},
		{Commit: "new", Rows: []figure{cost(3), {Workload: "seconds", Median: 1}}}, // measures the rate no more
	}
	for name, c := range map[string]struct {
		now             figure
		worse           bool
		compared, added int
	}{
		"cost, the same":                {cost(3), false, 1, 0},
		"cost, less":                    {cost(0.1), false, 1, 0},
		"cost, a third more":            {cost(3.99), false, 1, 0},
		"cost, more than a third more":  {cost(4.01), true, 1, 0},
		"rate, more":                    {rate(900), false, 1, 0},
		"rate, a third less":            {rate(60.1), false, 1, 0},
		"rate, more than a third less":  {rate(59.9), true, 1, 0},
		"a time, a hundred times as":    {figure{Workload: "seconds", Median: 100}, false, 0, 0},
		"a new ratio":                   {figure{Workload: "other", Ratio: true, Median: 100}, false, 0, 1},
		"a time that is a ratio now":    {figure{Workload: "seconds", Ratio: true, Median: 100}, false, 0, 1},
		"a ratio that is a time by now": {figure{Workload: "cost", Median: 100}, false, 0, 0},
	} {
		got, compared, added := compare(history, []figure{c.now})
		if (len(got) == 1) != c.worse || compared != c.compared || added != c.added {
			t.Errorf("%s: got %v, %d compared, %d new; want worse %t, %d compared, %d new", name, got, compared, added, c.worse, c.compared, c.added)
		}
	}
	got, _, _ := compare(history, []figure{cost(10), rate(10)})
	if len(got) != 2 || got[0].commit != "new" || got[0].before != 3 || got[1].commit != "old" || got[1].before != 90 {
		t.Errorf("got %v, want each ratio compared with the newest run that has it", got)
	}
	if got, compared, added := compare(nil, []figure{cost(10)}); len(got) != 0 || compared != 0 || added != 1 {
		t.Errorf("without history: got %v, %d, %d; want one new ratio", got, compared, added)
	}
}

// TestHeld: a run with a ratio that got worse fails and names it.
func TestHeld(t *testing.T) {
	name := filepath.Join(t.TempDir(), "history.jsonl")
	b := &bench{err: t.Output()}
	b.ratio("cost of a thing", 1, "", false, 2, "")
	if err := b.held(name); err != nil {
		t.Errorf("without history: %v", err)
	}
	if err := appendHistory(name, line{Commit: "abc", Rows: figures(b.rows)}); err != nil {
		t.Fatal(err)
	}
	b.rows = nil
	b.ratio("cost of a thing", 1.5, "", false, 2, "")
	b.ratio("cost of a thing", 1.4, "", false, 2, "")
	if err := b.held(name); err == nil || !strings.Contains(err.Error(), "cost of a thing: 1.40, was 1 at abc") {
		t.Errorf("got %v, want an error that names the ratio and the commit", err)
	}
	b.ratio("cost of a thing", 1.1, "", false, 2, "")
	if err := b.held(name); err != nil {
		t.Errorf("measured again: got %v, want no error, because the best figure counts", err)
	}
}

// TestRow_Met: the median counts, or each figure where that is asked for.
func TestRow_Met(t *testing.T) {
	bound := 2.0
	for name, c := range map[string]struct {
		row  row
		want bool
	}{
		"no bound":                 {row{Figures: []float64{9}}, true},
		"median at most":           {row{Figures: []float64{9, 1, 2}, Bound: &bound}, true},
		"median too high":          {row{Figures: []float64{9, 1, 3}, Bound: &bound}, false},
		"median at least":          {row{Figures: []float64{0, 2, 2}, Bound: &bound, AtLeast: true}, true},
		"median too low":           {row{Figures: []float64{0, 1, 9}, Bound: &bound, AtLeast: true}, false},
		"each at most, one higher": {row{Figures: []float64{1, 1, 2.1}, Bound: &bound, Each: true}, false},
		"each at most":             {row{Figures: []float64{1, 1, 2}, Bound: &bound, Each: true}, true},
		"each at least, one lower": {row{Figures: []float64{3, 3, 1}, Bound: &bound, AtLeast: true, Each: true}, false},
	} {
		if got := c.row.met(); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
}

// TestMarkdown: the table has minimum, median and maximum, and says what was missed.
func TestMarkdown(t *testing.T) {
	b := &bench{}
	for _, f := range []float64{3, 1, 2} {
		b.add("a thing", f, "s", false, 1.5, "")
	}
	b.note("another", 2000, "MB/s", "")
	want := "| a thing | s | 3 | 1 | 2 | 3 | ≤ 1.50 | **missed** |\n| another | MB/s | 1 | 2,000 | 2,000 | 2,000 |  |  |\n"
	if got := b.markdown(); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant at its end\n%s", got, want)
	}
}
