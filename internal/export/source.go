package export

import (
	"context"
	"errors"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// ErrNoContract says that a contract number is not known.
var ErrNoContract = errors.New("no such contract")

// Roster knows the contracts and who is enrolled in them. Its methods are
// safe for concurrent use and may be repeated.
type Roster interface {
	// Contract finds a contract by its number; ErrNoContract when absent.
	Contract(ctx context.Context, number string) (coverage.Contract, error)

	// Snapshot names the contract's enrolment as it stands now. What a
	// snapshot holds never changes while a job needs it: the same name gives
	// the same enrollees however often and on whatever machine it is read.
	Snapshot(ctx context.Context, contract string) (string, error)

	// Enrollees lists up to limit enrollees of a snapshot with from <= id, in
	// ascending order of id. Fewer than limit means that there are no more.
	// Opt-outs are as of now, not of the snapshot.
	Enrollees(ctx context.Context, contract, snapshot string, from coverage.EnrolleeID, limit int) ([]coverage.Enrollee, error)
}

// Claims is where the claims come from. Safe for concurrent use.
type Claims interface {
	// Write offers every claim of the enrollee in q to sink, in an order that
	// is always the same, and writes those that sink wants. Claims come out
	// minimised (only the fields a sponsor may see), with the enrollee's MBI
	// extensions, and as one line each. An error means that the enrollee's
	// claims are incomplete: nothing of what was written may be used. It may
	// be repeated.
	Write(ctx context.Context, q Query, sink Sink) error
}

// Query asks for one enrollee's claims.
type Query struct {
	Version fhir.Version
	// Selection says what the sink will want. A source may use it to leave
	// out early what cannot be wanted, but the sink's word decides.
	Selection *coverage.Selection
}

// Sink takes the claims of one enrollee. Not safe for concurrent use.
type Sink interface {
	// Wants decides on a claim by its facts and counts the verdict. It must
	// be called once for each claim.
	Wants(c *coverage.Claim) bool
	// Line writes a wanted claim: one line of JSON with its newline. The
	// bytes are not kept after the call.
	Line(line []byte) error
}
