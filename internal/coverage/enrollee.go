package coverage

import "log/slog"

// EnrolleeID is the numeric id of a beneficiary, as claims carry it in
// patient.reference. Synthetic ids are negative.
type EnrolleeID int64

// MBI is a Medicare Beneficiary Identifier: 11 characters. It identifies a
// person and must never reach a log or an error text, so it prints masked.
type MBI string

// String masks the identifier.
func (MBI) String() string { return "MBI(masked)" }

// GoString masks the identifier.
func (MBI) GoString() string { return "MBI(masked)" }

// LogValue masks the identifier.
func (MBI) LogValue() slog.Value { return slog.StringValue("MBI(masked)") }

// Synthetic tells whether the identifier is a made-up one, as CMS makes them: its
// second character is S, which no real MBI has.
func (m MBI) Synthetic() bool { return len(m) > 1 && m[1] == 'S' }

// Enrollee is a beneficiary in one contract, as one enrollment snapshot knows
// the person.
type Enrollee struct {
	ID EnrolleeID
	// MBIs has the current identifier first, then historic ones. Empty: the
	// enrollee has no identifier and cannot be delivered.
	MBIs     []MBI
	Months   MonthSet // the calendar months of enrollment in the contract
	OptedOut bool     // the person does not want claims shared
	// PatientV3 is the person's number in the claims of version 3, which is not ID;
	// 0 if it is not known.
	PatientV3 EnrolleeID
}
