package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is a line of the table: one figure for each time that it was measured.
type row struct {
	Workload string    `json:"workload"` // the same in each run, so that runs can be compared
	Figures  []float64 `json:"figures"`  // in the order in which they were measured
	Unit     string    `json:"unit"`
	Bound    *float64  `json:"mustReach,omitempty"`
	AtLeast  bool      `json:"atLeast,omitempty"` // a higher figure is better
	Ratio    bool      `json:"ratio,omitempty"`   // of two figures of the same run, which does not depend on the speed of the machine
	Each     bool      `json:"each,omitempty"`    // each figure must reach the bound, and not only the median
	Detail   string    `json:"detail,omitempty"`  // of the last measurement: what bounds it, and how far it is
}

func (r *row) min() float64 { return slices.Min(r.Figures) }

func (r *row) max() float64 { return slices.Max(r.Figures) }

func (r *row) median() float64 { return medianOf(r.Figures) }

// met tells whether the row reaches its bound, if it has one.
func (r *row) met() bool {
	switch {
	case r.Bound == nil:
		return true
	case r.AtLeast && r.Each:
		return r.min() >= *r.Bound
	case r.AtLeast:
		return r.median() >= *r.Bound
	case r.Each:
		return r.max() <= *r.Bound
	}
	return r.median() <= *r.Bound
}

// put adds figures to the row of a workload, which is the same whenever it is measured.
func (b *bench) put(r row) {
	for i := range b.rows {
		if had := &b.rows[i]; had.Workload == r.Workload {
			had.Figures, had.Detail = append(had.Figures, r.Figures...), r.Detail
			return
		}
	}
	b.rows = append(b.rows, r)
}

// add adds a figure that must reach something: at least or at most bound.
func (b *bench) add(workload string, figure float64, unit string, atLeast bool, bound float64, detail string) {
	b.put(row{Workload: workload, Figures: []float64{figure}, Unit: unit, AtLeast: atLeast, Bound: &bound, Detail: detail})
}

// ratio adds a ratio that must reach something.
func (b *bench) ratio(workload string, figure float64, unit string, atLeast bool, bound float64, detail string) {
	b.put(row{Workload: workload, Figures: []float64{figure}, Unit: unit, AtLeast: atLeast, Bound: &bound, Ratio: true, Detail: detail})
}

// note adds a figure that is for information.
func (b *bench) note(workload string, figure float64, unit, detail string) {
	b.put(row{Workload: workload, Figures: []float64{figure}, Unit: unit, Detail: detail})
}

func number(f float64) string {
	switch {
	case f >= 1000:
		s := fmt.Sprintf("%.0f", f)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f == float64(int(f)):
		return fmt.Sprintf("%d", int(f))
	case f < 0.1:
		return fmt.Sprintf("%.3g", f)
	}
	return fmt.Sprintf("%.2f", f)
}

// bound is what must be reached, in words.
func (r *row) bound() string {
	switch {
	case r.Bound == nil:
		return ""
	case r.AtLeast:
		return "≥ " + number(*r.Bound)
	}
	return "≤ " + number(*r.Bound)
}

func (b *bench) print(w io.Writer, took time.Duration) {
	fmt.Fprintf(w, "%s, %d processors, %s; %s in all\n\n", runtime.Version(), runtime.NumCPU(), runtime.GOARCH, took.Round(time.Second))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "workload\tunit\ttimes\tmin\tmedian\tmax\tmust reach\t\tdetails of the last")
	for i := range b.rows {
		r := &b.rows[i]
		met := ""
		if r.Bound != nil {
			if met = "met"; !r.met() {
				met = "MISSED"
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Workload, r.Unit, len(r.Figures), number(r.min()), number(r.median()), number(r.max()), r.bound(), met, r.Detail)
	}
	t.Flush()
	if len(b.once) > 0 {
		fmt.Fprintf(w, "\nmeasured once: %s\n", strings.Join(b.once, "; "))
	}
}

// markdown is the table for docs/performance.md.
func (b *bench) markdown() string {
	var s strings.Builder
	s.WriteString("| workload | unit | times | min | median | max | must reach | |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for i := range b.rows {
		r, missed := &b.rows[i], ""
		if !r.met() {
			missed = "**missed**"
		}
		fmt.Fprintf(&s, "| %s | %s | %d | %s | %s | %s | %s | %s |\n", r.Workload, r.Unit, len(r.Figures), number(r.min()), number(r.median()), number(r.max()), r.bound(), missed)
	}
	return s.String()
}

// write writes the table to the files that are wanted: as JSON and as Markdown.
func (b *bench) write(o options) error {
	text, err := json.MarshalIndent(b.rows, "", "  ")
	if err == nil && o.json != "" {
		err = os.WriteFile(o.json, append(text, '\n'), 0o644)
	}
	if err == nil && o.markdown != "" {
		err = os.WriteFile(o.markdown, []byte(b.markdown()), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// medianOf is the middle figure.
func medianOf(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[len(sorted)/2]
}

// median of several runs, in seconds.
func median(times []time.Duration) float64 {
	slices.Sort(times)
	return times[len(times)/2].Seconds()
}

// repeat runs f n times and gives the median.
func repeat(n int, f func() error) (float64, error) {
	var times []time.Duration
	for range n {
		began := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	return median(times), nil
}
