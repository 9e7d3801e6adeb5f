package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// row is a line of the table.
type row struct {
	Workload string  `json:"workload"`
	Figure   float64 `json:"figure"`
	Unit     string  `json:"unit"`
	Bound    string  `json:"mustReach,omitempty"` // in words
	Met      bool    `json:"met"`
	Limit    string  `json:"limit,omitempty"` // what bounds it, and how far it is
}

// bench is a run.
type bench struct {
	ctx      context.Context
	dir      string // for data, removed at the end
	program  string
	profiles string // directory, or ""
	limits   limits
	rows     []row
	err      io.Writer
}

func main() {
	out := flag.String("json", "", "file for the table as JSON")
	profiles := flag.String("profiles", "", "directory for profiles of the exports: CPU, allocations, mutexes, blocking")
	only := flag.String("only", "", "measure these steps only, a regular expression, for example 'synthetic|store'")
	serveFile := flag.String("serve-file", "", "serve one file with http.ServeContent, to compare with; for the benchmark itself")
	flag.Parse()
	if *serveFile != "" {
		fmt.Fprintln(os.Stderr, serveOneFile(*serveFile))
		os.Exit(1)
	}
	if err := run(context.Background(), *out, *profiles, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, profiles, only string) (err error) {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	b := &bench{ctx: ctx, profiles: profiles, err: os.Stderr}
	if b.dir, err = os.MkdirTemp("", "ab2d-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.program = filepath.Join(b.dir, "ab2d")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", b.program, "./cmd/ab2d").CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w: %s", err, text)
	}
	began := time.Now()
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"limits of the machine", b.measureLimits}, {"minimize", b.minimize}, {"generate", b.generate}, {"synthetic exports", b.syntheticExports},
		{"import", b.importClaims}, {"mirror", b.mirror}, {"exports from the store", b.storeExports}, {"encrypted exports from the store", b.encryptedExports}, {"downloads", b.downloads}, {"scale", b.scale}, {"workers on PostgreSQL", b.workers},
	} {
		if !chosen.MatchString(step.name) {
			continue
		}
		fmt.Fprintf(b.err, "%s …\n", step.name)
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	b.print(os.Stdout, time.Since(began))
	return b.write(out)
}

// add adds a row that must reach something: at least or at most bound.
func (b *bench) add(workload string, figure float64, unit string, atLeast bool, bound float64, limit string) {
	words := "≤ "
	if atLeast {
		words = "≥ "
	}
	b.rows = append(b.rows, row{Workload: workload, Figure: figure, Unit: unit, Bound: words + number(bound) + " " + unit,
		Met: atLeast == (figure >= bound) || figure == bound, Limit: limit})
}

// note adds a row that is for information.
func (b *bench) note(workload string, figure float64, unit, limit string) {
	b.rows = append(b.rows, row{Workload: workload, Figure: figure, Unit: unit, Met: true, Limit: limit})
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
	}
	return fmt.Sprintf("%.2f", f)
}

func (b *bench) print(w io.Writer, took time.Duration) {
	fmt.Fprintf(w, "%s, %d processors, %s; %s in all\n\n", runtime.Version(), runtime.NumCPU(), runtime.GOARCH, took.Round(time.Second))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "workload\tmeasured\tmust reach\t\tlimit")
	for _, r := range b.rows {
		met := ""
		if r.Bound != "" {
			if met = "met"; !r.Met {
				met = "MISSED"
			}
		}
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\t%s\n", r.Workload, number(r.Figure), r.Unit, r.Bound, met, r.Limit)
	}
	t.Flush()
}

func (b *bench) write(name string) error {
	if name == "" {
		return nil
	}
	text, err := json.MarshalIndent(b.rows, "", "  ")
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), 0o644)
	}
	return err
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
