package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	defaultParallel = 4
	// dateMargin is taken off the time of acceptance where it has to stand in
	// for a transactionTime: the header has seconds only, and the export may
	// have been accepted a little before it was written.
	dateMargin = time.Minute
)

// goneError says that an export can no longer be had from the server.
type goneError struct{ err error }

func (e *goneError) Error() string { return e.err.Error() }
func (e *goneError) Unwrap() error { return e.err }

// over tells whether a server answered that a thing is not there, or not any
// more.
func over(err error) bool {
	e := answered(err)
	return e != nil && (e.Status == http.StatusNotFound || e.Status == http.StatusGone)
}

// work is one call of Sync.
type work struct {
	*Folder
	parallel int
	telling  sync.Mutex
	told     func(Event)
	early    atomic.Bool // files are fetched while the export runs
	saving   sync.Mutex  // guards state.Current and what it points to
}

func (w *work) tell(e Event) {
	if w.told == nil || w.early.Load() && tooEarly(&e) {
		return
	}
	w.telling.Lock()
	defer w.telling.Unlock()
	w.told(e)
}

// fault tells of a fault that is tried again.
func (w *work) fault(file string, err error, d time.Duration) {
	w.tell(Event{Kind: EventFault, File: file, Text: err.Error(), Wait: d})
}

// note changes the state and has it on disk when it returns.
func (w *work) note(change func(*ongoing)) error {
	w.saving.Lock()
	defer w.saving.Unlock()
	change(w.state.Current)
	return w.save()
}

// run does the current export, from wherever it is.
func (w *work) run(ctx context.Context) (*Run, error) {
	current := w.state.Current
	for !current.Complete {
		if current.Job.StatusURL == "" {
			if err := w.start(ctx); err != nil {
				return nil, fmt.Errorf("starting the export: %w", err)
			}
		}
		manifest, err := w.await(ctx)
		if err != nil {
			return nil, err
		}
		if current.Adopted && !w.client.sameExport(manifest.Request, current.Request) {
			if err := w.note(func(c *ongoing) { c.Job, c.Adopted, c.Sent = Job{}, false, false }); err != nil {
				return nil, err
			}
			continue
		}
		if err := w.fetch(ctx, manifest); err != nil {
			return nil, err
		}
	}
	return w.Run(current.Run)
}

// start asks for the export until the server takes it. What a lost answer may
// have started is found again: a server that allows one export at a time
// refuses the next one and names it.
func (w *work) start(ctx context.Context) error {
	current := w.state.Current
	for faults := 1; ; {
		unsure := current.Sent
		if err := w.note(func(c *ongoing) { c.Sent = true }); err != nil {
			return err
		}
		if current.At.IsZero() {
			if err := w.note(func(c *ongoing) { c.At = w.client.now() }); err != nil {
				return err
			}
		}
		job, err := w.client.start(ctx, current.Request)
		if err == nil {
			w.tell(Event{Kind: EventStarted, Text: job.shown()})
			return w.note(func(c *ongoing) { c.Job = job })
		}
		refused, ok := errors.AsType[*Error](err)
		busy := ok && refused.Status == http.StatusTooManyRequests && len(refused.Jobs) > 0
		if busy && unsure && len(refused.Jobs) == 1 {
			return w.note(func(c *ongoing) { c.Job, c.Adopted = Job{StatusURL: refused.Jobs[0]}, true })
		}
		if ok && !unsure && refused.Status != http.StatusBadGateway && refused.Status != http.StatusGatewayTimeout {
			if err := w.note(func(c *ongoing) { c.Sent = false }); err != nil {
				return err
			}
		}
		if ctx.Err() != nil || !retryable(err) || faults == pollTries && !busy {
			return errors.Join(err, w.abandon(ok && !retryable(err) && !unsure))
		}
		d := w.client.pause(err, faults)
		if busy {
			w.tell(Event{Kind: EventBusy, Wait: d})
		} else {
			faults++
			w.fault("", err, d)
		}
		if err := w.client.sleep(ctx, d); err != nil {
			return err
		}
	}
}

// abandon forgets the export when it is over, so that the next one may be
// another.
func (w *work) abandon(over bool) error {
	if !over {
		return nil
	}
	old := w.state.Current
	w.state.Current = nil
	return errors.Join(w.save(), w.removeHalf(old))
}

// await waits for the export's manifest, and meanwhile fetches the files that are there
// already.
func (w *work) await(ctx context.Context) (*Manifest, error) {
	var broken error
	files, adopted := w.newEarly(ctx), w.state.Current.Adopted // which has yet to show that it is this one
	m, err := w.client.Wait(ctx, w.state.Current.Job, func(p Progress) {
		if p.Partial != nil && !adopted && broken == nil {
			broken = files.add(p.Partial)
		}
		if p.Err != nil {
			w.fault("", p.Err, p.Wait)
			return
		}
		w.tell(Event{Kind: EventProgress, Percent: p.Percent, Text: p.Text, Wait: p.Wait})
	})
	files.end(err != nil || broken != nil)
	if broken != nil {
		return nil, broken
	}
	if over(err) {
		return nil, &goneError{err}
	}
	if e := answered(err); e != nil && e.failed() {
		return nil, errors.Join(err, w.abandon(true))
	}
	return m, err
}

