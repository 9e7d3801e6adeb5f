package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/feed"
	"ab2d/internal/store"
)

// importCommand is ab2d import.
type importCommand struct {
	Contracts  importContractsCommand  `cmd:"" help:"Contracts with their attestation: CSV with the columns contract,sponsor,attested."`
	Enrollment importEnrollmentCommand `cmd:"" help:"Who is enrolled in which months: CSV with the columns contract,beneficiary_id,mbi,historic_mbis and year,month or from,to (empty: still open). Each contract in the file gets it as its whole enrollment, at once."`
	OptOuts    importOptOutsCommand    `cmd:"" help:"Who does not share claims: CMS's file of fixed width, or CSV with the columns mbi,share,effective."`
	Claims     importClaimsCommand     `cmd:"" help:"Raw ExplanationOfBenefit resources, FHIR STU3 or R4: NDJSON, a Bundle or single resources, plain or gzipped. They are reduced to the minimum necessary before they are stored."`
}

// importConfig are the settings of every import.
type importConfig struct {
	stateConfig
	File   string `arg:"" help:"The file; - for standard input."`
	DryRun bool   `help:"Read and check the file, report, and change nothing."`
}

// open opens the file.
func (c *importConfig) open() (io.ReadCloser, error) {
	if c.File == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	return f, nil
}

// into reads the file with read, and unless it is a dry run stores what it
// gave with put.
func into[T any](ctx context.Context, c *importConfig, kind string, read func(io.Reader) (T, error), put func(context.Context, *store.DB, T) (string, error)) (err error) {
	f, err := c.open()
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	what, err := read(io.TeeReader(f, sum))
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.DryRun {
		_, err := put(ctx, nil, what)
		return err
	}
	c.complete()
	db, err := openStore(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ctx = asOperator(ctx)
	file := fmt.Sprintf("%s from %s, SHA-256 %x", kind, filepath.Base(c.File), sum.Sum(nil))
	if err := db.Record(ctx, audit.Entry{Event: audit.ImportBegan, Detail: file}); err != nil {
		return err
	}
	counts, err := put(ctx, db, what)
	if err != nil {
		return err
	}
	return db.Record(ctx, audit.Entry{Event: audit.ImportEnded, Detail: file + ": " + counts})
}

type importContractsCommand struct {
	importConfig
	Force bool `help:"Take attestations away where the file says so."`
}

// Run imports contracts.
func (c *importContractsCommand) Run(ctx context.Context, s streams) error {
	return into(ctx, &c.importConfig, "contracts", feed.ReadContracts, func(ctx context.Context, db *store.DB, list []coverage.Contract) (string, error) {
		if len(list) == 0 {
			return "", errors.New("the file has no contracts; nothing was imported")
		}
		attested := 0
		for _, one := range list {
			if one.HasAttested {
				attested++
			}
		}
		if db != nil {
			err := db.PutContracts(ctx, list, c.Force)
			var unattests *store.AttestationLossError
			if errors.As(err, &unattests) {
				return "", fmt.Errorf("%w; if that is meant, add --force", err)
			}
			if err != nil {
				return "", err
			}
		}
		counts := fmt.Sprintf("%d contracts, %d attested", len(list), attested)
		fmt.Fprintf(s.out, "%s%s\n", counts, c.unchanged())
		return counts, nil
	})
}

// unchanged ends the report of a dry run.
func (c *importConfig) unchanged() string {
	if c.DryRun {
		return " (dry run: nothing was changed)"
	}
	return ""
}

type importEnrollmentCommand struct {
	importConfig
	Force bool `help:"Take an enrollment also if it is empty or has a fifth fewer enrollees than the one before."`
}

// Run imports enrollment, contract by contract.
func (c *importEnrollmentCommand) Run(ctx context.Context, s streams) error {
	return into(ctx, &c.importConfig, "enrollment", feed.ReadEnrollment, func(ctx context.Context, db *store.DB, all map[string][]coverage.Enrollee) (string, error) {
		if len(all) == 0 {
			return "", errors.New("the file has no enrollees; nothing was imported")
		}
		var failed []error
		var counts []string
		for _, contract := range sortedKeys(all) {
			if err := c.one(ctx, s, db, contract, all[contract]); err != nil {
				failed = append(failed, err)
				continue
			}
			counts = append(counts, fmt.Sprintf("%s %d enrollees", contract, len(all[contract])))
		}
		return strings.Join(counts, ", "), errors.Join(failed...)
	})
}

func (c *importEnrollmentCommand) one(ctx context.Context, s streams, db *store.DB, contract string, enrollees []coverage.Enrollee) error {
	without, open := 0, 0
	for _, e := range enrollees {
		if len(e.MBIs) == 0 {
			without++
		}
		if e.Months.Has(coverage.LastMonth) {
			open++
		}
	}
	note := ""
	if open > 0 {
		note = fmt.Sprintf(", %d enrolled without an end", open)
	}
	if without > 0 {
		note += fmt.Sprintf(", %d without an MBI, who cannot be delivered", without)
	}
	if db == nil {
		fmt.Fprintf(s.out, "%s: %d enrollees%s%s\n", contract, len(enrollees), note, c.unchanged())
		return nil
	}
	done, err := db.PutEnrollment(ctx, contract, enrollees, c.Force)
	var shrinks *store.ShrinkError
	if errors.As(err, &shrinks) {
		return fmt.Errorf("%w; the enrollment before stays; if it is meant, add --force", err)
	}
	if err != nil {
		return err
	}
	if done.Unchanged {
		fmt.Fprintf(s.out, "%s: %d enrollees%s, as before\n", contract, done.Enrollees, note)
	} else {
		fmt.Fprintf(s.out, "%s: %d enrollees%s, before %d\n", contract, done.Enrollees, note, done.Before)
	}
	refreshed, err := db.RefreshMBIs(ctx, contract)
	if refreshed > 0 {
		fmt.Fprintf(s.out, "%s: the claims of %d enrollees have new identifiers\n", contract, refreshed)
	}
	return err
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

type importOptOutsCommand struct {
	importConfig
}

// Run imports data sharing preferences.
func (c *importOptOutsCommand) Run(ctx context.Context, s streams) error {
	read := func(r io.Reader) ([]feed.OptOut, error) {
		return feed.ReadOptOuts(r, coverage.DateOf(time.Now().UTC().Date()))
	}
	return into(ctx, &c.importConfig, "opt-outs", read, func(ctx context.Context, db *store.DB, list []feed.OptOut) (string, error) {
		share := 0
		known := make([]store.OptOut, 0, len(list))
		for _, o := range list {
			if o.Share {
				share++
			}
			known = append(known, store.OptOut(o))
		}
		var sum store.OptOutCounts
		if db != nil {
			var err error
			if sum, err = db.PutOptOuts(ctx, known); err != nil {
				return "", err
			}
		}
		older := ""
		if sum.Older > 0 {
			older = fmt.Sprintf("; %d not changed, because a later preference is known", sum.Older)
		}
		counts := fmt.Sprintf("%d persons: %d do not share, %d share; %d changed%s", len(list), len(list)-share, share, sum.Changed, older)
		fmt.Fprintf(s.out, "%s%s\n", counts, c.unchanged())
		return counts, nil
	})
}
