package synth

import (
	"context"
	"errors"
	"fmt"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// desk is where one person's claims are made: space that is used again.
type desk struct {
	person     person
	claim      claim
	episode    episode
	line       buffer
	mbis       buffer // the enrollee's MBI extensions, the same on every claim
	minimisers [fhir.V2 + 1]*eob.Minimiser
}

// reader makes one enrollee's claims after the other.
type reader struct {
	source  *Source
	version fhir.Version
	write   writer
	asOf    int64 // of the snapshot, milliseconds since 1970
	desk    *desk
}

// Open readies the claims of any enrollees, as of the snapshot.
func (s *Source) Open(_ context.Context, q export.Query) (export.Reader, error) {
	write, err := writerOf(q.Version)
	if err != nil {
		return nil, err
	}
	r := &reader{source: s, version: q.Version, write: write}
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

// Close keeps the space for another reader.
func (r *reader) Close() error {
	r.source.desks.Put(r.desk)
	return nil
}

// Write offers the person's claims to sink in the order of their months, slots
// and versions: all that are in the database as of the snapshot, or as of
// sel.Until where that is later, since clocks of machines differ. Those that
// must never leave are offered too, and sink refuses them. The MBIs written
// are those of sel.Enrollee.
func (r *reader) Write(ctx context.Context, sel *coverage.Selection, sink export.Sink) error {
	index, err := r.source.indexOf(sel.Enrollee.ID)
	if err != nil {
		return err
	}
	d := r.desk
	r.source.person(&d.person, index)
	d.writeMBIs(sel.Enrollee.MBIs)
	err = d.each(ctx, max(r.asOf, sel.Until.UnixMilli()), func(c *claim) error {
		if c.nature != ordinary {
			return r.offerRaw(c, sel.Enrollee.MBIs, sink)
		}
		if !sink.Wants(&c.Claim) {
			return nil
		}
		c.detail(&d.person)
		d.line.b = d.line.b[:0]
		r.write(&d.line, c, d.mbis.b)
		return sink.Line(d.line.b)
	})
	if err != nil {
		return fmt.Errorf("making synthetic claims: %w", err)
	}
	return nil
}

// offerRaw offers a claim of which something is the matter in the way that an
// imported one goes: written raw, and read by eob. So it is eob that finds out
// what it is, and the rules of coverage that refuse it.
func (r *reader) offerRaw(c *claim, mbis []coverage.MBI, sink export.Sink) error {
	d := r.desk
	if d.minimisers[r.version] == nil {
		d.minimisers[r.version] = eob.New(r.version)
	}
	reduced, err := d.minimisers[r.version].Minimise(d.raw(c, r.write))
	if err != nil {
		return err
	}
	if !sink.Wants(&reduced.Claim) {
		return nil
	}
	d.line.b = append(reduced.AppendWithMBIs(d.line.b[:0], mbis), '\n')
	return sink.Line(d.line.b)
}

// raw writes a claim as an upstream holds it: with everything that a sponsor
// may not see, and without MBIs.
func (d *desk) raw(c *claim, write writer) []byte {
	c.detail(&d.person)
	d.line.b, d.line.raw = d.line.b[:0], true
	write(&d.line, c, nil)
	d.line.raw = false
	return d.line.b
}

// each calls f for every version of every claim of the person at the desk that
// is in the database at a moment, in milliseconds since 1970. The claim is
// valid during the call only.
func (d *desk) each(ctx context.Context, asOf int64, f func(*claim) error) error {
	last := min(coverage.Date(asOf/dayMillis), d.person.life.death)
	first := firstMonth.First()
	for month := firstMonth; first <= last && month < firstMonth+monthsHeld; month++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		next := (month + 1).First()
		if err := d.month(month, first, next, asOf, f); err != nil {
			return err
		}
		first = next
	}
	return nil
}

// month does so with the claims of a month: everyday care, the episode that
// begins in it, and hospice care.
func (d *desk) month(month coverage.Month, first, next coverage.Date, asOf int64, f func(*claim) error) error {
	c, p, days := &d.claim, &d.person, int(next-first)
	for slot, set := 0, p.occupied(month); set != 0; slot, set = slot+1, set>>1 {
		if set&1 == 0 {
			continue
		}
		p.drawFacts(c, month, first, days, slot)
		if err := d.versions(asOf, f); err != nil {
			return err
		}
	}
	d.episode.draw(p, month, first, days)
	for i, s := range d.episode.steps.items() {
		p.stepFacts(c, month, careSlots+i, d.episode.stay, s)
		if err := d.versions(asOf, f); err != nil {
			return err
		}
	}
	if s, in := p.life.hospiceIn(first, next-1); in {
		p.stepFacts(c, month, hospiceSlot, nil, s)
		return d.versions(asOf, f)
	}
	return nil
}

// versions does so with the versions of one claim.
func (d *desk) versions(asOf int64, f func(*claim) error) error {
	c, death := &d.claim, d.person.life.death
	start, end := c.Start, c.End
	if start > death {
		return nil
	}
	for v := range c.history.versions {
		if !c.asOf(v, asOf, start, end, death) {
			return nil
		}
		if err := f(c); err != nil {
			return err
		}
	}
	return nil
}

// indexOf finds the person of an id.
func (s *Source) indexOf(id coverage.EnrolleeID) (int, error) {
	if id > firstID || id <= firstID-coverage.EnrolleeID(s.people) {
		return 0, errors.New("the enrollee is not of the synthetic source")
	}
	return int(firstID - id), nil
}

// writer writes a claim as one line with its newline. mbis are the MBI
// extensions, each with a comma after it.
type writer func(w *buffer, c *claim, mbis []byte)

func writerOf(v fhir.Version) (writer, error) {
	switch v {
	case fhir.V1:
		return writeSTU3, nil
	case fhir.V2:
		return writeR4, nil
	}
	return nil, fmt.Errorf("synthetic claims have no API version %s", v)
}

// writeMBIs writes the extensions that AB2D appends to every claim, the
// current MBI first. They are the same in both versions.
func (d *desk) writeMBIs(mbis []coverage.MBI) {
	w := &d.mbis
	w.b = w.b[:0]
	for i, m := range mbis {
		currency := "current"
		if i > 0 {
			currency = "historic"
		}
		w.text(`{"url":"http://hl7.org/fhir/StructureDefinition/elementdefinition-identifier","valueIdentifier":{"extension":[{"url":"`+
			bluebutton+`codesystem/identifier-currency","valueCoding":{"code":"`, currency,
			`"}}],"system":"http://hl7.org/fhir/sid/us-mbi","value":"`, string(m), `"}},`)
	}
}
