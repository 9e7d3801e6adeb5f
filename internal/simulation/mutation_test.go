package simulation_test

import (
	"context"
	"io"

	"ab2d/internal/export"
)

// mutant is a fault that is put into the engine, to show that the judge finds it. The
// zero mutant is none.
type mutant struct {
	name   string
	queueF func(*engine) export.Queue
	jobsF  func(*engine) export.Jobs
	rosF   func(*engine) export.Roster
	claimF func(*engine) export.Claims
	filesF func(*processFiles) export.StoredJobs
	delivF func(*engine) export.Deliveries
}

func (m mutant) queue(e *engine) export.Queue {
	if m.queueF != nil {
		return m.queueF(e)
	}
	return e
}

func (m mutant) jobs(e *engine) export.Jobs {
	if m.jobsF != nil {
		return m.jobsF(e)
	}
	return e
}

func (m mutant) roster(e *engine) export.Roster {
	if m.rosF != nil {
		return m.rosF(e)
	}
	return roster{e}
}

func (m mutant) claims(e *engine) export.Claims {
	if m.claimF != nil {
		return m.claimF(e)
	}
	return claims{e}
}

func (m mutant) files(f *processFiles) export.StoredJobs {
	if m.filesF != nil {
		return m.filesF(f)
	}
	return f
}

// plainFiles is a bucket without faults.
type plainFiles struct{ *bucket }

func (f plainFiles) Create(_ context.Context, key string) (export.FileWriter, error) {
	return &plainWriter{bucket: f.bucket, key: key}, nil
}

func (f plainFiles) Open(context.Context, string) (io.ReadSeekCloser, error) {
	return nil, export.ErrNoFile
}

func (f plainFiles) List(_ context.Context, job string) ([]string, error) {
	return f.keys(job + "/"), nil
}

func (f plainFiles) Remove(_ context.Context, key string) error { f.remove(key); return nil }

type plainWriter struct {
	*bucket
	key    string
	buffer []byte
}

func (w *plainWriter) Write(b []byte) (int, error) {
	w.buffer = append(w.buffer, b...)
	return len(b), nil
}
func (w *plainWriter) Commit() error { return w.put(w.key, "", "", w.buffer) }
func (w *plainWriter) Abort()        {}
