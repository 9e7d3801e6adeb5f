package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"ab2d/internal/eob"
	"ab2d/internal/fhir"
)

// Claim is a raw claim and what became of it.
type Claim struct {
	Line  int64
	Fault *LineError // not accepted; the rest is then empty
	// Claim is minimized. Its slices are valid as long as the batch.
	eob.Claim
}

// Batch is a run of a source's claims, in order.
type Batch struct {
	Claims   []Claim
	Position int64 // how many claims of the source come up to the end of the batch
	Bytes    int64 // of their raw form

	raw   []byte // of all claims, one after another
	ends  []int  // in raw
	arena []byte // holds what Claims point to
	done  chan struct{}
}

// A batch ends at whichever comes first.
const (
	// batchBytes is about how much raw JSON a batch has.
	batchBytes = 1 << 20
	// mostInBatch bounds the claims of a batch, because a faulty one can have no
	// bytes and is still counted. Batches of real claims, which have some kilobytes,
	// end by their bytes.
	mostInBatch = 8192
)

// Claims is a source of raw claims.
type Claims struct {
	split   splitter
	version fhir.Version
	given   bool   // the version, by the caller
	ahead   *Batch // read to find the version
}

// OpenClaims looks at a source: NDJSON, a Bundle, or single resources, plain or
// gzipped. The version of its claims is the one given, or if that is 0 that of
// the first readable claim; eob.ErrVersion when it does not show. A claim of
// another version is a fault of its line.
func OpenClaims(r io.Reader, v fhir.Version) (*Claims, error) {
	return OpenClaimsWithin(r, v, DefaultInflation)
}

// OpenClaimsWithin is OpenClaims with another bound than DefaultInflation. Beyond it the
// error is an *InflationError, here or of Each.
func OpenClaimsWithin(r io.Reader, v fhir.Version, inflation int) (*Claims, error) {
	split, err := newSplitter(r, inflation)
	if err != nil {
		return nil, err
	}
	c := &Claims{split: split, version: v, given: v != 0}
	if v != 0 {
		return c, nil
	}
	c.ahead, err = c.read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	c.version, err = c.ahead.version()
	return c, err
}

// Version of the claims.
func (c *Claims) Version() fhir.Version { return c.version }

// ErrNotClaims says that the beginning of a file has nothing that could be a claim.
var ErrNotClaims = errors.New("the file has no claims: its first lines are not JSON. " +
	"Claims are ExplanationOfBenefit resources as NDJSON, a Bundle or single resources, plain or gzipped")

// hasObject tells whether anything in the batch is a JSON object.
func (b *Batch) hasObject() bool {
	from := 0
	for i, end := range b.ends {
		if raw := bytes.TrimSpace(b.raw[from:end]); b.Claims[i].Fault == nil && len(raw) > 0 && raw[0] == '{' {
			return true
		}
		from = end
	}
	return false
}

// version is that of the first claim that shows it.
func (b *Batch) version() (fhir.Version, error) {
	from := 0
	for i, end := range b.ends {
		if b.Claims[i].Fault == nil {
			if v, err := eob.Detect(b.raw[from:end]); err == nil {
				return v, nil
			}
		}
		from = end
	}
	if len(b.ends) == 0 {
		return fhir.V2, nil // nothing is there, whatever the version
	}
	if !b.hasObject() {
		return 0, ErrNotClaims
	}
	return 0, eob.ErrVersion
}

// read reads the next batch. io.EOF comes with the last one.
func (c *Claims) read() (*Batch, error) {
	b := &Batch{done: make(chan struct{})}
	for len(b.raw) < batchBytes && len(b.Claims) < mostInBatch {
		from := len(b.raw)
		raw, line, err := c.split.next(b.raw)
		var fault *LineError
		if err != nil && !errors.As(err, &fault) {
			return b, err
		}
		b.raw = raw
		if fault != nil {
			b.raw = b.raw[:from]
		}
		b.ends = append(b.ends, len(b.raw))
		b.Claims = append(b.Claims, Claim{Line: line, Fault: fault})
	}
	return b, nil
}

