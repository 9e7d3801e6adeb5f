package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"github.com/dustin/go-humanize"

	"ab2d/internal/audit"
	"ab2d/internal/eob"
	"ab2d/internal/feed"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
	"ab2d/internal/store"
)

type importClaimsCommand struct {
	importConfig
	FHIR    string `help:"FHIR version of the claims: stu3 or r4. The default is what the first claim shows." name:"fhir" placeholder:"VERSION"`
	Rejects string `help:"File for the lines that are not accepted: NDJSON of line and reason." placeholder:"FILE"`
	Abandon bool   `help:"Give up an import that was broken off, and begin this one."`
}

// mergeBytes is about how much raw JSON is stored in one transaction.
const mergeBytes = 64 << 20

// Run imports claims. Broken off, it goes on where it was when it is given the
// same file again; nothing is seen of it before its end.
func (c *importClaimsCommand) Run(ctx context.Context, s streams) (err error) {
	version, err := parseFHIR(c.FHIR)
	if err != nil {
		return err
	}
	f, err := c.open()
	if err != nil {
		return err
	}
	defer f.Close()
	source, digest, size, err := fingerprint(f, c.File)
	if err != nil {
		return err
	}
	sum := sha256.New()
	counted := &readCounter{r: io.TeeReader(source, sum)}
	claims, err := feed.OpenClaims(counted, version)
	if errors.Is(err, eob.ErrVersion) {
		return &usageError{fmt.Errorf("%s: %w", c.File, err)}
	}
	if err != nil {
		return c.unread(err)
	}
	bar := newBar(s, size, "Import "+filepath.Base(c.File), true)
	i := &claimImport{bar: bar, read: counted}
	if c.DryRun {
		if err = c.each(ctx, claims, 0, i, i.count); err != nil {
			err = c.unread(err)
		}
	} else {
		err = c.store(ctx, claims, digest, i, func() string { return fmt.Sprintf("%x", sum.Sum(nil)) })
	}
	if err != nil {
		return err
	}
	bar.finish()
	if err := i.print(s.out, versionName(claims.Version()), c.unchanged()); err != nil {
		return err
	}
	if i.totals.Kept == 0 && i.totals.Merged.Withdrawn == 0 {
		return fmt.Errorf("%s: no claim was accepted", c.File)
	}
	return nil
}

// store takes the claims into the store and publishes them. whole is the SHA-256
// of the file when all of it has been read.
func (c *importClaimsCommand) store(ctx context.Context, claims *feed.Claims, digest string, i *claimImport, whole func() string) (err error) {
	ctx = asOperator(ctx)
	c.complete()
	db, err := openStore(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if c.Abandon {
		if _, err := db.AbandonLoad(ctx); err != nil {
			return err
		}
	}
	if _, err := db.ApplyAllowList(ctx); err != nil {
		return otherLoad(err)
	}
	load, err := db.BeginLoad(ctx, filepath.Base(c.File), digest, claims.Version())
	if err != nil {
		return otherLoad(err)
	}
	began := audit.Entry{Event: audit.ImportBegan, Detail: fmt.Sprintf("claims of %s from line %d of %s", versionName(claims.Version()), load.Line+1, load.Source)}
	if err := db.Record(ctx, began); err != nil {
		return err
	}
	if i.merger, err = db.NewMerger(load); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(load.Report), &i.totals); err != nil {
		return fmt.Errorf("read the report of the import so far: %w", err)
	}
	if err := c.each(ctx, claims, load.Position, i, func(b *feed.Batch) error { return i.take(ctx, b) }); err != nil {
		return c.giveUp(ctx, db, err)
	}
	if err := i.flush(ctx); err != nil {
		return err
	}
	t := &i.totals
	return db.Publish(ctx, load, audit.Entry{Event: audit.ImportEnded, Detail: fmt.Sprintf(
		"claims of %s from %s, SHA-256 %s: %d read, %d kept, %d Part D, %d substance use, %d of other types, %d invalid; %d new, %d replaced, %d removed",
		versionName(claims.Version()), load.Source, whole(), t.Read, t.Kept, t.PartD, t.SubstanceUse, t.OtherType, t.Invalid, t.Merged.New, t.Merged.Replaced, t.Merged.Withdrawn)})
}

// otherLoad says how to go on when another import has not been completed.
func otherLoad(err error) error {
	var other *store.LoadInProgressError
	if errors.As(err, &other) {
		return fmt.Errorf("%w: give the same file again to go on with it, or add --abandon to give it up", err)
	}
	return err
}

// giveUp ends an import that failed. Of a file that was cut nothing stays; any
// other goes on when it is given again.
func (c *importClaimsCommand) giveUp(ctx context.Context, db *store.DB, err error) error {
	var cut *feed.CutError
	if !errors.As(err, &cut) {
		return err
	}
	if _, e := db.AbandonLoad(ctx); e != nil {
		return errors.Join(err, e)
	}
	return c.unread(err)
}

// unread is the error for a file that cannot be read.
func (c *importClaimsCommand) unread(err error) error {
	var cut *feed.CutError
	if errors.As(err, &cut) {
		return fmt.Errorf("%s: %w; nothing was imported", c.File, cut)
	}
	return fmt.Errorf("%s: %w", c.File, err)
}

