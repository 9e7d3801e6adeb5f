package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"ab2d/internal/ingest"
	"ab2d/internal/mirror"
	"ab2d/internal/obs"
	"ab2d/internal/store"
)

// mirrorCommand is ab2d mirror.
type mirrorCommand struct {
	stateConfig
	encryptionConfig
	logConfig
	mirrorConfig
	Contracts string `help:"First import contracts with their attestations from this file, as ab2d import contracts does." type:"existingfile" placeholder:"FILE"`
	Profiles  string `help:"Directory for profiles of the whole run (CPU, allocations, mutexes, blocking), for go tool pprof. They are written when the command ends." placeholder:"DIR" type:"path"`
	OptOuts   string `help:"First import opt-outs from this file, as ab2d import opt-outs does." type:"existingfile" placeholder:"FILE"`
}

// Help is printed with the command's flags.
func (c *mirrorCommand) Help() string {
	return "Reads the enrollment of the attested contracts, and the claims of everybody who is enrolled, from an upstream FHIR server into the database, once. " +
		"The first time it reads all claims, and later those that changed. Exports see the claims when all people of a version have been read. " +
		"If the command is stopped, the same command continues. Several processes on one PostgreSQL database share the work. " +
		"Exit code 3 says that some people could not be read: their stored claims stay as they are, and the next run tries them again. " +
		"ab2d serve and ab2d worker do the same on a schedule with --mirror-source."
}

// Run copies once.
func (c *mirrorCommand) Run(ctx context.Context, s streams) (err error) {
	c.complete()
	var f faults
	f.add(c.Source == "", "--source: write the address of the upstream FHIR server, for example https://bfd.example.org")
	c.mirrorConfig.validate(&f, "")
	if err := f.err(); err != nil {
		return err
	}
	log, err := obs.NewLogger(s.err, c.LogFormat, c.LogLevel)
	if err != nil {
		return &usageError{err}
	}
	if c.Profiles != "" {
		profiled, err := obs.Profile(c.Profiles)
		if err != nil {
			return fmt.Errorf("--profiles=%s: %w", c.Profiles, err)
		}
		defer func() { err = errors.Join(err, profiled()) }()
	}
	db, err := openStore(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := encryptClaims(ctx, &c.encryptionConfig, db); err != nil {
		return err
	}
	if err := db.Attach(ctx); err != nil {
		return err
	}
	if err := c.importFirst(ctx, db, s.out); err != nil {
		return err
	}
	if err := c.anyContract(ctx, db); err != nil {
		return err
	}
	view := &mirrorView{streams: s}
	m, err := c.open(db, log, view.progress)
	if err != nil {
		return err
	}
	sum, err := m.Once(ctx)
	view.end()
	printMirrored(s.out, sum)
	switch {
	case ctx.Err() != nil:
		return &codedError{exitAgain, errors.New("stopped; the same command continues")}
	case errors.Is(err, mirror.ErrUnreachable):
		return fmt.Errorf("%w; what was read is kept, and the same command continues", err)
	case err != nil:
		return fileInProgress(err)
	case sum.Failed > 0:
		return &codedError{exitSome, fmt.Errorf("%s could not be read; their stored claims stay as they are, and the next run tries them again. "+
			"ab2d admin mirror show lists the reasons", people(sum.Failed))}
	}
	return nil
}

// anyContract is the error for a database without a contract whose people could be
// read.
func (c *mirrorCommand) anyContract(ctx context.Context, db *store.DB) error {
	contracts, err := db.Contracts(ctx)
	if err != nil {
		return err
	}
	for _, contract := range contracts {
		if contract.HasAttested || !c.Enrollment {
			return nil
		}
	}
	return &usageError{errors.New("no contract is attested, so nobody's claims may be read. Import contracts with --contracts=FILE, or add them with ab2d admin contract add and attest")}
}

// fileInProgress adds to the error for an import of a file that has not ended how to
// continue.
func fileInProgress(err error) error {
	if errors.As(err, new(*store.LoadInProgressError)) {
		return fmt.Errorf("%w: first import the same file again to resume it, or discard it with ab2d import claims --abandon and another file", err)
	}
	return err
}

// people is "1 person" or "3 people".
func people(n int64) string {
	if n == 1 {
		return "1 person"
	}
	return humanize.Comma(n) + " people"
}

// importFirst imports the files that are given.
func (c *mirrorCommand) importFirst(ctx context.Context, db *store.DB, out io.Writer) error {
	contracts := func(r io.Reader, name string) (*ingest.File, error) {
		return ingest.ReadContracts(r, name, false, func(report ingest.ContractsReport) { fmt.Fprintln(out, report) })
	}
	optOuts := func(r io.Reader, name string) (*ingest.File, error) {
		return ingest.ReadOptOuts(r, name, time.Now(), func(report ingest.OptOutsReport) { fmt.Fprintln(out, report) })
	}
	for _, one := range []struct {
		file string
		read func(io.Reader, string) (*ingest.File, error)
	}{{c.Contracts, contracts}, {c.OptOuts, optOuts}} {
		if one.file == "" {
			continue
		}
		if err := importFile(ctx, db, one.file, one.read); err != nil {
			return fmt.Errorf("%s: %w", one.file, err)
		}
	}
	return nil
}

func importFile(ctx context.Context, db *store.DB, name string, read func(io.Reader, string) (*ingest.File, error)) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	file, err := read(f, filepath.Base(name))
	if err != nil {
		return err
	}
	return file.Store(asOperator(ctx), db)
}

