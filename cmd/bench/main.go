package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// options are the flags.
type options struct {
	json, markdown, profiles, only, history, compare string
	rounds                                           int
}

// bench is a run.
type bench struct {
	ctx      context.Context
	dir      string // for data, removed at the end
	program  string
	profiles string // directory, or ""
	limits   limits
	rows     []row
	once     []string // steps that were measured once, and why
	err      io.Writer
}

// step measures some rows.
type step struct {
	name string
	do   func() error
	once string // why it is not repeated; "" if it is
}

func main() {
	var o options
	flag.StringVar(&o.json, "json", "", "file for the table as JSON")
	flag.StringVar(&o.markdown, "markdown", "", "file for the table in Markdown, as docs/performance.md has it")
	flag.StringVar(&o.profiles, "profiles", "", "directory for profiles of the exports: CPU, allocations, mutexes, blocking")
	flag.StringVar(&o.only, "only", "", "measure these steps only, a regular expression, for example 'synthetic|store'")
	flag.StringVar(&o.history, "history", "", "file of runs, one line of JSON each, to add this run to")
	flag.StringVar(&o.compare, "compare", "", "file of runs: fail if a ratio got worse by more than a third since the last run that has it")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each step is measured, unless it is affordable only once")
	serveFile := flag.String("serve-file", "", "serve one file with http.ServeContent, to compare with; for the benchmark itself")
	flag.Parse()
	if *serveFile != "" {
		fmt.Fprintln(os.Stderr, serveOneFile(*serveFile))
		os.Exit(1)
	}
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	chosen, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	b := &bench{ctx: ctx, profiles: o.profiles, err: os.Stderr}
	if b.dir, err = os.MkdirTemp("", "ab2d-bench-"); err != nil {
		return fmt.Errorf("make a directory for data: %w", err)
	}
	defer os.RemoveAll(b.dir)
	b.program = filepath.Join(b.dir, "ab2d")
	this := line{Date: time.Now().UTC().Truncate(time.Second), Machine: thisMachine()}
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", b.program, "./cmd/ab2d").CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w: %s", err, text)
	}
	began := time.Now()
	if err := b.measureAll(chosen, o); err != nil {
		return err
	}
	if o.compare != "" {
		err = b.hold(chosen, o)
	}
	b.print(os.Stdout, time.Since(began))
	if err != nil {
		return err
	}
	if o.history == "" {
		return nil
	}
	if this.Commit, err = b.commit(); err != nil {
		return err
	}
	this.Rows = figures(b.rows)
	return appendHistory(o.history, this)
}

// measureAll measures the steps that are chosen.
func (b *bench) measureAll(chosen *regexp.Regexp, o options) error {
	b.once = nil
	for _, s := range b.steps() {
		if chosen.MatchString(s.name) {
			err := b.measure(s, o.rounds)
			if err := errors.Join(err, b.write(o)); err != nil { // after each step, so that nothing is lost
				return err
			}
		}
	}
	return nil
}

// comparisons is how often ratios that seem to be worse are measured before they are.
const comparisons = 3

// hold compares the run with a history. If ratios got worse, it measures again.
func (b *bench) hold(chosen *regexp.Regexp, o options) error {
	for n := 1; ; n++ {
		err := b.held(o.compare)
		if err == nil || n == comparisons {
			return err
		}
		fmt.Fprintf(b.err, "%v\nmeasuring again, because other work on the machine may be the cause\n", err)
		if err := b.measureAll(chosen, o); err != nil {
			return err
		}
	}
}

// steps are all steps. Later ones use the data of earlier ones.
func (b *bench) steps() []step {
	return []step{
		{name: "limits of the machine", do: b.measureLimits},
		{name: "minimize", do: b.minimize},
		{name: "generate", do: b.generate},
		{name: "ratios", do: b.ratios, once: "each ratio is the median of five"},
		{name: "synthetic exports", do: b.syntheticExports},
		{name: "latency", do: b.requests, once: "five runs"},
		{name: "import", do: b.importClaims},
		{name: "mirror", do: b.mirror},
		{name: "exports from the store", do: b.storeExports},
		{name: "weekly loads", do: b.weeklyLoads, once: "it takes a minute"},
		{name: "encrypted exports from the store", do: b.encryptedExports, once: "five exports of each, which alternate"},
		{name: "downloads", do: b.downloads},
		{name: "client", do: b.clients, once: "the tables take a minute"},
		{name: "scale", do: b.scale, once: "the large contracts take a minute"},
		{name: "million", do: b.million},
		{name: "ten million", do: b.tenMillion, once: "it takes some minutes"},
		{name: "workers on PostgreSQL", do: b.workers, once: "it takes a minute"},
	}
}

// measure measures the rows of a step, several times if it is affordable.
func (b *bench) measure(s step, rounds int) error {
	if s.once != "" {
		rounds = 1
		b.once = append(b.once, s.name+" ("+s.once+")")
	}
	for round := range rounds {
		fmt.Fprintf(b.err, "%s, %d of %d …\n", s.name, round+1, rounds)
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// fresh is an empty place for data: what an earlier round left there is removed.
func (b *bench) fresh(name string) (string, error) {
	path := filepath.Join(b.dir, name)
	if err := os.RemoveAll(path); err != nil {
		return "", fmt.Errorf("remove the data of an earlier round: %w", err)
	}
	return path, nil
}
