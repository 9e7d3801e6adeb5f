package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/rest"
	"ab2d/internal/store"
)

// Jobs are the export jobs.
type Jobs interface {
	// Job returns export.ErrNoJob if there is none with the id.
	Job(ctx context.Context, id string) (*export.Job, error)
	// List returns the newest jobs of a contract, newest first; of all for "".
	List(ctx context.Context, contract string, limit int) ([]*export.Job, error)
	// ListBefore is List of those that follow the job with this id.
	ListBefore(ctx context.Context, contract, before string, limit int) ([]*export.Job, error)
	// Delete cancels a job; false if it had ended already.
	Delete(ctx context.Context, id string) (bool, error)
	// KeepLonger returns store.ErrNotCompleted if the job has no result.
	KeepLonger(ctx context.Context, id string, by time.Duration) (time.Time, error)
}

// JobDetails are what else there is to know of jobs.
type JobDetails interface {
	Files(ctx context.Context, job string) ([]export.File, error)
	Volumes(ctx context.Context, jobs []string) (map[string]store.Volume, error)
	FailedSteps(ctx context.Context, job string) ([]store.FailedStep, error)
	RecentFailedSteps(ctx context.Context, limit int) (map[string][]store.FailedStep, []string, error)
	Leases(ctx context.Context) ([]store.Lease, error)
}

// Job is a row of the list of jobs.
type Job struct {
	ID        string       `json:"id"`
	Contract  string       `json:"contract"`
	Client    string       `json:"client"` // or who started it
	Version   string       `json:"version"`
	State     export.State `json:"state"`
	Accepted  time.Time    `json:"accepted"`
	Finished  *time.Time   `json:"finished,omitempty"`
	Expires   *time.Time   `json:"expires,omitempty"`
	Percent   int          `json:"percent"`
	Parts     int          `json:"parts"`
	PartsDone int          `json:"partsDone"`
	Enrollees int64        `json:"enrollees"`
	Claims    int64        `json:"claims"`
	Files     int          `json:"files"`
	Bytes     int64        `json:"bytes"`  // uncompressed
	Stored    int64        `json:"stored"` // bytes as stored
	Downloads int          `json:"downloads"`
	Reason    string       `json:"reason,omitempty"` // why it failed
}

// JobDetail is all there is to know of a job.
type JobDetail struct {
	*export.Job
	Files    []export.File
	Failures []store.FailedStep
}

// Extension asks to store a completed job longer.
type Extension struct {
	By string `json:"by"` // a duration
}

// StepFailure is a step that failed.
type StepFailure struct {
	Job      string `json:"job"`
	Step     string `json:"step"`
	Part     int    `json:"part,omitempty"`
	Failures int    `json:"failures"`
	Fault    string `json:"fault"`
}

