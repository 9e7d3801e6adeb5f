package synth

import (
	"context"
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

// Write offers the person's claims to sink in the order of their months and
// slots: every claim that starts by the day of q.Selection.Until (UTC), also
// those outside enrolment and those not yet loaded, which sink refuses. The
// MBIs written are those of q.Selection.Enrollee.
func (s *Source) Write(ctx context.Context, q export.Query, sink export.Sink) error {
	index, err := s.indexOf(q.Selection.Enrollee.ID)
	if err != nil {
		return err
	}
	write, err := writerOf(q.Version)
	if err != nil {
		return err
	}
	d := s.desks.Get().(*desk)
	defer s.desks.Put(d)
	s.person(&d.person, index)
	d.writeMBIs(q.Selection.Enrollee.MBIs)
	until := coverage.Date(q.Selection.Until.Unix() / 86_400)
	first := firstMonth.First()
	for month := firstMonth; first <= until && month < firstMonth+monthsHeld; month++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("writing synthetic claims of enrollee %d: %w", d.person.id, err)
		}
		next := (month + 1).First()
		if err := d.month(month, first, next, until, write, sink); err != nil {
			return fmt.Errorf("writing synthetic claims of enrollee %d: %w", d.person.id, err)
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
		return 0, fmt.Errorf("enrollee %d is not of the synthetic source", id)
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
