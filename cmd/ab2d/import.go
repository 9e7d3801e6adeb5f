package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize/english"

	"ab2d/internal/ingest"
	"ab2d/internal/store"
)

// importCommand is ab2d import.
type importCommand struct {
	Contracts  importContractsCommand  `cmd:"" help:"Import contracts with their attestations from CSV with the columns contract,sponsor,attested."`
	HPMS       importHPMSCommand       `cmd:"" name:"hpms" help:"Import contracts and their attestations from CMS's HPMS: from its API, or from saved answers."`
	Enrollment importEnrollmentCommand `cmd:"" help:"Import enrollment from CSV with the columns contract,beneficiary_id,mbi,historic_mbis,v3_patient_id and either year,month or from,to. An empty to means still enrolled. The file replaces the whole enrollment of each contract in it."`
	OptOuts    importOptOutsCommand    `cmd:"" help:"Import opt-outs: CMS's fixed-width file, or CSV with the columns mbi,share,effective."`
	Claims     importClaimsCommand     `cmd:"" help:"Import raw ExplanationOfBenefit resources of v1, v2 or v3: NDJSON, a Bundle or single resources, plain or gzipped. They are reduced to the minimum necessary before they are stored."`
}

// importConfig are the settings of every import.
type importConfig struct {
	stateConfig
	encryptionConfig
	File   string `arg:"" help:"The file; - for standard input."`
	DryRun bool   `help:"Check the file and print the report, but change nothing."`
}

// open opens the file.
func (c *importConfig) open() (io.ReadCloser, error) {
	if c.File == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(c.File)
	if errors.Is(err, fs.ErrNotExist) {
		if f, renamed := openRenamed(c.File, os.Stderr); renamed {
			return f, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	return f, nil
}

// name is the file without its folder.
func (c *importConfig) name() string { return filepath.Base(c.File) }

// unchanged ends the report of a dry run.
func (c *importConfig) unchanged() string {
	if c.DryRun {
		return " (dry run: nothing was changed)"
	}
	return ""
}

// store opens the store and imports with it.
func (c *importConfig) store(ctx context.Context, run func(context.Context, *store.DB) error) (err error) {
	c.complete()
	db, err := openStore(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := encryptClaims(asOperator(ctx), &c.encryptionConfig, db); err != nil {
		return err
	}
	return run(asOperator(ctx), db)
}

// table imports a file of contracts, enrollment or opt-outs.
func (c *importConfig) table(ctx context.Context, read func(io.Reader) (*ingest.File, error)) error {
	f, err := c.open()
	if err != nil {
		return err
	}
	defer f.Close()
	// A table is small, and is not compressed: what is, gets an error that says so.
	text := bufio.NewReader(f)
	if start, _ := text.Peek(2); string(start) == "\x1f\x8b" {
		return fmt.Errorf("%s: the file is compressed with gzip: decompress it with gunzip first", c.File)
	}
	file, err := read(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.DryRun {
		return file.Check(ctx)
	}
	return c.store(ctx, file.Store)
}

type importContractsCommand struct {
	importConfig
	Force bool `help:"Withdraw attestations that the file does not have."`
}

// Run imports contracts.
func (c *importContractsCommand) Run(ctx context.Context, s streams) error {
	err := c.table(ctx, func(r io.Reader) (*ingest.File, error) {
		return ingest.ReadContracts(r, c.name(), c.Force, func(report ingest.ContractsReport) {
			fmt.Fprintf(s.out, "%s%s\n", report, c.unchanged())
		})
	})
	var lost *store.AttestationLossError
	if errors.As(err, &lost) {
		return fmt.Errorf("%w; to do it anyway, add --force", err)
	}
	return err
}

type importEnrollmentCommand struct {
	importConfig
	Force bool `help:"Accept an enrollment that is empty, or that has a fifth fewer enrollees than before."`
}

// Run imports enrollment, contract by contract.
func (c *importEnrollmentCommand) Run(ctx context.Context, s streams) error {
	err := c.table(ctx, func(r io.Reader) (*ingest.File, error) {
		return ingest.ReadEnrollment(r, c.name(), c.Force, func(report ingest.EnrollmentReport) { c.print(s.out, &report) })
	})
	var shrinks *store.ShrinkError
	if errors.As(err, &shrinks) {
		return fmt.Errorf("%w; the current enrollment was not changed. To accept the file, add --force", err)
	}
	return err
}

// print writes the report of one contract.
func (c *importEnrollmentCommand) print(w io.Writer, r *ingest.EnrollmentReport) {
	note := ""
	if r.Open > 0 {
		note = fmt.Sprintf(", %d enrolled without an end", r.Open)
	}
	if r.WithoutMBI > 0 {
		note += fmt.Sprintf(", %d without an MBI, whose claims cannot be delivered", r.WithoutMBI)
	}
	switch {
	case !r.Stored:
		note += c.unchanged()
	case r.Unchanged:
		note += ", as before"
	default:
		note += fmt.Sprintf(", before %d", r.Before)
	}
	fmt.Fprintf(w, "%s: %s%s\n", r.Contract, english.Plural(r.Enrollees, "enrollee", ""), note)
	if r.Refreshed > 0 {
		fmt.Fprintf(w, "%s: the claims of %s have new MBIs\n", r.Contract, english.Plural(r.Refreshed, "enrollee", ""))
	}
}

type importOptOutsCommand struct {
	importConfig
}

// Run imports data sharing preferences.
func (c *importOptOutsCommand) Run(ctx context.Context, s streams) error {
	return c.table(ctx, func(r io.Reader) (*ingest.File, error) {
		return ingest.ReadOptOuts(r, c.name(), time.Now(), func(report ingest.OptOutsReport) {
			fmt.Fprintf(s.out, "%s%s\n", report, c.unchanged())
		})
	})
}
