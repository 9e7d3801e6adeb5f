package export

import (
	"context"
	"errors"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
)

// Errors of a Roster.
var (
	// ErrNoContract says that a contract number is not known.
	ErrNoContract = errors.New("no such contract")
	// ErrNoSnapshot says that a snapshot is not kept any more.
	ErrNoSnapshot = errors.New("no such snapshot")
)

// Roster knows the contracts and who is enrolled in them. Its methods are
// safe for concurrent use and may be repeated.
type Roster interface {
	// Contract finds a contract by its number; ErrNoContract when absent.
	Contract(ctx context.Context, number string) (coverage.Contract, error)

	// Snapshot names the contract's enrollment, and the claims, as they stand
	// now. What a snapshot holds never changes while a job needs it: the same
	// name gives the same enrollees and claims however often and on whatever
	// machine it is read.
	Snapshot(ctx context.Context, contract string) (string, error)

	// Enrollees lists up to limit enrollees of a snapshot with from <= id, in
	// ascending order of id. Fewer than limit means that there are no more.
	// Opt-outs are as of now, not of the snapshot. ErrNoSnapshot when the
	// snapshot is not kept any more.
	Enrollees(ctx context.Context, contract, snapshot string, from coverage.EnrolleeID, limit int) ([]coverage.Enrollee, error)

	// Members gives those of the patients who are enrollees of a snapshot, in
	// ascending order of id. A patient is a number as the claims of the version
	// have it. Opt-outs are as of now. Numbers that nobody in the snapshot has are
	// left out. ErrNoSnapshot when the snapshot is not kept any more.
	Members(ctx context.Context, contract, snapshot string, v fhir.Version, patients []coverage.EnrolleeID) ([]coverage.Enrollee, error)
}

// Freshness says how fresh the data of a contract is. Zero: nothing to tell.
type Freshness struct {
	Enrollment  time.Time // when the enrollment in force was taken in
	Enrollees   int64     // that are in it
	LastLoad    time.Time // when claims were taken in last
	NewestClaim time.Time // lastUpdated of the newest claim that was, of any contract
	// UpstreamRead is the time up to which the claims of the upstream server have
	// been read, for a source that copies one; and Unread are the enrollees whose
	// claims could not be read the last time, or not yet.
	UpstreamRead time.Time
	Unread       int64
}

// Claims is where the claims come from. Safe for concurrent use.
type Claims interface {
	// Open readies the claims of a part's enrollees.
	Open(ctx context.Context, q Query) (Reader, error)

	// Arrived returns which of the query's enrollees have claims that the query's
	// snapshot has and an earlier one did not have, each with the earliest
	// lastUpdated of these claims. A source gets a claim some time after the claim
	// was updated, so an export that continues from an earlier one needs them too,
	// even when they were updated before that one.
	Arrived(ctx context.Context, q Query, earlier string) (map[coverage.EnrolleeID]time.Time, error)

	// Withdrawn returns which claims of the query's enrollees a snapshot had and the
	// query's snapshot does not have any more, if that became so after a time, and up
	// to another; zero: at any time since. They are in ascending order of enrollee and
	// claim, each once. The same query gives the same ones.
	Withdrawn(ctx context.Context, q Query, after, until time.Time) ([]Withdrawal, error)
	// ReadUpTo returns the time up to which a snapshot has the claims of an upstream
	// server. It is zero if there is none.
	ReadUpTo(ctx context.Context, v fhir.Version, snapshot string) (time.Time, error)
}

// Query says which claims a Reader will be asked for.
type Query struct {
	Version  fhir.Version
	Snapshot string              // of the Roster: the claims are as of then, too
	Request  string              // the job's kick-off URL
	First    coverage.EnrolleeID // the first and the last enrollee, both included
	Last     coverage.EnrolleeID
	// Members says that few of them will be asked for: those of a part that is
	// limited to some patients.
	Members bool
	// Since is a hint: most claims that are not updated after it will not be
	// wanted. Zero: most will be.
	Since time.Time
}

// Reader gives the claims of one enrollee after the other, in ascending order
// of id. Not safe for concurrent use.
type Reader interface {
	// Write offers every claim of s.Enrollee to sink, in an order that is
	// always the same, and writes those that sink wants. Claims come out
	// minimized (only the fields a sponsor may see), with the enrollee's MBI
	// extensions, and as one line each. Claims of which s says already that
	// none can be wanted may be left out. An error means that the enrollee's
	// claims are incomplete: nothing of what was written may be used. It has
	// no person identifiers in it, and the reader can go on with the next
	// enrollee.
	Write(ctx context.Context, s *coverage.Selection, sink Sink) error

	// Close frees what the reader holds.
	Close() error
}

// Sink takes the claims of one enrollee. Not safe for concurrent use.
type Sink interface {
	// Wants decides on a claim by its facts and counts the verdict. It must
	// be called once for each claim.
	Wants(c *coverage.Claim) bool
	// Line writes a wanted claim: one line of JSON with its newline. The
	// bytes are not kept after the call.
	Line(line []byte) error
	// Segment writes n claims, all that are wanted of the enrollee, as they are
	// stored: plain is what s inflates to, and was checked against it. Either
	// Segment is called, and only once, or Line. The bytes are not kept.
	Segment(s segment.Segment, plain []byte, n int64) error
}