// each gives the claims after a position to take, and what was rejected to the
// file for it.
func (c *importClaimsCommand) each(ctx context.Context, claims *feed.Claims, position int64, i *claimImport, take func(*feed.Batch) error) (err error) {
	rejects, err := openRejects(c.Rejects, position > 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rejects.Close()) }()
	i.rejects = rejects
	return claims.Each(ctx, runtime.GOMAXPROCS(0), position, take)
}

// claimImport gathers claims until there are enough for a transaction.
type claimImport struct {
	merger  *store.Merger // nil in a dry run
	bar     *bar
	read    *readCounter
	rejects io.Writer
	totals  importTotals

	pending  []store.Claim
	bytes    int64
	position int64
	line     int64
}

// importTotals is the report of an import, kept with it.
type importTotals struct {
	feed.Report
	Merged store.Merged `json:"merged"`
}

// count takes note of a batch.
func (i *claimImport) count(b *feed.Batch) error {
	for k := range b.Claims {
		c := &b.Claims[k]
		if c.Fault != nil {
			if err := feed.Reject(i.rejects, c.Fault); err != nil {
				return fmt.Errorf("write the rejects: %w", err)
			}
		}
		// A claim of substance-use treatment takes away the version that is stored.
		if kept := i.totals.Count(c); i.merger != nil && (kept || c.Fault == nil && c.Part2) {
			i.pending = append(i.pending, storeClaim(c))
		}
		i.line = c.Line
	}
	i.position = b.Position
	i.bytes += b.Bytes
	i.totals.Bytes += b.Bytes
	i.bar.set(i.read.n.Load())
	return nil
}

// take takes a batch, and stores what has gathered when it is enough.
func (i *claimImport) take(ctx context.Context, b *feed.Batch) error {
	if err := i.count(b); err != nil {
		return err
	}
	if i.bytes < mergeBytes {
		return nil
	}
	return i.flush(ctx)
}

// flush stores what has gathered, with the report up to there.
func (i *claimImport) flush(ctx context.Context) error {
	if i.position == 0 {
		return nil // nothing was read
	}
	before := i.totals.Merged
	merged, err := i.merger.Merge(ctx, i.pending, i.position, i.line, func(m store.Merged) string {
		t := i.totals
		t.Merged.Add(m)
		b, _ := json.Marshal(t) // plain numbers and texts
		return string(b)
	})
	if err != nil {
		return err
	}
	i.totals.Merged = before
	i.totals.Merged.Add(merged)
	i.pending, i.bytes = i.pending[:0], 0
	return nil
}

// print writes the report for people.
func (i *claimImport) print(w io.Writer, version, unchanged string) error {
	if err := i.totals.Print(w); err != nil {
		return err
	}
	m := i.totals.Merged
	if i.merger != nil {
		fmt.Fprintf(w, "Stored for %s: %s new, %s newer than before, %s as before, %s older than what is there\n", version,
			humanize.Comma(m.New), humanize.Comma(m.Replaced), humanize.Comma(m.Unchanged), humanize.Comma(m.Older))
		if m.Withdrawn > 0 {
			fmt.Fprintf(w, "Removed: %s stored claims, because the new version is of substance-use treatment\n", humanize.Comma(m.Withdrawn))
		}
		return nil
	}
	fmt.Fprintf(w, "For %s%s\n", version, unchanged)
	return nil
}

// readCounter counts what is read through it, for a progress bar.
type readCounter struct {
	r io.Reader
	n atomic.Int64
}

func (c *readCounter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// storeClaim is a minimized claim as the store takes it.
func storeClaim(c *feed.Claim) store.Claim {
	e := segment.Entry{
		ID: string(c.ID), Type: uint8(c.Type), Canceled: c.Canceled, Start: int32(c.Start), End: int32(c.End), HasStart: c.HasStart, HasEnd: c.HasEnd,
		ExtensionAt: uint32(c.ExtensionAt), HasExtension: c.HasExtension,
	}
	if !c.LastUpdated.IsZero() {
		e.LastUpdated = c.LastUpdated.UnixMilli()
	}
	return store.Claim{Patient: c.Patient, Entry: e, JSON: c.JSON, Withheld: c.Part2}
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
	}
	return 0, &usageError{fmt.Errorf("--fhir=%s: write stu3 or r4", s)}
}

// fingerprint tells files apart without reading them whole: by name, size and
// first bytes. It gives back the source as if nothing had been read.
func fingerprint(f io.Reader, name string) (source io.Reader, digest string, size int64, err error) {
	head := make([]byte, 1<<20)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, "", 0, fmt.Errorf("read the file: %w", err)
	}
	size = -1
	if file, ok := f.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	sum := sha256.Sum256(fmt.Appendf(head[:n:n], "|%s|%d", filepath.Base(name), size))
	return io.MultiReader(bytes.NewReader(head[:n]), f), fmt.Sprintf("%x", sum), size, nil
}

// openRejects opens the file for rejected lines, or what throws them away. An
// import that goes on adds to what the file has.
func openRejects(name string, goesOn bool) (io.WriteCloser, error) {
	if name == "" {
		return nopWriteCloser{io.Discard}, nil
	}
	how := os.O_TRUNC
	if goesOn {
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
