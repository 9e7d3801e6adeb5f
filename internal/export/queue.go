package export

import (
	"context"
	"errors"
	"time"

	"ab2d/internal/coverage"
)

// Errors of the queue.
var (
	// ErrNoWork says that there is nothing to do at the moment.
	ErrNoWork = errors.New("no work")
	// ErrLeaseLost says that the lease is no longer held: it lapsed and
	// somebody else has it, or the job was canceled. The holder must stop,
	// and nothing of its work may become visible.
	ErrLeaseLost = errors.New("the lease is no longer held")
)

// Step is a kind of work.
type Step string

// The steps of a job that a worker can lease.
const (
	StepPlan   Step = "plan"   // cut an accepted job into parts
	StepPart   Step = "part"   // run one part
	StepFinish Step = "finish" // all parts are done: number the files and complete
	StepSweep  Step = "sweep"  // the job has ended: delete what is not its files
)

// Part is a run of a job's enrollees that one worker exports at a time.
type Part struct {
	Number    int                 // from 1, in enrollee order
	First     coverage.EnrolleeID // the first and the last enrollee, both included
	Last      coverage.EnrolleeID
	Enrollees int64
	// Members are the patients of a job that is limited to some, as the claims of
	// the job's version number them, in enrollee order. Nil: all enrollees from
	// First to Last. Only StepPart has them.
	Members []coverage.EnrolleeID
	Ledger  []byte // of a part that is done
	Totals  Totals // of a part that is done
}

// Lease is the right to do one step for a while. Fence numbers the leases of
// the same step: it goes up each time somebody takes it, so that whoever held
// it before can be told from the present holder.
type Lease struct {
	Job   string
	Step  Step
	Part  int // of StepPart
	Fence int
}

// Task is leased work.
type Task struct {
	Lease    Lease
	Job      Job  // without its Progress
	Part     Part // of StepPart
	Failures int  // how often the step was released with a StepFailure before
}

// StepFailure is why a step could not be done.
type StepFailure struct {
	Text  string        // for the operator; without person identifiers
	Pause time.Duration // the step is free again after it
	// Reason, if given, fails the job: the step will not be tried again. It is
	// what the sponsor reads.
	Reason string
}

// PartResult is what a part's commit makes visible.
type PartResult struct {
	Files  []File
	Ledger Ledger
}

// Queue hands out work. Every change is one transaction, conditional on the
// lease still being held and on the job's state, and durable when it returns;
// otherwise it is ErrLeaseLost and nothing changed. Safe for concurrent use,
// by several processes.
type Queue interface {
	// Lease takes the next step for ttl, or ErrNoWork. A step that reads
	// enrollment or claims is taken only if its job has the same source, or
	// none. Parts come from the
	// job with the fewest parts under way, so that a large job does not hold
	// up a small one. A lapsed lease is simply free again: that is the
	// recovery from a crash. Jobs that are due are moved to Expired.
	Lease(ctx context.Context, worker, source string, ttl time.Duration) (*Task, error)

	// Extend holds the lease for another ttl and notes how many of the part's
	// enrollees are worked on.
	Extend(ctx context.Context, l Lease, ttl time.Duration, progress int64) error

	// SavePlan stores the parts and moves the job from Accepted to Running, which
	// pins the snapshot. ErrNoSnapshot when the source has replaced it since it was
	// taken, so that it may not be kept: the plan must be made again.
	SavePlan(ctx context.Context, l Lease, snapshot string, parts []Part) error

	// CommitPart stores the files and the ledger and marks the part done. The claim
	// files of a job with Partial get their numbers and names as soon as all parts
	// before theirs are done.
	CommitPart(ctx context.Context, l Lease, r PartResult) error

	// Results gives the parts of a job in order, each with its ledger and its
	// files in order; see bounds no memory by the job's size.
	Results(ctx context.Context, job string, see func(Part, []File) error) error

	// Finish stores the numbers and names of the files, adds those that no
	// part has written, and moves the job to Completed.
	Finish(ctx context.Context, l Lease, files []File, totals Totals, expires time.Time) error

	// Release gives the lease back: with a nil StepFailure as if it had never been
	// taken, else with the fault noted and counted. It may be called for a
	// lease that is lost; then it frees nothing and is no error.
	Release(ctx context.Context, l Lease, f *StepFailure) error

	// Swept notes that nothing but the job's files is stored for it.
	Swept(ctx context.Context, l Lease) error
}
