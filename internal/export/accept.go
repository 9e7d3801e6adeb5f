package export

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

// EarliestSince is the first _since that may be asked for: the day from which
// AB2D keeps claims.
var EarliestSince = time.Date(2020, time.February, 13, 5, 0, 0, 0, time.UTC)

// ErrOtherRequest says that a client's key belongs to a request that asked for
// something else.
var ErrOtherRequest = errors.New("the key belongs to another request")

// ErrNotAttested says that a contract has not attested and so gets no data.
var ErrNotAttested = errors.New("the contract has no attestation")

// Request is a valid request for an export.
type Request struct {
	Contract coverage.Contract
	Client   string
	MaxJobs  int // how many jobs the contract may have under way
	Version  fhir.Version
	URL      string // exactly as it came
	Key      string // by which the client knows the request again; empty: none

	Since        time.Time // zero: not given
	Until        time.Time // zero: not given
	ServiceDates []coverage.ServiceDates
	Elements     []string // top-level elements of claims, in order; none: all
	// Patients are whom to export, as the claims of the version number them: at
	// most MaxPatients, in any order. None: all enrollees.
	Patients []coverage.EnrolleeID
	Partial  bool     // the manifest may come in pages, and before the job is completed
	Strict   bool     // refuse patients that are not enrolled
	Nothing  bool     // export nobody's claims: the job has notes only
	Notes    []string // what to tell the sponsor about the request
}

// Intake accepts requests. Safe for concurrent use.
type Intake struct {
	Jobs     Jobs
	Roster   Roster
	Source   string // of the Roster and of its claims; see Job.Source
	Notifier *Notifier
	Now      func() time.Time
	Removed  RemovedJobs // nil: none ever are
}

// RemovedJobs knows of jobs that are not stored any more.
type RemovedJobs interface {
	// LastRemoved returns the transactionTime of the newest completed job of a
	// contract and version that is not stored any more; the zero time if there is
	// none. Safe for concurrent use.
	LastRemoved(ctx context.Context, contract string, v fhir.Version) (time.Time, error)
}

// Entitled finds a contract that may export: ErrNoContract or ErrNotAttested
// when there is none.
func (in *Intake) Entitled(ctx context.Context, number string) (coverage.Contract, error) {
	c, err := in.Roster.Contract(ctx, number)
	if err != nil {
		return c, fmt.Errorf("contract %s: %w", number, err)
	}
	if !c.HasAttested {
		return c, fmt.Errorf("contract %s: %w", number, ErrNotAttested)
	}
	return c, nil
}

// Accept makes a job of a request and queues it, or returns *JobLimitError, or for a
// strict request *UnknownPatientsError. A request
// that comes again, with the same key, gets the job that it has already, and
// one that asks for something else with that key ErrOtherRequest.
func (in *Intake) Accept(ctx context.Context, r Request) (*Job, error) {
	j := &Job{
		ID: uuid.NewString(), Contract: r.Contract.Number, Client: r.Client, Version: r.Version, Request: r.URL,
		Until: r.Until, ServiceDates: r.ServiceDates, Elements: r.Elements, Partial: r.Partial, Notes: r.Notes, State: Accepted,
		TransactionTime: in.Now().UTC().Truncate(time.Millisecond), Key: hashed(r.Client, r.Key), Source: in.Source, Trace: obs.TraceParent(ctx),
	}
	j.Patients = sortedPatients(r.Patients)
	j.PatientsHash = hashPatients(j.Patients)
	if r.Nothing {
		j.Patients, j.PatientsHash = nil, nobody
	}
	if r.Strict && len(j.Patients) > 0 {
		if err := in.checkPatients(ctx, j.Contract, j.Version, j.Patients); err != nil {
			return nil, err
		}
	}
	if err := in.setSince(ctx, j, r); err != nil {
		return nil, err
	}
	j.Continuous = j.SinceSource != SinceUser && j.Until.IsZero() && len(j.ServiceDates) == 0 && j.PatientsHash == "" && len(j.Elements) == 0
	err := in.Jobs.Accept(ctx, j, r.MaxJobs)
	if had := (*DuplicateRequestError)(nil); errors.As(err, &had) {
		if !sameRequest(j, had.Job) {
			return nil, ErrOtherRequest
		}
		return had.Job, nil
	}
	if err != nil {
		return nil, fmt.Errorf("accept an export for contract %s: %w", j.Contract, err)
	}
	obs.CrashPoint("accepted")
	in.Notifier.Notify()
	return j, nil
}