// fetch gets the files of an export that is ready, and makes of them a run.
func (w *work) fetch(ctx context.Context, m *Manifest) error {
	run, err := w.plan(m)
	if err != nil {
		return err
	}
	files := m.files()
	ready := Event{Kind: EventReady, Files: len(files)}
	if !m.Expires.IsZero() {
		ready.Text = m.Expires.UTC().Format(time.RFC3339)
	}
	for _, f := range files {
		ready.Bytes += max(f.Length, 0)
	}
	w.tell(ready)
	if err := w.fetchAll(ctx, run, files); err != nil {
		return err
	}
	if err := w.complete(run, m); err != nil {
		return err
	}
	w.tell(Event{Kind: EventComplete, Text: filepath.Join(w.dir, run.Name), Files: len(files), Bytes: ready.Bytes})
	return nil
}

// plan gives the run a folder and its files their names.
func (w *work) plan(m *Manifest) (*Run, error) {
	current := w.state.Current
	run := newRun(w.client.base.String(), current.Request, m)
	if current.Run == "" {
		when := w.ended(m)
		if when.IsZero() {
			when = w.client.now()
		}
		name, err := w.vacantRun(when.UTC().Format("2006-01-02T15-04-05Z"))
		if err != nil {
			return nil, err
		}
		if err := w.note(func(c *ongoing) { c.Run = name }); err != nil {
			return nil, err
		}
	}
	if run.Name = current.Run; current.Files == nil {
		current.Files = map[string]*arrival{}
	}
	// A crash may have come between the run's name and the note of it.
	final, path := filepath.Join(w.dir, run.Name), filepath.Join(w.dir, run.Name+partial)
	there, err := exists(final)
	if err == nil && there {
		err = os.Rename(final, path)
	}
	if err != nil {
		return nil, fmt.Errorf("going on with the export's folder: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("making the export's folder: %w", err)
	}
	return run, syncFolder(w.dir)
}

// vacantRun is a run's name that no other has.
func (w *work) vacantRun(name string) (string, error) {
	for n := 1; ; n++ {
		tried := name
		if n > 1 {
			tried = fmt.Sprintf("%s-%d", name, n)
		}
		there, err := exists(filepath.Join(w.dir, tried))
		if err != nil {
			return "", err
		}
		if !there && !slices.Contains(w.state.Runs, tried) {
			return tried, nil
		}
	}
}

// ended is the moment up to which an export is surely complete. AB2D writes its
// transactionTime without a zone; the moment it accepted the export is the same
// moment. A server may also write the moment at which its job ended: what changed
// while the job ran may then be missing, so that the moment of acceptance counts.
func (w *work) ended(m *Manifest) time.Time {
	accepted := w.state.Current.Job.Accepted
	if at := w.state.Current.At; accepted.IsZero() && !m.TransactionTime.IsZero() {
		accepted = at // by this machine's clock, where the server tells no time
	}
	if !accepted.IsZero() && (m.TransactionTime.IsZero() || m.TransactionTime.After(accepted.Add(dateMargin))) {
		return accepted.Add(-dateMargin)
	}
	return m.TransactionTime
}

// parallelism is how many files are fetched at once.
func (w *work) parallelism() int {
	if w.parallel > 0 {
		return w.parallel
	}
	return defaultParallel
}

// fetchAll fetches the files that are not there, several at once. One that is
// damaged does not keep the others back.
func (w *work) fetchAll(ctx context.Context, run *Run, files []File) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.parallelism())
	damaged := make([]error, len(files))
	for i, f := range files {
		g.Go(func() error {
			name := run.Files[i].Name
			err := w.fetchOne(ctx, f, name)
			if err == nil {
				return nil
			}
			err = fmt.Errorf("downloading %s: %w", name, err)
			if errors.Is(err, ErrDamaged) || errors.Is(err, ErrNotPromised) {
				damaged[i] = err
				return nil
			}
			return err
		})
	}
	return errors.Join(append(damaged, g.Wait())...)
}

// complete gives the run its name and notes up to when the folder is complete.
func (w *work) complete(run *Run, m *Manifest) error {
	path := filepath.Join(w.dir, run.Name+partial)
	current, until := w.state.Current, w.ended(m)
	run.TransactionTime = until
	run.counted(current.Files)
	run.Continuous = current.continues(w.state.Since) && !until.IsZero()
	if err := run.write(path); err != nil {
		return fmt.Errorf("writing the run's manifest: %w", err)
	}
	if err := os.Rename(path, filepath.Join(w.dir, run.Name)); err != nil {
		return fmt.Errorf("naming the run: %w", err)
	}
	if err := syncFolder(w.dir); err != nil {
		return fmt.Errorf("naming the run: %w", err)
	}
	return w.note(func(c *ongoing) {
		w.state.Runs = append(w.state.Runs, run.Name)
		if run.Continuous && until.After(w.state.Since) {
			w.state.Since = until
		}
		c.Complete, c.Files = true, nil
	})
}

// continues tells whether with this export the folder is complete up to its
// end: it has no other bound than a start that leaves no gap.
func (c *ongoing) continues(since time.Time) bool {
	r := c.Request
	return r.Until.IsZero() && len(r.TypeFilter) == 0 && len(r.Patients) == 0 && (since.IsZero() || !r.Since.After(since))
}