// Lease is a step that a worker holds.
type Lease struct {
	Worker string    `json:"worker"`
	Job    string    `json:"job,omitempty"` // empty for a worker that is idle
	Part   int       `json:"part,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// Jobs lists the newest jobs of a contract; of all contracts for "".
func (s *Service) Jobs(ctx context.Context, contract string, limit int) ([]Job, error) {
	if contract != "" && !coverage.ValidContractNumber(contract) {
		return nil, notContract(contract)
	}
	return s.JobsBefore(ctx, contract, "", limit)
}

// JobsBefore lists the jobs of a contract that follow the one with this id in the list
// of Jobs; none if the contract has no such job. With "" it begins with the newest.
func (s *Service) JobsBefore(ctx context.Context, contract, before string, limit int) ([]Job, error) {
	jobs, err := s.store.ListBefore(ctx, contract, before, limit)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	volumes, err := s.store.Volumes(ctx, ids)
	if err != nil {
		return nil, err
	}
	list := []Job{}
	for _, j := range jobs {
		list = append(list, jobOf(j, volumes[j.ID]))
	}
	return list, nil
}

func jobOf(j *export.Job, v store.Volume) Job {
	set := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return Job{
		ID: j.ID, Contract: j.Contract, Client: j.Client, Version: j.Version.String(), State: j.State, Accepted: j.TransactionTime,
		Finished: set(j.Finished), Expires: set(j.Expires), Percent: j.Percent(), Parts: j.Parts, PartsDone: j.PartsDone, Enrollees: j.Expected,
		Claims: j.Totals.Claims, Files: v.Files, Bytes: v.Bytes, Stored: v.Stored, Downloads: v.Downloads, Reason: j.Reason,
	}
}

func (s *Service) findJob(ctx context.Context, id string) (*export.Job, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return nil, rest.NotFound("There is no job %s.", rest.Quoted(id))
	}
	j, err := s.store.Job(ctx, parsed.String())
	if errors.Is(err, export.ErrNoJob) {
		return nil, rest.NotFound("There is no job %s.", parsed)
	}
	return j, err
}

// Job returns all there is to know of a job.
func (s *Service) Job(ctx context.Context, id string) (JobDetail, error) {
	j, err := s.findJob(ctx, id)
	if err != nil {
		return JobDetail{}, err
	}
	d := JobDetail{Job: j}
	if d.Files, err = s.store.Files(ctx, j.ID); err != nil {
		return d, err
	}
	d.Failures, err = s.store.FailedSteps(ctx, j.ID)
	return d, err
}

// CancelJob cancels a job, or deletes a completed one with its files.
func (s *Service) CancelJob(ctx context.Context, id string, dryRun bool) (Effect, error) {
	j, err := s.findJob(ctx, id)
	if err != nil {
		return Effect{}, err
	}
	if j.State == export.Canceled || j.State == export.Expired {
		return Effect{}, rest.Conflict("The job is %s already.", j.State)
	}
	volumes, err := s.store.Volumes(ctx, []string{j.ID})
	if err != nil {
		return Effect{}, err
	}
	text := fmt.Sprintf("cancel job %s of contract %s, which is %s, and delete %s", j.ID, j.Contract, j.State, counted(volumes[j.ID].Files, "file"))
	return apply(dryRun, text, func() error {
		if moved, err := s.store.Delete(ctx, j.ID); err != nil || moved {
			s.intake.Notifier.Notify() // for the sweep
			return err
		}
		return rest.Conflict("The job ended in the meantime.")
	})
}

// maxExtension bounds how much longer a job is stored.
const maxExtension = 90 * 24 * time.Hour

// ExtendJob stores a completed job and its files longer.
func (s *Service) ExtendJob(ctx context.Context, id string, e Extension) (JobDetail, error) {
	by, err := duration("by", e.By, 0)
	if err != nil {
		return JobDetail{}, err
	}
	if by < time.Second || by > maxExtension {
		return JobDetail{}, rest.InvalidField("by", "give a duration of up to 90 days, for example 72h.")
	}
	j, err := s.findJob(ctx, id)
	if err != nil {
		return JobDetail{}, err
	}
	if _, err := s.store.KeepLonger(ctx, j.ID, by); errors.Is(err, store.ErrNotCompleted) {
		return JobDetail{}, rest.Conflict("The job is %s. Only a completed job has files to store.", j.State)
	} else if err != nil {
		return JobDetail{}, err
	}
	return s.Job(ctx, id)
}

// RunningSteps lists the steps that workers hold.
func (s *Service) RunningSteps(ctx context.Context) ([]Lease, error) {
	leases, err := s.store.Leases(ctx)
	if err != nil {
		return nil, err
	}
	list := []Lease{}
	for _, l := range leases {
		list = append(list, Lease{Worker: l.Worker, Job: l.Job, Part: l.Part, Until: l.Until})
	}
	return list, nil
}

// idle are the workers of this process that hold none of the steps. Those of other
// processes are not known.
func (s *Service) idle(steps []Lease) []Lease {
	list := []Lease{}
	for _, name := range s.workers {
		if !slices.ContainsFunc(steps, func(l Lease) bool { return l.Worker == name }) {
			list = append(list, Lease{Worker: name})
		}
	}
	return list
}

// Failures lists steps that failed, those of the newest jobs first.
func (s *Service) Failures(ctx context.Context, limit int) ([]StepFailure, error) {
	failures, jobs, err := s.store.RecentFailedSteps(ctx, limit)
	if err != nil {
		return nil, err
	}
	list := []StepFailure{}
	for _, job := range jobs {
		for _, f := range failures[job] {
			list = append(list, StepFailure{Job: job, Step: string(f.Step), Part: f.Part, Failures: f.Failures, Fault: f.Fault})
		}
	}
	return list, nil
}