// hashed is a client's key as a job has it. What clients make their keys of is
// not ours to keep.
func hashed(client, key string) string {
	if key == "" {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(client+"\n"+key)))
}

// sameRequest tells whether two jobs were asked for with the same words.
func sameRequest(a, b *Job) bool {
	user := func(j *Job) bool { return j.SinceSource == SinceUser }
	return a.Version == b.Version && user(a) == user(b) && (!user(a) || a.Since.Equal(b.Since)) && a.Until.Equal(b.Until) &&
		a.Partial == b.Partial && a.PatientsHash == b.PatientsHash && slices.Equal(a.Elements, b.Elements) &&
		slices.Equal(a.ServiceDates, b.ServiceDates)
}

// setSince sets the job's lower bound: the request's, raised to the attestation;
// in v2 by default the end of what the sponsor has already downloaded. Patients are
// named to get their whole history, so that there is no default for them.
func (in *Intake) setSince(ctx context.Context, j *Job, r Request) error {
	if !r.Since.IsZero() {
		j.SinceSource, j.Since = SinceUser, r.Since.UTC()
		if attested := r.Contract.Attested.Time(); j.Since.Before(attested) {
			j.Since = attested
		}
		base, err := in.Jobs.Ended(ctx, j.Contract, j.Version, j.Since)
		if errors.Is(err, ErrNoJob) {
			return in.noteRemoved(ctx, j)
		}
		if err != nil {
			return fmt.Errorf("find the export of contract %s that the _since continues from: %w", j.Contract, err)
		}
		j.Base = base.ID
		return nil
	}
	j.SinceSource = SinceNone
	if r.Version != fhir.V2 || j.PatientsHash != "" {
		return nil
	}
	base, err := in.Jobs.Base(ctx, j.Contract, j.Version)
	if errors.Is(err, ErrNoJob) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find where the last export of contract %s ended: %w", j.Contract, err)
	}
	j.SinceSource, j.Since, j.Base = SinceDefault, base.TransactionTime, base.ID
	j.Notes = append(j.Notes, fmt.Sprintf("The request has no _since. This export holds the claims updated after %s, the transactionTime of "+
		"the last export whose files were all downloaded; also older claims of enrollees and enrollment months that were not in it, and older claims that this server has received since then. "+
		"To get everything again, ask with _since=%s.", fhir.FormatInstant(base.TransactionTime), EarliestSince.Format("2006-01-02T15:04:05Z")))
	return nil
}

// noteRemoved tells the sponsor if the _since can be the transactionTime of a job that
// is not stored any more: then nobody knows which claims arrived late since.
func (in *Intake) noteRemoved(ctx context.Context, j *Job) error {
	if in.Removed == nil || !j.Since.After(EarliestSince) {
		return nil
	}
	removed, err := in.Removed.LastRemoved(ctx, j.Contract, j.Version)
	if err != nil {
		return fmt.Errorf("find the removed exports of contract %s: %w", j.Contract, err)
	}
	if j.Since.After(removed) {
		return nil
	}
	j.Notes = append(j.Notes, fmt.Sprintf("The server does not remember exports up to %s any more. If the _since is the transactionTime of one of them, "+
		"claims that the server received late can be missing here. To get everything again, ask with _since=%s.",
		fhir.FormatInstant(removed), EarliestSince.Format("2006-01-02T15:04:05Z")))
	return nil
}
