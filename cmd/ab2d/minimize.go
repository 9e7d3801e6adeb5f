package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/feed"
	"ab2d/internal/fhir"
)

// minimizeCommand is ab2d minimize.
type minimizeCommand struct {
	Files []string `arg:"" optional:"" help:"Files of raw claims. Without a file, or with -, standard input."`
	FHIR  string   `help:"Version of the claims: stu3, r4, or v3 for the claims of AB2D v3. By default the first claim of each file shows it." name:"fhir" placeholder:"VERSION"`
	Out   string   `help:"File to write. The default is standard output." placeholder:"FILE"`
	inflationConfig
	MBI     []string `help:"MBI to add to every claim, the current one first. Can be repeated. Other users can see it in the process list, so use --mbi-file for real MBIs." name:"mbi" placeholder:"MBI"`
	MBIFile string   `help:"File with the MBIs, one per line, the current one first." name:"mbi-file" placeholder:"FILE"`
	Rejects string   `help:"File for rejected claims: NDJSON with line and reason." placeholder:"FILE"`
	Quiet   bool     `help:"Do not print the report on standard error."`
}

// Help is printed with the command's flags.
func (c *minimizeCommand) Help() string {
	return "Reads raw ExplanationOfBenefit resources (NDJSON, a Bundle or single resources, plain or gzipped) and writes the NDJSON that a sponsor would get. " +
		"It leaves out Part D events, claims of substance-use treatment, claims of other types, and invalid claims. " +
		"Exit codes: 0 all claims were valid; 1 a file could not be read or written; 2 the arguments are wrong; 3 some claims were invalid."
}

// errSomeInvalid ends a run in which some claims were left out as invalid.
var errSomeInvalid = errors.New("some claims were invalid and were left out")

// Run minimizes all files into one output.
func (c *minimizeCommand) Run(ctx context.Context, s streams) (err error) {
	signal.Ignore(syscall.SIGPIPE) // a write to a closed pipe is an error then, and not the end
	version, err := parseFHIR(c.FHIR)
	if err != nil {
		return err
	}
	mbis, err := c.identifiers()
	if err != nil {
		return err
	}
	rejects, err := openRejects(c.Rejects, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rejects.Close()) }()
	to, commit, err := c.output(s)
	if err != nil {
		return err
	}
	m := &minimizing{out: bufio.NewWriterSize(to, 1<<20), mbis: mbis, rejects: feed.NewRejects(rejects, 0, 0, 0), inflation: c.MaxInflation}
	if err = c.all(ctx, version, m); err == nil {
		err = m.rejects.End()
	}
	if err == nil {
		err = m.out.Flush()
	}
	if errors.Is(err, syscall.EPIPE) {
		return nil // who reads has enough, as with | head
	}
	if err := commit(err); err != nil {
		return err
	}
	if !c.Quiet {
		if err := m.report.Print(s.err); err != nil {
			return err
		}
		c.unlisted(s.err, c.Rejects, m.rejects.More())
	}
	if m.report.Invalid > 0 {
		return errSomeInvalid
	}
	return nil
}

// output opens where the claims go. commit ends it: with an error nothing is
// left of a file, without one it has its name.
func (c *minimizeCommand) output(s streams) (io.Writer, func(error) error, error) {
	if c.Out == "" {
		return s.out, func(err error) error { return err }, nil
	}
	f, err := os.OpenFile(c.Out+".unfinished", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the output: %w", err)
	}
	return f, func(err error) error {
		err = errors.Join(err, f.Close())
		if err != nil {
			return errors.Join(err, os.Remove(f.Name()))
		}
		return os.Rename(f.Name(), c.Out)
	}, nil
}

// all minimizes one file after the other.
func (c *minimizeCommand) all(ctx context.Context, version fhir.Version, m *minimizing) error {
	names := c.Files
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		if err := m.file(ctx, name, version); err != nil {
			return fmt.Errorf("%s: %w", name, c.explain(err))
		}
	}
	return nil
}

// identifiers reads the MBIs of flags and file.
func (c *minimizeCommand) identifiers() ([]coverage.MBI, error) {
	lines := c.MBI
	if c.MBIFile != "" {
		b, err := os.ReadFile(c.MBIFile)
		if err != nil {
			return nil, fmt.Errorf("read the identifiers: %w", err)
		}
		lines = append(lines, strings.Fields(string(b))...)
	}
	var mbis []coverage.MBI
	for _, s := range lines {
		m, err := feed.ParseMBI(s)
		if err != nil {
			return nil, &usageError{fmt.Errorf("--mbi or --mbi-file: %w", err)}
		}
		mbis = append(mbis, m)
	}
	return mbis, nil
}

// minimizing is a run of the command.
type minimizing struct {
	out     *bufio.Writer
	mbis    []coverage.MBI
	rejects *feed.Rejects

	inflation int // how many times as long as a file its claims may be
	report    feed.Report
	line      []byte
}

func (m *minimizing) file(ctx context.Context, name string, version fhir.Version) error {
	f, err := (&importConfig{File: name}).open()
	if err != nil {
		return err
	}
	defer f.Close()
	claims, err := feed.OpenClaimsWithin(f, version, m.inflation)
	if errors.Is(err, eob.ErrVersion) {
		return &usageError{err}
	}
	if err != nil {
		return err
	}
	return claims.Each(ctx, runtime.GOMAXPROCS(0), 0, m.batch)
}

func (m *minimizing) batch(b *feed.Batch) error {
	m.report.Bytes += b.Bytes
	for i := range b.Claims {
		c := &b.Claims[i]
		if c.Fault != nil {
			if err := m.rejects.Add(c.Fault); err != nil {
				return fmt.Errorf("write the rejects: %w", err)
			}
		}
		if !m.report.Count(c) {
			continue
		}
		m.line = append(c.AppendWithMBIs(m.line[:0], m.mbis), '\n')
		if _, err := m.out.Write(m.line); err != nil {
			return err
		}
	}
	return nil
}
