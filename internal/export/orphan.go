package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Orphans looks for what is stored and belongs to nobody: what a worker wrote
// that was thought dead, and then died indeed, after its job had been swept.
type Orphans struct {
	Jobs  Jobs
	Files StoredJobs
	Queue Sweeps
	Log   *slog.Logger
}

// StoredJobs are Files that know of which jobs they store anything.
type StoredJobs interface {
	Files
	// Jobs gives the jobs of which anything is stored.
	Jobs(ctx context.Context) ([]string, error)
}

// Sweeps can have an ended job swept once more.
type Sweeps interface {
	// SweepAgain lets the job be swept again, if it has ended. Durable when
	// it returns; may be repeated.
	SweepAgain(ctx context.Context, job string) error
}

// Run looks every so often until ctx is done.
func (o *Orphans) Run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := o.Look(ctx); err != nil && ctx.Err() == nil {
			o.Log.Error("look for orphaned files", "error", err)
		}
	}
}

// Look has those jobs swept again of which more is stored than their files. It
// tells how many. Files of jobs that are not known are only logged: the store
// may belong to another database, too.
func (o *Orphans) Look(ctx context.Context) (int, error) {
	ids, err := o.Files.Jobs(ctx)
	if err != nil {
		return 0, err
	}
	found, unknown := 0, 0
	for _, id := range ids {
		j, err := o.Jobs.Job(ctx, id)
		if errors.Is(err, ErrNoJob) {
			unknown++
			continue
		}
		if err != nil {
			return found, err
		}
		orphaned, err := o.orphaned(ctx, j)
		if err == nil && orphaned {
			found++
			err = o.Queue.SweepAgain(ctx, id)
		}
		if err != nil {
			return found, fmt.Errorf("job %s: %w", id, err)
		}
	}
	if found+unknown > 0 {
		o.Log.Warn("found files that belong to no job", "jobs to be swept again", found, "unknown jobs", unknown)
	}
	return found, nil
}

func (o *Orphans) orphaned(ctx context.Context, j *Job) (bool, error) {
	if !j.State.Ended() {
		return false, nil
	}
	files, err := o.Jobs.Files(ctx, j.ID)
	if err != nil {
		return false, err
	}
	keys, err := o.Files.List(ctx, j.ID)
	return len(keys) > len(files), err
}
