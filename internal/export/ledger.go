package export

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"ab2d/internal/coverage"
)

// Outcome is how an enrollee ended in a job. Each enrollee of a job's
// snapshot ends with exactly one.
type Outcome uint8

// The outcomes.
const (
	Delivered    Outcome = iota + 1 // at least one claim
	NoClaims                        // none that the job asks for
	OptedOut                        // does not share claims
	NoIdentifier                    // has no MBI
	NotRead                         // the claims could not be read
)

// String names the outcome for a report.
func (o Outcome) String() string {
	switch o {
	case Delivered:
		return "delivered"
	case NoClaims:
		return "no claims"
	case OptedOut:
		return "opted out"
	case NoIdentifier:
		return "no identifier"
	case NotRead:
		return "not read"
	}
	return "unknown outcome"
}

// Entry is one enrollee's line in the ledger.
type Entry struct {
	Enrollee coverage.EnrolleeID
	Outcome  Outcome
	Claims   int64
	Reason   string // of NotRead; without identifiers
}

// Totals sums a ledger up.
type Totals struct {
	Delivered    int64 `json:"delivered"`
	NoClaims     int64 `json:"noClaims"`
	OptedOut     int64 `json:"optedOut"`
	NoIdentifier int64 `json:"noIdentifier"`
	NotRead      int64 `json:"notRead"`
	Claims       int64 `json:"claims"` // delivered claims
	// LeftOut counts the claims that were offered and not delivered, by
	// coverage.Verdict.
	LeftOut [coverage.VerdictCount]int64 `json:"leftOut"`
}

// NoDates counts claims that were left out because a billable period or
// lastUpdated is missing: a fault of the source that someone should see.
func (t Totals) NoDates() int64 {
	return t.LeftOut[coverage.NoBillablePeriod] + t.LeftOut[coverage.NoLastUpdated]
}

// Enrollees is the number of enrollees that have an outcome.
func (t Totals) Enrollees() int64 {
	return t.Delivered + t.NoClaims + t.OptedOut + t.NoIdentifier + t.NotRead
}

// Add adds the totals of another part.
func (t *Totals) Add(o Totals) {
	t.Delivered += o.Delivered
	t.NoClaims += o.NoClaims
	t.OptedOut += o.OptedOut
	t.NoIdentifier += o.NoIdentifier
	t.NotRead += o.NotRead
	t.Claims += o.Claims
	for v, n := range o.LeftOut {
		t.LeftOut[v] += n
	}
}

// Ledger holds the outcomes of one part's enrollees: per enrollee the
// difference to the id before, the outcome, the number of claims, and for
// NotRead the length and text of the reason, numbers as varints. A part of
// 500 enrollees takes about 2 KB, where a row for each would take 50.
type Ledger struct {
	Bytes  []byte
	Totals Totals
	last   coverage.EnrolleeID
}

// Record adds an enrollee.
func (l *Ledger) Record(e Entry) {
	l.Bytes = binary.AppendVarint(l.Bytes, int64(e.Enrollee-l.last))
	l.last = e.Enrollee
	l.Bytes = append(l.Bytes, byte(e.Outcome))
	l.Bytes = binary.AppendUvarint(l.Bytes, uint64(e.Claims))
	if e.Outcome == NotRead {
		l.Bytes = binary.AppendUvarint(l.Bytes, uint64(len(e.Reason)))
		l.Bytes = append(l.Bytes, e.Reason...)
	}
	l.count(e)
}

// count adds an enrollee to the totals.
func (l *Ledger) count(e Entry) {
	switch e.Outcome {
	case Delivered:
		l.Totals.Delivered++
	case NoClaims:
		l.Totals.NoClaims++
	case OptedOut:
		l.Totals.OptedOut++
	case NoIdentifier:
		l.Totals.NoIdentifier++
	case NotRead:
		l.Totals.NotRead++
	}
	l.Totals.Claims += e.Claims
}

var errLedger = errors.New("the ledger's bytes are damaged")

// Entries reads the bytes of a ledger. A damaged one ends with an error.
func Entries(b []byte) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var last coverage.EnrolleeID
		for len(b) > 0 {
			e, rest, err := readEntry(b, last)
			if !yield(e, err) || err != nil {
				return
			}
			b, last = rest, e.Enrollee
		}
	}
}

func readEntry(b []byte, last coverage.EnrolleeID) (Entry, []byte, error) {
	delta, n := binary.Varint(b)
	if n <= 0 || len(b) <= n {
		return Entry{}, nil, errLedger
	}
	e := Entry{Enrollee: last + coverage.EnrolleeID(delta), Outcome: Outcome(b[n])}
	b = b[n+1:]
	claims, n := binary.Uvarint(b)
	if n <= 0 || e.Outcome < Delivered || e.Outcome > NotRead {
		return Entry{}, nil, fmt.Errorf("%w at an outcome of %d", errLedger, e.Outcome)
	}
	e.Claims, b = int64(claims), b[n:]
	if e.Outcome == NotRead {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return Entry{}, nil, errLedger
		}
		e.Reason, b = string(b[n:n+int(size)]), b[n+int(size):]
	}
	return e, b, nil
}
