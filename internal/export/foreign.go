package export

import (
	"context"
	"log/slog"
	"time"
)

// PinnedJobs tells which jobs wait for workers with another source.
type PinnedJobs interface {
	// OtherSources returns running and waiting jobs whose source is not source,
	// by id, at most limit.
	OtherSources(ctx context.Context, source string, limit int) (map[string]string, error)
}

// SourceWatch logs once for each job that this process leaves alone, because its
// workers have another source of enrollment and claims.
type SourceWatch struct {
	Jobs   PinnedJobs
	Source string
	Log    *slog.Logger

	told map[string]bool // by id of the job
}

// maxOtherJobs bounds how many jobs are named at a time.
const maxOtherJobs = 100

// Run looks every so often until ctx is done.
func (s *SourceWatch) Run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := s.Look(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("look for jobs of another source", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Look logs jobs that were not logged before.
func (s *SourceWatch) Look(ctx context.Context) error {
	others, err := s.Jobs.OtherSources(ctx, s.Source, maxOtherJobs)
	if err != nil {
		return err
	}
	told := map[string]bool{}
	for id, source := range others {
		if told[id] = true; !s.told[id] {
			s.Log.Warn("a job waits for workers with another source of claims; start this process with the same --claims and --seed as the server",
				"job", id, "jobSource", source, "source", s.Source)
		}
	}
	s.told = told
	return nil
}
