package synth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/eobjson"
)

// desk is the space in which one person's claims are made. It is reused.
type desk struct {
	claims     claimgen.Generator
	line       eobjson.Buffer
	minimized  []byte
	minimizers [fhir.V2 + 1]*eob.Minimizer
}

// reader makes the claims of one enrollee after another.
type reader struct {
	source  *Source
	version fhir.Version
	format  eobjson.Format
	asOf    int64 // of the snapshot, in milliseconds since 1970
	desk    *desk
}

// Open returns a reader of the claims of all enrollees, as of the snapshot.
func (s *Source) Open(_ context.Context, q export.Query) (export.Reader, error) {
	format, err := eobjson.FormatOf(q.Version)
	if err != nil {
		return nil, err
	}
	r := &reader{source: s, version: q.Version, format: format}
	if q.Snapshot != "" {
		at, err := s.snapshotAt(q.Snapshot)
		if err != nil {
			return nil, err
		}
		r.asOf = at.UnixMilli()
	}
	r.desk = s.desks.Get().(*desk)
	return r, nil
}

// Withdrawn returns nothing: no claim is ever withdrawn.
func (*Source) Withdrawn(context.Context, export.Query, time.Time, time.Time) ([]export.Withdrawal, error) {
	return nil, nil
}

// Arrived returns nobody: a synthetic claim is here from the moment of its
// lastUpdated on.
func (*Source) Arrived(context.Context, export.Query, string) (map[coverage.EnrolleeID]time.Time, error) {
	return nil, nil
}

// ReadUpTo returns zero: there is no upstream server.
func (*Source) ReadUpTo(context.Context, fhir.Version, string) (time.Time, error) {
	return time.Time{}, nil
}

// Close gives the space back for another reader.
func (r *reader) Close() error {
	r.source.desks.Put(r.desk)
	return nil
}

// Write offers the person's claims to sink in the order of their months, slots
// and versions: all that are in the database as of the snapshot, or as of
// sel.Until if that is later, because the clocks of machines differ. Claims that
// must never be delivered are offered too, and sink rejects them. The MBIs
// written are those of sel.Enrollee. In version 3 of the API they are the newest
// version of each claim, and only the current MBI is written.
func (r *reader) Write(ctx context.Context, sel *coverage.Selection, sink export.Sink) error {
	index, ok := r.source.population.IndexOf(sel.Enrollee.ID)
	if !ok {
		return errors.New("the enrollee does not belong to the synthetic source")
	}
	d := r.desk
	d.claims.Begin(r.source.population, index)
	if sel.NothingUpTo(sel.Since) {
		d.claims.After(sel.Since.UnixMilli())
	}
	mbis := sel.Enrollee.MBIs
	if r.version == fhir.V3 {
		mbis = mbis[:min(1, len(mbis))]
	}
	d.line.SetMBIs(mbis)
	err := d.each(ctx, r.version, max(r.asOf, sel.Until.UnixMilli()), func(c *claimgen.Claim) error {
		if r.version == fhir.V3 {
			return r.offerV3(c, sink)
		}
		if c.Nature != claimgen.Ordinary {
			return r.offerRaw(c, sel.Enrollee.MBIs, sink)
		}
		if !sink.Wants(&c.Claim) {
			return nil
		}
		c.Detail(&d.claims.Person)
		return sink.Line(d.line.Delivered(r.format, c))
	})
	if err != nil {
		return fmt.Errorf("make synthetic claims: %w", err)
	}
	return nil
}

// each calls f for the claims that a version of the API has at a moment.
func (d *desk) each(ctx context.Context, v fhir.Version, asOf int64, f func(*claimgen.Claim) error) error {
	if v == fhir.V3 {
		return d.claims.EachNewest(ctx, asOf, f)
	}
	return d.claims.Each(ctx, asOf, f)
}

// offerV3 offers a claim of version 3. What is wrong with a claim that must never be
// delivered is in its facts. An export never reads claims of the shared systems.
func (r *reader) offerV3(c *claimgen.Claim, sink export.Sink) error {
	if c.Nature == claimgen.SharedSystem {
		return nil
	}
	c.PartD, c.Part2 = c.Nature == claimgen.PartD, c.Nature == claimgen.SubstanceUse
	if !sink.Wants(&c.Claim) {
		return nil
	}
	c.Detail(&r.desk.claims.Person)
	return sink.Line(r.desk.line.Delivered(r.format, c))
}

// offerRaw offers a claim that must never be delivered in the same way as an
// imported claim: it is written raw and read by package eob. So package eob
// finds out what is wrong with it, and the rules of package coverage reject it.
func (r *reader) offerRaw(c *claimgen.Claim, mbis []coverage.MBI, sink export.Sink) error {
	d := r.desk
	if d.minimizers[r.version] == nil {
		d.minimizers[r.version] = eob.New(r.version)
	}
	minimized, err := d.minimizers[r.version].Minimize(d.raw(c, r.format))
	if err != nil {
		return err
	}
	if !sink.Wants(&minimized.Claim) {
		return nil
	}
	d.minimized = append(minimized.AppendWithMBIs(d.minimized[:0], mbis), '\n')
	return sink.Line(d.minimized)
}

// raw writes a claim as an upstream stores it: with everything that a sponsor
// may not see, and without MBIs. The line is valid until the next one.
func (d *desk) raw(c *claimgen.Claim, f eobjson.Format) []byte {
	c.Detail(&d.claims.Person)
	return d.line.Raw(f, c)
}
