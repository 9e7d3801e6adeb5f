package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"runtime"
	"sync/atomic"

	"ab2d/internal/audit"
	"ab2d/internal/feed"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// ClaimsConfig describes a file of raw claims.
type ClaimsConfig struct {
	Name    string       // of the file, without its folder
	Version fhir.Version // of the claims; zero for the version that the first claim shows
	// MaxInflation is how many times as long as the file its claims may be; 0 for
	// feed.DefaultInflation.
	MaxInflation int
	// Abandon gives up another import that was interrupted.
	Abandon bool
	// Rejects opens the file for claims that are not accepted. resumed says that
	// the import was interrupted, and rejected claims were written before. It is required.
	Rejects func(resumed bool) (io.WriteCloser, error)
	// Progress is called with the number of bytes read so far, while the file is
	// read. It may be nil.
	Progress func(bytes int64)
}

// Claims is a file of raw claims that is being imported. It is not safe for
// concurrent use.
type Claims struct {
	config ClaimsConfig
	feed   *feed.Claims
	digest string    // of the first bytes, the name and the size
	whole  hash.Hash // SHA-256 of what was read
	read   *readCounter
	size   int64
	batch  batch
}

// OpenClaims reads the beginning of a file. Its error is eob.ErrVersion, wrapped,
// if the version of the claims was not given and the file does not show it.
func OpenClaims(r io.Reader, c ClaimsConfig) (*Claims, error) {
	source, digest, size, err := fingerprint(r, c.Name)
	if err != nil {
		return nil, err
	}
	i := &Claims{config: c, digest: digest, size: size, whole: sha256.New()}
	i.read = &readCounter{r: io.TeeReader(source, i.whole)}
	if i.feed, err = feed.OpenClaimsWithin(i.read, c.Version, cmp.Or(c.MaxInflation, feed.DefaultInflation)); err != nil {
		return nil, notImported(err)
	}
	return i, nil
}

// Version is the FHIR version of the claims.
func (i *Claims) Version() fhir.Version { return i.feed.Version() }

// Size is the size of the file in bytes, or -1 if it is not known.
func (i *Claims) Size() int64 { return i.size }

// Check reads and counts all claims and stores nothing.
func (i *Claims) Check(ctx context.Context) (*ClaimsReport, error) {
	if err := i.each(ctx, 0, i.add); err != nil {
		return nil, notImported(err)
	}
	return &i.batch.report, nil
}

// Store stores the claims and publishes them. If it is interrupted, it resumes when
// it is given the same file again. Of a file that ends within a claim nothing is
// stored. The error is *store.LoadInProgressError, wrapped, if an import of another
// file has not ended.
func (i *Claims) Store(ctx context.Context, db *store.DB) (*ClaimsReport, error) {
	if i.config.Abandon {
		if _, err := db.AbandonLoad(ctx); err != nil {
			return nil, err
		}
	}
	if err := db.EnsureAllowList(ctx); err != nil {
		return nil, err
	}
	load, err := db.BeginLoad(ctx, i.config.Name, i.digest, i.Version())
	if err != nil {
		return nil, err
	}
	began := audit.Entry{Event: audit.ImportBegan, Detail: fmt.Sprintf("claims of %s from line %d of %s", i.Version().Name(), load.Line+1, load.Source)}
	if err := db.Record(ctx, began); err != nil {
		return nil, err
	}
	if err := i.resume(db, load); err != nil {
		return nil, err
	}
	if err := i.each(ctx, load.Position, func(b *feed.Batch) error { return i.take(ctx, b) }); err != nil {
		return nil, i.giveUp(ctx, db, err)
	}
	if err := i.batch.flush(ctx); err != nil {
		return nil, err
	}
	ended := audit.Entry{Event: audit.ImportEnded, Detail: fmt.Sprintf("claims of %s from %s, SHA-256 %x: %s",
		i.Version().Name(), load.Source, i.whole.Sum(nil), i.batch.report.auditText())}
	return &i.batch.report, db.Publish(ctx, load, ended)
}

// resume goes back to where an interrupted import was, or to the beginning.
func (i *Claims) resume(db *store.DB, load *store.Load) (err error) {
	if i.batch.merger, err = db.NewMerger(load); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(load.Report), &i.batch.report); err != nil {
		return fmt.Errorf("read the report of the import so far: %w", err)
	}
	return nil
}

// giveUp ends an import that failed. Of a file that was cut, or inflates too much,
// nothing is kept. Any
// other import can be resumed.
func (i *Claims) giveUp(ctx context.Context, db *store.DB, err error) error {
	if !spoiled(err) {
		return err
	}
	if _, e := db.AbandonLoad(ctx); e != nil {
		return errors.Join(err, e)
	}
	return notImported(err)
}

// notImported adds to the error for a file of which nothing is kept what that means.
func notImported(err error) error {
	if spoiled(err) {
		return fmt.Errorf("%w; nothing was imported", err)
	}
	return err
}

// spoiled tells whether an error is that of a file of which nothing is kept.
func spoiled(err error) bool {
	var cut *feed.CutError
	var inflates *feed.InflationError
	return errors.As(err, &cut) || errors.As(err, &inflates)
}

// each calls take with the claims after a position, batch by batch.
func (i *Claims) each(ctx context.Context, position int64, take func(*feed.Batch) error) (err error) {
	rejects, err := i.config.Rejects(position > 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rejects.Close()) }()
	if i.batch.rejects, err = i.listed(rejects); err != nil {
		return err
	}
	if err := i.feed.Each(ctx, runtime.GOMAXPROCS(0), position, take); err != nil {
		return err
	}
	return i.batch.rejects.End()
}

// listed continues a file of rejects where an interrupted import was.
func (i *Claims) listed(w io.Writer) (*feed.Rejects, error) {
	bytes := int64(0)
	if f, ok := w.(interface{ Stat() (fs.FileInfo, error) }); ok {
		info, err := f.Stat()
		if err != nil {
			return nil, fmt.Errorf("look at the rejects: %w", err)
		}
		if info.Mode().IsRegular() {
			bytes = info.Size()
		}
	}
	r := &i.batch.report
	return feed.NewRejects(w, r.Invalid+r.OtherSource-r.Unlisted, bytes, r.Unlisted), nil
}

// add counts and gathers the claims of a batch.
func (i *Claims) add(b *feed.Batch) error {
	if err := i.batch.add(b); err != nil {
		return err
	}
	if i.config.Progress != nil {
		i.config.Progress(i.read.n.Load())
	}
	return nil
}

// take adds a batch, and stores what was gathered when it is enough for a
// transaction.
func (i *Claims) take(ctx context.Context, b *feed.Batch) error {
	if err := i.add(b); err != nil {
		return err
	}
	if i.batch.bytes < mergeBytes {
		return nil
	}
	return i.batch.flush(ctx)
}

// readCounter counts the bytes that are read through it.
type readCounter struct {
	r io.Reader
	n atomic.Int64
}

func (c *readCounter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}
