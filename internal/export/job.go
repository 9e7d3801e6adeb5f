package export

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// State is where a job is on its way. See doc.go for who moves it.
type State string

// The states of a job.
const (
	Accepted  State = "accepted"
	Running   State = "running"
	Completed State = "completed"
	Failed    State = "failed"
	Canceled  State = "cancelled"
	Expired   State = "expired"
)

// Ended tells whether no more work will be done for a job in this state.
func (s State) Ended() bool { return s != Accepted && s != Running }

// SinceSource says where a job's lower bound comes from.
type SinceSource string

// The sources of a lower bound.
const (
	SinceNone    SinceSource = "none"    // everything since the beginning
	SinceUser    SinceSource = "user"    // the request's _since
	SinceDefault SinceSource = "default" // v2 without _since: after the last downloaded job
)

// Job is one export. Times are UTC, to the millisecond; zero means "not set".
type Job struct {
	ID       string // UUID
	Contract string
	Client   string // the OAuth2 client that asked
	Version  fhir.Version
	Request  string // the kick-off URL exactly as it came
	Key      string // tells a request that comes again; empty: none
	// Source names where the job's enrollment and claims come from, and all that
	// decides them, as the process that accepted the job has it. Only workers
	// with the same source work on the job. Empty: a job of an older release.
	Source string

	Since       time.Time // exclusive
	SinceSource SinceSource
	// Base is the job that this one continues from: that of SinceDefault, or of
	// SinceUser the one whose transactionTime the _since is. Empty if there is none.
	Base  string
	Until time.Time // inclusive; zero: up to TransactionTime
	// PatientsHash stands for the patients that the job is limited to: the same for
	// the same ones. Empty: all enrollees.
	PatientsHash string
	// Patients are what PatientsHash stands for, in ascending order. Only Accept
	// reads them; jobs that are read have none, because they can be many: see
	// Jobs.Patients.
	Patients     []coverage.EnrolleeID
	ServiceDates []coverage.ServiceDates
	// Elements are the top-level elements that claims are cut down to, in order; none:
	// claims are whole.
	Elements []string
	// Partial says that the client takes the manifest in pages, and may have the first
	// ones while the job runs: see Page.
	Partial bool
	// TransactionTime is fixed when the job is accepted. Only claims with
	// lastUpdated <= TransactionTime belong to the job, so a later
	// _since=TransactionTime neither misses nor repeats one.
	TransactionTime time.Time
	// Continuous says that this job, together with the jobs before it, holds
	// everything up to TransactionTime. Only such a job is a starting point
	// for a later job's default _since.
	Continuous bool
	// Notes are told to the sponsor in an error file, as information.
	Notes []string

	State    State
	Reason   string    // why it failed, in words a sponsor can act on
	Started  time.Time // when it was planned
	Finished time.Time
	Expires  time.Time // of a completed job: when it and its files go

	Snapshot  string // names the enrollment the job was planned with
	Expected  int64  // enrollees of the snapshot; each ends with one outcome
	Parts     int
	PartsDone int
	Progress  int64 // enrollees worked on so far; never goes back
	// ReadyFiles are the claim files that have their numbers and can be downloaded: of a
	// running job with Partial those of the first parts that are done, without a gap.
	// Other jobs have none.
	ReadyFiles int
	Totals     Totals
}

// Selection is what the job asks of one enrollee's claims.
func (j *Job) Selection(contract coverage.Contract, e *coverage.Enrollee, from Start) *coverage.Selection {
	until := j.TransactionTime
	if !j.Until.IsZero() && j.Until.Before(until) {
		until = j.Until
	}
	return &coverage.Selection{Contract: contract, Enrollee: e, Since: from.Since, Added: from.Added, Until: until, ServiceDates: j.ServiceDates}
}

// Full tells whether the job is asked for everything that its contract gets, up to its
// TransactionTime.
func (j *Job) Full() bool { return j.Continuous && j.SinceSource == SinceNone }

// Percent is the progress in whole percent. 100 is said only of a completed job.
func (j *Job) Percent() int {
	switch {
	case j.State == Completed:
		return 100
	case j.Expected == 0:
		return 0
	}
	return int(min(99, j.Progress*100/j.Expected))
}

// ErrNoJob says that there is no such job.
var ErrNoJob = errors.New("no such job")

// JobLimitError says that a contract has reached its limit of running jobs.
type JobLimitError struct {
	Running []RunningJob // oldest first
}

// RunningJob is a job that is accepted or running.
type RunningJob struct {
	ID      string
	Version fhir.Version
}

// Error says how many jobs there are.
func (e *JobLimitError) Error() string {
	return fmt.Sprintf("%d running jobs, which is the limit", len(e.Running))
}

// DuplicateRequestError says that there is a job with the key already.
type DuplicateRequestError struct{ Job *Job }

// Error says so.
func (k *DuplicateRequestError) Error() string { return "the request has job " + k.Job.ID + " already" }

// Jobs keeps jobs for those who ask for them. What its methods change is
// durable when they return. Safe for concurrent use, by several processes.
type Jobs interface {
	// Accept inserts a job in state Accepted; the row is the queue entry. It
	// returns *JobLimitError, and inserts nothing, when the contract has limit jobs
	// under way: two calls at once cannot both take the last place. Before
	// that it looks for a job with the same Key that is under way, or completed
	// and not expired, and returns *DuplicateRequestError if there is one. If another
	// job of the contract has the same TransactionTime, the job gets a later one.
	Accept(ctx context.Context, j *Job, limit int) error

	// Job finds a job by its id; ErrNoJob when absent.
	Job(ctx context.Context, id string) (*Job, error)

	// Patients gives the patients that a job is limited to, in ascending order, until
	// the job has ended and was swept; none for a job of all enrollees.
	Patients(ctx context.Context, id string) ([]coverage.EnrolleeID, error)

	// Ahead counts the jobs of the same contract that were accepted before this
	// one and are still waiting or running. Those of others are not told of.
	Ahead(ctx context.Context, id string) (int, error)

	// Base finds the contract's newest Continuous job in this version that was
	// completed and all of whose claim files were downloaded, whatever became
	// of it later; ErrNoJob when there is none.
	Base(ctx context.Context, contract string, v fhir.Version) (*Job, error)

	// Ended finds a completed job of a contract and a version by its exact
	// transactionTime. ErrNoJob when there is none.
	Ended(ctx context.Context, contract string, v fhir.Version, transactionTime time.Time) (*Job, error)

	// Delete moves a job that is Accepted, Running, Completed or Failed to Canceled.
	// It reports whether it moved. May be repeated.
	Delete(ctx context.Context, id string) (bool, error)

	// Files lists the files of a completed job by kind and number.
	Files(ctx context.Context, id string) ([]File, error)

	// File finds a file of a completed job by its name, and of a running one with
	// Partial one of its ReadyFiles; ErrNoFile when absent.
	File(ctx context.Context, id, name string) (*File, error)
}
