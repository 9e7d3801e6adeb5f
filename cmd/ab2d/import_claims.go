package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dustin/go-humanize"

	"ab2d/internal/eob"
	"ab2d/internal/feed"
	"ab2d/internal/fhir"
	"ab2d/internal/ingest"
	"ab2d/internal/store"
)

type importClaimsCommand struct {
	importConfig
	FHIR string `help:"Version of the claims: stu3, r4, or v3 for the claims of AB2D v3. By default the first claim shows it." name:"fhir" placeholder:"VERSION"`
	inflationConfig
	Rejects string `help:"File for rejected lines: NDJSON with line and reason. It has the first 100,000 and at most 16 MiB, and a last line that counts the others." placeholder:"FILE"`
	Abandon bool   `help:"Discard another import that was interrupted, and start this one."`
}

// Run imports claims. If it is interrupted, it resumes when it is given the same
// file again. Exports see nothing of it before its end.
func (c *importClaimsCommand) Run(ctx context.Context, s streams) error {
	version, err := parseFHIR(c.FHIR)
	if err != nil {
		return err
	}
	f, err := c.open()
	if err != nil {
		return err
	}
	defer f.Close()
	var bar *bar
	claims, err := ingest.OpenClaims(f, ingest.ClaimsConfig{
		Name: c.name(), Version: version, Abandon: c.Abandon, MaxInflation: c.MaxInflation,
		Rejects:  func(resumed bool) (io.WriteCloser, error) { return openRejects(c.Rejects, resumed) },
		Progress: func(read int64) { bar.set(read) },
	})
	if errors.Is(err, eob.ErrVersion) {
		return &usageError{fmt.Errorf("%s: %w", c.File, err)}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, c.explain(err))
	}
	bar = newBar(s, claims.Size(), "Import "+c.name(), true)
	report, err := c.run(ctx, claims)
	if err != nil {
		return err
	}
	bar.finish()
	if err := c.print(s.out, claims.Version(), report); err != nil {
		return err
	}
	if !report.Accepted() {
		return fmt.Errorf("%s: no claim was accepted", c.File)
	}
	return nil
}

// run stores the claims, or only reads them in a dry run.
func (c *importClaimsCommand) run(ctx context.Context, claims *ingest.Claims) (report *ingest.ClaimsReport, err error) {
	if c.DryRun {
		report, err = claims.Check(ctx)
	} else {
		err = c.store(ctx, func(ctx context.Context, db *store.DB) error {
			report, err = claims.Store(ctx, db)
			return err
		})
	}
	var other *store.LoadInProgressError
	if err != nil && !errors.As(err, &other) {
		err = fmt.Errorf("%s: %w", c.File, c.explain(err))
	}
	return report, loadInProgress(err)
}

// loadInProgress adds to the error for an import that has not ended how to go on.
func loadInProgress(err error) error {
	var other *store.LoadInProgressError
	switch {
	case errors.As(err, &other) && other.Load.Mirror:
		return fmt.Errorf("%w: it is a pass of the mirror. Wait until it ends (ab2d admin mirror show), or add --abandon to discard what it has read", err)
	case errors.As(err, &other):
		return fmt.Errorf("%w: import the same file again to resume, or add --abandon to discard the other import", err)
	}
	return err
}

// print writes the report.
func (c *importClaimsCommand) print(w io.Writer, version fhir.Version, r *ingest.ClaimsReport) error {
	if err := r.Print(w); err != nil {
		return err
	}
	c.unlisted(w, c.Rejects, r.Unlisted)
	if c.DryRun {
		fmt.Fprintf(w, "For %s%s\n", version.Name(), c.unchanged())
		return nil
	}
	m := r.Merged
	fmt.Fprintf(w, "Stored for %s: %s new, %s replaced an older version, %s unchanged, %s older than the stored version\n", version.Name(),
		humanize.Comma(m.New), humanize.Comma(m.Replaced), humanize.Comma(m.Unchanged), humanize.Comma(m.Older))
	if m.Withdrawn > 0 {
		fmt.Fprintf(w, "Removed: %s stored claims, because the new version is of substance-use treatment\n", humanize.Comma(m.Withdrawn))
	}
	return nil
}

// inflationConfig bounds what small gzipped files become.
type inflationConfig struct {
	MaxInflation int `help:"Limit for gzipped files: their claims can be at most N times as long as the file. Claims of less than 16 MiB are always read." default:"100" placeholder:"N"`
}

// explain adds to the error of a file that inflates too much what to do.
func (c *inflationConfig) explain(err error) error {
	var inflates *feed.InflationError
	if errors.As(err, &inflates) {
		return fmt.Errorf("%w. If the file is right, allow more with --max-inflation", err)
	}
	return err
}

// unlisted says what a full file of rejects has not.
func (c *inflationConfig) unlisted(w io.Writer, rejects string, more int64) {
	if rejects != "" && more > 0 {
		fmt.Fprintf(w, "%s is full: %s more rejected claims are not in it\n", rejects, humanize.Comma(more))
	}
}

// parseFHIR reads the name of a FHIR version; "" is none.
func parseFHIR(s string) (fhir.Version, error) {
	switch s {
	case "":
		return 0, nil
	case "stu3":
		return fhir.V1, nil
	case "r4":
		return fhir.V2, nil
	case "v3":
		return fhir.V3, nil
	}
	return 0, &usageError{fmt.Errorf("--fhir=%s: must be stu3, r4 or v3", s)}
}

// openRejects opens the file for lines that are not accepted, or what throws them
// away. A resumed import adds to what the file has.
func openRejects(name string, resumed bool) (io.WriteCloser, error) {
	if name == "" {
		return nopWriteCloser{io.Discard}, nil
	}
	how := os.O_TRUNC
	if resumed {
		how = os.O_APPEND
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|how, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the file for rejects: %w", err)
	}
	return f, nil
}

type nopWriteCloser struct{ io.Writer }

func (nopWriteCloser) Close() error { return nil }
