package store

import (
	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// Claims of versions 1 and 2 name a person by the enrollee's id and carry all of the
// person's identifiers. Claims of version 3 name a person by another number and
// carry the current identifier only. What differs is here.

// storedUnder is the column of enrollment e with the number under which the claims
// of a version are stored.
func storedUnder(v fhir.Version) string {
	if v == fhir.V3 {
		return "e.patient_v3"
	}
	return "e.enrollee"
}

// storedMBIs is what the column mbis of a segment of the version should hold,
// written with the columns of enrollment e. An identifier has 11 characters and two
// quotes.
func storedMBIs(v fhir.Version) string {
	if v == fhir.V3 {
		return "case when e.mbis = '[]' then e.mbis else '[' || substr(e.mbis, 2, 13) || ']' end"
	}
	return "e.mbis"
}

// writtenMBIs are the identifiers that the claims of an enrollee carry.
func writtenMBIs(v fhir.Version, e *coverage.Enrollee) []coverage.MBI {
	if v == fhir.V3 && len(e.MBIs) > 1 {
		return e.MBIs[:1]
	}
	return e.MBIs
}