// Each minimizes the claims after the first skip ones by some workers, and
// gives them to see in order, batch by batch. What is held at a time is bounded
// by bytes. It ends with the first error of see, of the source, or of ctx.
func (c *Claims) Each(ctx context.Context, workers int, skip int64, see func(*Batch) error) error {
	g, ctx := errgroup.WithContext(ctx)
	todo, order := make(chan *Batch), make(chan *Batch, 2*workers)
	g.Go(func() error {
		defer close(todo)
		defer close(order)
		return c.readAll(ctx, skip, todo, order)
	})
	for range workers {
		g.Go(func() error {
			m := eob.New(c.version)
			for b := range todo {
				b.minimize(m, c.version, c.given)
				close(b.done)
			}
			return nil
		})
	}
	g.Go(func() error {
		for b := range order {
			select {
			case <-b.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := see(b); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}

// readAll sends the batches to the workers, and in order to the consumer.
func (c *Claims) readAll(ctx context.Context, skip int64, todo, order chan<- *Batch) error {
	var position int64
	for {
		b, err := c.ahead, error(nil)
		if c.ahead = nil; b == nil {
			b, err = c.read()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read claims: %w", err)
		}
		position += int64(len(b.Claims))
		b.Position = position
		b.skip(max(0, int64(len(b.Claims))-(position-skip)))
		if len(b.Claims) > 0 {
			for _, to := range []chan<- *Batch{order, todo} {
				select {
				case to <- b:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
	}
}

// skip leaves out the first n claims.
func (b *Batch) skip(n int64) {
	n = min(n, int64(len(b.Claims)))
	if n == 0 {
		return
	}
	from := b.ends[n-1]
	b.raw = b.raw[from:]
	b.Claims, b.ends = b.Claims[n:], b.ends[n:]
	for i := range b.ends {
		b.ends[i] -= from
	}
}

// minimize minimizes the claims of a batch. given says that the version was not
// found, but given.
func (b *Batch) minimize(m *eob.Minimizer, v fhir.Version, given bool) {
	b.Bytes = int64(len(b.raw))
	b.arena = make([]byte, 0, len(b.raw)) // a minimized claim is never longer than it was
	from := 0
	for i, end := range b.ends {
		c, raw := &b.Claims[i], b.raw[from:end]
		from = end
		if c.Fault != nil {
			continue
		}
		claim, err := m.Minimize(raw)
		if err == nil && !claim.ShowsVersion && !given {
			err = unclear(raw, v)
		}
		if err != nil {
			c.Fault = &LineError{Line: c.Line, Reason: err.Error(), OtherSource: isOtherSource(err)}
			continue
		}
		c.Claim = *claim
		c.ID, c.Group, c.JSON = b.keep(claim.ID), b.keep(claim.Group), b.keep(claim.JSON)
	}
	b.raw, b.ends = nil, nil
}

// OneClaim minimizes a raw claim that does not come from a file. m must be of the
// claim's version. Nothing of the result belongs to m or raw.
func OneClaim(m *eob.Minimizer, raw []byte) *Claim {
	claim, err := m.Minimize(raw)
	if err != nil {
		return &Claim{Fault: &LineError{Reason: err.Error(), OtherSource: isOtherSource(err)}}
	}
	c := &Claim{Claim: *claim}
	c.ID, c.Group, c.JSON = bytes.Clone(c.ID), bytes.Clone(c.Group), bytes.Clone(c.JSON)
	return c
}

// isOtherSource tells a claim of a source that is not delivered from a bad one.
func isOtherSource(err error) bool {
	refused := (*eob.Error)(nil)
	return errors.As(err, &refused) && refused.OtherSource
}

// keep copies into the arena, or where there is no room left, elsewhere.
func (b *Batch) keep(s []byte) []byte {
	from := len(b.arena)
	if from+len(s) > cap(b.arena) {
		return bytes.Clone(s)
	}
	b.arena = append(b.arena, s...)
	return b.arena[from:len(b.arena):len(b.arena)]
}

// unclear looks closer at a claim whose type does not show its version. A version
// is not guessed: something of it must show, and nothing of the other.
func unclear(raw []byte, v fhir.Version) error {
	found, err := eob.Detect(raw)
	if err == nil && found != v {
		err = eob.ErrVersion
	}
	return err
}
