package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"ab2d/internal/obs"
	"ab2d/internal/segment"
)

// Settings are the numbers a worker works by.
type Settings struct {
	Lease         time.Duration // how long a step is held without a sign of life
	Idle          time.Duration // between two looks into an empty queue
	Retention     time.Duration // how long a completed job and its files are kept
	PartEnrollees int           // enrollees of a part; ten times as many in an export of what is new
	FileBytes     int64         // a file of about this many uncompressed bytes is full
	Attempts      int           // how often a step may fail before the job fails
}

// DefaultSettings are right for nearly everybody. Files follow AB2D: 200 MB,
// kept for three days. A part of 500 enrollees is about 128 MB. Twenty attempts
// outlast an outage of four minutes.
func DefaultSettings() Settings {
	return Settings{
		Lease: 15 * time.Second, Idle: time.Second, Retention: 72 * time.Hour,
		PartEnrollees: 500, FileBytes: 200 << 20, Attempts: 20,
	}
}

// progressEvery is how often a lease is extended at least, because that also
// carries the progress people look at.
const progressEvery = time.Second

// Worker does the steps of jobs, one at a time; run several for several at
// once. Everything but gzip is shared between workers.
type Worker struct {
	Name     string // in the lease, for the operator: host, process, number
	Queue    Queue
	Jobs     Jobs
	Ledgers  Ledgers
	Roster   Roster
	Claims   Claims
	Source   string // of Roster and Claims; see Job.Source
	Files    Files
	Notifier *Notifier
	Now      func() time.Time
	Log      *slog.Logger
	Metrics  *obs.Metrics // nil: nothing is counted
	// Ready, if not nil, is asked before each step. While it fails, none is
	// taken.
	Ready func(context.Context) error
	Settings

	gzip *segment.Joiner // reused from file to file
}

// Run works until ctx is done. A step under way is then handed back.
func (w *Worker) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if w.Ready != nil && w.Ready(ctx) != nil {
			wait(ctx, nil, w.Idle)
			continue
		}
		notified := w.Notifier.C() // before the queue is read, so that no notice is missed
		task, err := w.Queue.Lease(ctx, w.Name, w.Source, w.Lease)
		switch {
		case err == nil:
			w.do(ctx, task)
		case errors.Is(err, ErrNoWork):
			wait(ctx, notified, w.Idle)
		case ctx.Err() == nil:
			w.Log.Error("look for work", "error", err)
			wait(ctx, nil, w.Idle)
		}
	}
}

// errLapsed ends the work of a lease that is lost. It is not ErrLeaseLost, by which the
// queue says that a call changed nothing: a call that was under way when the work ended
// may have taken effect, even if its error names what ended it.
var errLapsed = errors.New("the lease was lost during the work")

// do does one step under its lease.
func (w *Worker) do(ctx context.Context, t *Task) {
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var progress atomic.Int64
	stop := w.heartbeat(work, cancel, t.Lease, &progress)
	began := w.Now()
	err := w.step(work, t, &progress)
	stop()
	if err != nil && errors.Is(context.Cause(work), errLapsed) {
		err = ErrLeaseLost
	}
	w.settle(ctx, t, err, w.Now().Sub(began))
}

// step does the work of one lease. A panic is a fault like any other: the
// worker goes on with other jobs.
func (w *Worker) step(ctx context.Context, t *Task, progress *atomic.Int64) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	switch t.Lease.Step {
	case StepPlan:
		return w.plan(ctx, t)
	case StepPart:
		return w.runPart(ctx, t, progress)
	case StepFinish:
		return w.finish(ctx, t)
	case StepSweep:
		return w.sweep(ctx, t)
	}
	return fmt.Errorf("unknown step %q", t.Lease.Step)
}

// heartbeat extends the lease in the background until the returned function is
// called. When the lease is lost it cancels the work.
func (w *Worker) heartbeat(ctx context.Context, cancel context.CancelCauseFunc, l Lease, progress *atomic.Int64) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(min(w.Lease/3, progressEvery))
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			select {
			case <-quit: // a tick that waited is not a reason to extend the lease of a step that has ended
				return
			default:
			}
			err := w.Queue.Extend(ctx, l, w.Lease, progress.Load())
			if errors.Is(err, ErrLeaseLost) {
				cancel(errLapsed)
				return
			}
			if err != nil && ctx.Err() == nil {
				// Not the end: the commit asks for the lease again.
				w.Log.Warn("extend a lease", "job", l.Job, "step", l.Step, "error", err)
			}
		}
	}()
	return func() { close(quit); <-done }
}

// settle ends a step: nothing to do when all went well, else the lease is
// given back.
func (w *Worker) settle(ctx context.Context, t *Task, err error, took time.Duration) {
	log := w.Log.With("job", t.Lease.Job, "step", t.Lease.Step, "part", t.Lease.Part, "took", took.Round(time.Millisecond))
	if err == nil {
		log.Debug("step done")
		w.Metrics.StepEnded(string(t.Lease.Step), obs.StepDone, took)
		if t.Lease.Step == StepPlan {
			w.Notifier.Notify() // there are parts now, for all workers
		}
		return
	}
	var failed *StepFailure
	outcome := obs.StepFailed
	switch {
	case errors.Is(err, ErrLeaseLost):
		log.Info("step stopped: the job was canceled or the lease was lost")
		outcome = obs.StepLeaseLost
	case ctx.Err() != nil:
		log.Info("step returned to the queue: the worker stops")
		outcome = obs.StepHandedBack
	default:
		failed = w.failure(t, err)
		log.Error("step failed", "error", err, "failures", t.Failures+1, "final", failed.Reason != "")
	}
	w.Metrics.StepEnded(string(t.Lease.Step), outcome, took)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := w.Queue.Release(ctx, t.Lease, failed); err != nil {
		log.Error("return a lease; it will lapse", "error", err)
	} else if failed != nil && failed.Reason != "" {
		w.Metrics.JobEnded(obs.JobFailed, w.Now().Sub(t.Job.TransactionTime))
	}
	w.Notifier.Notify()
}

// finalError is an error that no other attempt can mend.
type finalError struct {
	error
	reason string // for the sponsor
}

// longestPause between two attempts: so soon after the end of an outage the
// work goes on.
const longestPause = 15 * time.Second

// failure says what happens after a failed step: another attempt after a pause
// that doubles, or the end of the job.
func (w *Worker) failure(t *Task, err error) *StepFailure {
	f := &StepFailure{Text: err.Error(), Pause: min(time.Second<<min(t.Failures, 6), longestPause)}
	var final finalError
	switch {
	case errors.As(err, &final):
		f.Reason = final.reason
	case errors.Is(err, ErrNoSnapshot) && (t.Lease.Step == StepPart || t.Lease.Step == StepFinish): // it does not come back; a plan takes another
		f.Reason = "The enrollment and claims that this export began with are not stored any more. Start a new export."
	case t.Failures+1 >= w.Attempts && t.Lease.Step != StepSweep: // deleting is never given up
		f.Reason = fmt.Sprintf("The export failed and was tried %d times. Start a new one; if it fails again, tell the operator this job's id.", t.Failures+1)
	}
	return f
}
