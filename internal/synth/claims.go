package synth

import (
	"context"
	"errors"
	"fmt"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// desk is where one enrollee's claims are made: space that is used again.
type desk struct {
	person person
	claim  claim
	line   buffer
	mbis   buffer // the enrollee's MBI extensions, the same on every claim
}

// reader makes one enrollee's claims after the other.
type reader struct {
	source *Source
	write  writer
	desk   *desk
}

// Open readies the claims of any enrollees.
func (s *Source) Open(_ context.Context, q export.Query) (export.Reader, error) {
	write, err := writerOf(q.Version)
	if err != nil {
		return nil, err
	}
	return &reader{source: s, write: write, desk: s.desks.Get().(*desk)}, nil
}

// Close keeps the space for another reader.
func (r *reader) Close() error {
	r.source.desks.Put(r.desk)
	return nil
}

// Write offers the person's claims to sink in the order of their months and
// slots: every claim that starts by the day of sel.Until (UTC), also those
// outside enrolment and those not yet loaded, which sink refuses. The MBIs
// written are those of sel.Enrollee.
func (r *reader) Write(ctx context.Context, sel *coverage.Selection, sink export.Sink) error {
	index, err := r.source.indexOf(sel.Enrollee.ID)
	if err != nil {
		return err
	}
	d := r.desk
	r.source.person(&d.person, index)
	d.writeMBIs(sel.Enrollee.MBIs)
	until := coverage.Date(sel.Until.Unix() / 86_400)
	first := firstMonth.First()
	for month := firstMonth; first <= until && month < firstMonth+monthsHeld; month++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("making synthetic claims: %w", err)
		}
		next := (month + 1).First()
		if err := d.month(month, first, next, until, r.write, sink); err != nil {
			return fmt.Errorf("making synthetic claims: %w", err)
		}
		first = next
	}
	return nil
}

// month offers the claims that start from first to before next, and not
// after until.
func (d *desk) month(month coverage.Month, first, next, until coverage.Date, write writer, sink export.Sink) error {
	c := &d.claim
	for slot, set := 0, d.person.occupied(month); set != 0; slot, set = slot+1, set>>1 {
		if set&1 == 0 {
			continue
		}
		d.person.drawFacts(c, month, first, int(next-first), slot)
		if c.Start > until || !sink.Wants(&c.Claim) {
			continue
		}
		c.detail(&d.person)
		d.line.b = d.line.b[:0]
		write(&d.line, c, d.mbis.b)
		if err := sink.Line(d.line.b); err != nil {
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
