package faultsim

import (
	"context"
	"slices"
	"strings"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// Lister lists the jobs of a contract, and the files of a job.
type Lister interface {
	List(ctx context.Context, contract string, limit int) ([]*export.Job, error)
	ListFiles(ctx context.Context, id string) ([]export.File, error)
	ListPage(ctx context.Context, id string, p export.Page) ([]export.File, error)
}

// Jobs are jobs that show simulated failures. The failures that a request asks
// for are stored with the job, as the parameter of its request.
type Jobs struct {
	export.Jobs
	Lister
	Now func() time.Time
	// DefaultSince lets exports without _since go on from the last one, as in
	// production. Without it only requests that ask for it do.
	DefaultSince bool
}

// Base returns export.ErrNoJob where an export without _since holds everything.
func (s *Jobs) Base(ctx context.Context, contract string, v fhir.Version) (*export.Job, error) {
	if !s.DefaultSince && !slices.Contains(failuresOf(ctx), DefaultSince) {
		return nil, export.ErrNoJob
	}
	return s.Jobs.Base(ctx, contract, v)
}

// Accept adds the parameter to the job's request.
func (s *Jobs) Accept(ctx context.Context, j *export.Job, limit int) error {
	if failures := failuresOf(ctx); len(failures) > 0 {
		separator := "?"
		if strings.Contains(j.Request, "?") {
			separator = "&"
		}
		j.Request += separator + param + "=" + joined(failures, ",")
	}
	return s.Jobs.Accept(ctx, j, limit)
}

// Job returns a job with its simulated failures.
func (s *Jobs) Job(ctx context.Context, id string) (*export.Job, error) {
	j, err := s.Jobs.Job(ctx, id)
	if err == nil {
		s.simulate(j)
	}
	return j, err
}

// File returns export.ErrNoFile for a job that has failed or is slow.
func (s *Jobs) File(ctx context.Context, id, name string) (*export.File, error) {
	j, err := s.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(failuresOfJob(j.Request)) > 0 && j.State != export.Completed {
		return nil, export.ErrNoFile
	}
	return s.Jobs.File(ctx, id, name)
}

// List lists jobs with their simulated failures.
func (s *Jobs) List(ctx context.Context, contract string, limit int) ([]*export.Job, error) {
	jobs, err := s.Lister.List(ctx, contract, limit)
	for _, j := range jobs {
		s.simulate(j)
	}
	return jobs, err
}

// simulate changes how a completed job looks. A job with failures has no files before it
// is completed.
func (s *Jobs) simulate(j *export.Job) {
	failures := failuresOfJob(j.Request)
	if len(failures) > 0 {
		defer func() {
			if j.State != export.Completed {
				j.ReadyFiles = 0
			}
		}()
	}
	if j.State != export.Completed || len(failures) == 0 {
		return
	}
	slowUntil := j.TransactionTime.Add(slowJob)
	switch {
	case slices.Contains(failures, Slow) && s.Now().Before(slowUntil):
		j.State, j.Expires = export.Running, time.Time{}
		j.Progress = j.Expected * int64(s.Now().Sub(j.TransactionTime)) / int64(slowJob)
	case slices.Contains(failures, JobFails):
		j.State, j.Reason = export.Failed, "This is a simulated failure, for which the request asked. Start the export again without it."
	case slices.Contains(failures, EarlyExpiry):
		end := j.Finished
		if slices.Contains(failures, Slow) && end.Before(slowUntil) {
			end = slowUntil
		}
		if soon := end.Add(earlyExpiry); soon.Before(j.Expires) {
			j.Expires = soon
		}
	}
}

// Claims fails to read the claims of the first enrollee of each part of a job
// that asks for it.
type Claims struct{ export.Claims }

// Open prepares the claims of a part.
func (c Claims) Open(ctx context.Context, q export.Query) (export.Reader, error) {
	r, err := c.Claims.Open(ctx, q)
	if err != nil || !slices.Contains(failuresOfJob(q.Request), EnrolleeFails) {
		return r, err
	}
	return &failingReader{r, q.First}, nil
}

type failingReader struct {
	export.Reader
	fails coverage.EnrolleeID
}

// Write fails for the one enrollee.
func (f *failingReader) Write(ctx context.Context, s *coverage.Selection, sink export.Sink) error {
	if s.Enrollee.ID == f.fails {
		return errSimulated
	}
	return f.Reader.Write(ctx, s, sink)
}