// mirrorView shows the progress of the pass that runs. The mirror calls it from
// several goroutines.
type mirrorView struct {
	streams streams
	mu      sync.Mutex
	pass    int64
	bar     *bar // nil before the first progress
}

// progress shows how many people of a pass have been read.
func (v *mirrorView) progress(p *store.MirrorPass, r *mirror.Report) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.pass != p.ID {
		v.finish()
		v.pass, v.bar = p.ID, newBar(v.streams, 100, "Claims of "+p.Version.String(), false)
	}
	v.bar.set(100 * (r.People + r.Failed) / max(p.People, 1))
}

// end leaves the terminal to others.
func (v *mirrorView) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.finish()
}

func (v *mirrorView) finish() {
	if v.bar != nil {
		v.bar.finish()
		v.bar = nil
	}
}

// printMirrored says what was done.
func printMirrored(w io.Writer, sum *mirror.Summary) {
	for _, c := range sum.Contracts {
		note := fmt.Sprintf(", before %s", humanize.Comma(int64(c.Before)))
		if c.Unchanged {
			note = ", as before"
		}
		fmt.Fprintf(w, "%s: %s%s\n", c.Contract, english.Plural(c.Enrollees, "enrollee", ""), note)
	}
	for _, p := range sum.Passes {
		r, m := p.Report, p.Report.Merged
		nothing := "without claims"
		if !p.Complete {
			nothing = "without changes"
		}
		fmt.Fprintf(w, "%s: %s read, %s %s; %s read, %s kept: %s new, %s replaced an older version, %s unchanged, %s removed (%s)\n",
			p.Version.Name(), people(r.People), humanize.Comma(r.Empty), nothing, several(r.Read, "claim"), humanize.Comma(r.Kept),
			humanize.Comma(m.New), humanize.Comma(m.Replaced), humanize.Comma(m.Unchanged), humanize.Comma(m.Removed+m.Withdrawn), p.Took.Round(10*time.Millisecond))
		if r.Invalid+r.Foreign > 0 {
			fmt.Fprintf(w, "  left out: %s that cannot be read, %s of another person\n", several(r.Invalid, "claim"), humanize.Comma(r.Foreign))
		}
		for _, f := range r.First {
			fmt.Fprintf(w, "  %v\n", f)
		}
	}
}
