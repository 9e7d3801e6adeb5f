package eobjson

import (
	"fmt"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/claimgen"
)

// Format writes a claim as one line with its newline. mbis are the MBI
// extensions, each with a comma after it.
type Format func(w *Buffer, c *claimgen.Claim, mbis []byte)

// FormatOf returns the format of an API version.
func FormatOf(v fhir.Version) (Format, error) {
	switch v {
	case fhir.V1:
		return writeSTU3, nil
	case fhir.V2:
		return writeR4, nil
	case fhir.V3:
		return writeV3, nil
	}
	return nil, fmt.Errorf("synthetic claims have no API version %s", v)
}

// Delivered writes a detailed claim as a sponsor receives it, with the MBIs that
// were set. The line is valid until the next one is written.
func (w *Buffer) Delivered(f Format, c *claimgen.Claim) []byte {
	w.b, w.withheld = w.b[:0], false
	f(w, c, w.mbis)
	return w.b
}

// Raw writes a detailed claim as an upstream stores it: with everything that
// a sponsor may not see, and without MBIs. The line is valid until the next one
// is written.
func (w *Buffer) Raw(f Format, c *claimgen.Claim) []byte {
	w.b, w.withheld = w.b[:0], true
	f(w, c, nil)
	return w.b
}

// SetMBIs sets the extensions that AB2D appends to every claim of an enrollee,
// the current MBI first. Each is the same in all versions.
func (w *Buffer) SetMBIs(mbis []coverage.MBI) {
	line := w.b
	w.b = w.mbis[:0]
	for i, m := range mbis {
		currency := "current"
		if i > 0 {
			currency = "historic"
		}
		w.text(`{"url":"http://hl7.org/fhir/StructureDefinition/elementdefinition-identifier","valueIdentifier":{"extension":[{"url":"`+
			bluebutton+`codesystem/identifier-currency","valueCoding":{"code":"`, currency,
			`"}}],"system":"http://hl7.org/fhir/sid/us-mbi","value":"`, string(m), `"}},`)
	}
	w.mbis, w.b = w.b, line
}
