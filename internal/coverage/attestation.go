package coverage

import "time"

// AttestationKind says what happened to the attestation of a contract.
type AttestationKind string

// What can happen to an attestation.
const (
	AttestationGiven     AttestationKind = "attested"  // the sponsor accepted the terms, or the date of that was changed
	AttestationWithdrawn AttestationKind = "withdrawn" // an operator or a file removed it
	AttestationLapsed    AttestationKind = "lapsed"    // HPMS says that there is none any more
)

// AttestationSource says where an event of an attestation came from.
type AttestationSource string

// The sources.
const (
	FromOperator  AttestationSource = "operator"
	FromFile      AttestationSource = "file" // of contracts, in CSV
	FromHPMS      AttestationSource = "hpms"
	FromMigration AttestationSource = "migration" // stored by a release that had no history
)

// AttestationEvent is one entry of the history of a contract's attestation. The
// history is in the order in which the events were recorded.
type AttestationEvent struct {
	Kind AttestationKind
	// Effective is the day on which it took effect. Of AttestationGiven it is the day
	// of the attestation, from which claims count.
	Effective Date
	Source    AttestationSource
	Actor     string    // who recorded it, as in the audit log; empty if that is not known
	Recorded  time.Time // when it was recorded
}

// Attestation gives the day from which claims count after a history, and whether the
// contract is attested at all. The last event alone decides, as in AB2D: a lapse
// removes the attestation with its day, and the day of a return is the one that comes
// with it. An earlier day is not remembered.
func Attestation(history []AttestationEvent) (day Date, attested bool) {
	if len(history) == 0 {
		return 0, false
	}
	last := history[len(history)-1]
	if last.Kind != AttestationGiven {
		return 0, false
	}
	return last.Effective, true
}

// Statement is what HPMS says about the attestation of a contract.
type Statement struct {
	Known    bool // false: HPMS says nothing, which is no lapse
	Attested bool
	Day      Date // of the attestation, or on which it ended
}

// StatementEffect says what a statement of HPMS changes.
type StatementEffect uint8

// The effects of a statement.
const (
	AttestationStays   StatementEffect = iota
	AttestationFirst                   // the contract is attested for the first time
	AttestationMoves                   // the day is another one
	AttestationLapses                  // the contract is not attested any more
	AttestationReturns                 // the contract is attested again
	// AttestationHeld is a return that does not happen: an operator withdrew the
	// attestation, and only an operator gives it again.
	AttestationHeld
)

// Effect tells what a statement of HPMS changes for a contract with a last event, which
// is nil for one without history.
func (s Statement) Effect(last *AttestationEvent) StatementEffect {
	given := last != nil && last.Kind == AttestationGiven
	switch {
	case !s.Known, !s.Attested && !given, s.Attested && given && last.Effective == s.Day:
		return AttestationStays
	case !s.Attested:
		return AttestationLapses
	case given:
		return AttestationMoves
	case last == nil:
		return AttestationFirst
	case last.Kind == AttestationWithdrawn && last.Source == FromOperator:
		return AttestationHeld
	}
	return AttestationReturns
}
