package simulation_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
)

// judge looks on, and says what must not have happened.
type judge struct {
	w *world

	mu       sync.Mutex
	faults   []string
	holders  map[string]holder       // of steps, by job, step and part
	leases   map[string]export.Lease // of each worker: its last
	pages    map[string][]coverage.Enrollee
	parts    map[string]part // committed, by job and number
	jobs     map[string]*record
	keys     map[string]string // job by client's key
	finished []string          // completed jobs, in order
	sent     map[string]*sentFile
	audit    map[string]int // events that must be in the audit log

	refereeing sync.Mutex
	referee    *export.Worker // of undisturbed runs, one at a time
}

// holder is who has a lease, and until when.
type holder struct {
	worker string
	fence  int
	until  time.Time
	since  time.Time
}

// part is what a part was exported with.
type part struct {
	enrollees []coverage.Enrollee
	notRead   map[coverage.EnrolleeID]bool
}

// record is what is known of a job.
type record struct {
	job     *export.Job
	want    *reference // of a completed job
	found   *export.Job
	deleted bool
}

func newJudge(w *world) *judge {
	return &judge{w: w, holders: map[string]holder{}, leases: map[string]export.Lease{}, pages: map[string][]coverage.Enrollee{}, parts: map[string]part{},
		jobs: map[string]*record{}, keys: map[string]string{}, sent: map[string]*sentFile{}, audit: map[string]int{}}
}

// fail notes what must not have happened.
func (g *judge) fail(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if text := fmt.Sprintf("%v: ", g.w.since().Round(time.Millisecond)) + fmt.Sprintf(format, args...); len(g.faults) < 20 {
		g.faults = append(g.faults, text)
	}
}

func (g *judge) failures() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.faults)
}

// accepted notes a job, and that its key has no other.
func (g *judge) accepted(j *export.Job) {
	g.mu.Lock()
	g.jobs[j.ID] = &record{job: j}
	had := g.keys[j.Key]
	if j.Key != "" {
		g.keys[j.Key] = j.ID
	}
	g.mu.Unlock()
	g.w.changes(0)
	g.w.hits.state(g.w, "job accepted")
	if had == "" {
		return
	}
	// A job whose files have expired is over, although it is called completed until the next sweep.
	if before, err := g.w.db.Job(context.Background(), had); err == nil && (!before.State.Ended() || before.State == export.Completed && before.Expires.After(g.w.now())) {
		g.fail("a request with the key of job %s, which is %s, got another job: %s", had, before.State, j.ID)
	}
}

func (g *judge) deleted(id string) {
	g.mu.Lock()
	if r := g.jobs[id]; r != nil {
		r.deleted = true
	}
	g.mu.Unlock()
	g.w.changes(0)
	g.w.hits.state(g.w, "job canceled")
}

// tolerance is how much later than its effect something may be noted.
func (w *world) tolerance() time.Duration {
	if w.real {
		return time.Second
	}
	return 0
}

func stepName(l export.Lease) string { return fmt.Sprint(l.Job, " ", l.Step, " ", l.Part) }

// leased notes who has a step. Nobody gets it before its lease has lapsed or was
// given back.
func (g *judge) leased(l export.Lease, worker string, ttl time.Duration) {
	g.mu.Lock()
	name := stepName(l)
	had, held := g.holders[name]
	now := g.w.now()
	g.holders[name] = holder{worker, l.Fence, now.Add(ttl), now}
	g.leases[worker] = l
	delete(g.pages, worker)
	writing := ""
	for step, h := range g.holders {
		if l.Step == export.StepSweep && strings.HasPrefix(step, l.Job+" "+string(export.StepPart)+" ") && h.until.After(now.Add(time.Millisecond)) {
			writing = step
		}
	}
	g.mu.Unlock()
	if g.w.real { // others go on between an effect and its note
		return
	}
	if writing != "" {
		g.fail("%s sweeps job %s while %s is under way", worker, l.Job, writing)
	}
	if held && l.Step != export.StepSweep && had.until.After(now.Add(time.Millisecond)) {
		g.fail("%s got %s, which %s holds for %v yet", worker, name, had.worker, had.until.Sub(now))
	}
	if held && had.fence >= l.Fence {
		g.fail("%s got %s with fence %d after %d", worker, name, l.Fence, had.fence)
	}
}

func (g *judge) extended(l export.Lease, worker string, ttl time.Duration) {
	g.mu.Lock()
	name := stepName(l)
	had := g.holders[name]
	if had.fence == l.Fence {
		had.until = g.w.now().Add(ttl)
		g.holders[name] = had
	}
	g.mu.Unlock()
	if had.fence != l.Fence && !g.w.real {
		g.fail("%s extended %s with fence %d, but %s has fence %d", worker, name, l.Fence, had.worker, had.fence)
	}
}

// ended notes that a lease is not held any more.
func (g *judge) ended(l export.Lease) {
	g.mu.Lock()
	had := g.holders[stepName(l)]
	if had.fence == l.Fence {
		had.until = time.Time{}
		g.holders[stepName(l)] = had
	}
	g.mu.Unlock()
	if had.fence != l.Fence && !g.w.real {
		g.fail("the step %s was ended with fence %d, but %s has fence %d", stepName(l), l.Fence, had.worker, had.fence)
	}
}

// released notes that a lease was given back, unless another one has it by now.
func (g *judge) released(l export.Lease, _ *export.StepFailure) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if had := g.holders[stepName(l)]; had.fence == l.Fence {
		had.until = time.Time{}
		g.holders[stepName(l)] = had
	}
}

// read notes the enrollees that a worker reads first under its lease: those of its
// part.
func (g *judge) read(worker string, page []coverage.Enrollee) {
	for i := range page {
		if want := g.w.data.isOptedOut(&page[i]); page[i].OptedOut != want && !g.w.real {
			g.fail("enrollee %d was read as opted out: %v, and not %v", page[i].ID, page[i].OptedOut, want)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, has := g.pages[worker]; !has {
		g.pages[worker] = slices.Clone(page)
	}
}

// committed notes what a part was exported with.
func (g *judge) committed(l export.Lease, ledger export.Ledger) {
	p := part{notRead: map[coverage.EnrolleeID]bool{}}
	for e, err := range export.Entries(ledger.Bytes) {
		if err != nil {
			g.fail("the ledger of part %d of job %s: %v", l.Part, l.Job, err)
			return
		}
		if e.Outcome == export.NotRead {
			p.notRead[e.Enrollee] = true
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for worker, has := range g.leases {
		if has == l {
			p.enrollees = g.pages[worker]
		}
	}
	g.parts[fmt.Sprint(l.Job, l.Part)] = p
}

// completed compares a job with what it has to be.
func (g *judge) completed(ctx context.Context, id string, want *reference) {
	g.w.hits.state(g.w, "job completed")
	if want.fault != "" { // of another call to complete the job it says nothing: its enrollment may have gone
		g.fail("%s", want.fault)
	}
	found, err := g.w.db.Job(ctx, id)
	if err != nil {
		g.fail("read job %s: %v", id, err)
		return
	}
	g.mu.Lock()
	r := g.jobs[id]
	if r == nil { // whoever accepted it did not come to say so
		r = &record{job: found}
		g.jobs[id] = r
	}
	r.want, r.found = want, found
	g.finished = append(g.finished, id)
	step := g.holders[stepName(export.Lease{Job: id, Step: export.StepFinish})]
	g.mu.Unlock()
	if since, ok := g.w.data.withdrawnSince(found.Contract); ok && since.Before(step.since.Add(-g.w.tolerance())) {
		g.fail("job %s was completed %v after its contract's attestation was withdrawn", id, g.w.now().Sub(since))
	}
	if found.Totals != want.totals {
		g.fail("the ledger of job %s has %+v, and not %+v", id, found.Totals, want.totals)
	}
	g.compare(ctx, id, want)
}

// compare compares the files of a job with those of the undisturbed run, byte by byte.
func (g *judge) compare(ctx context.Context, id string, want *reference) {
	files, err := g.w.db.Files(ctx, id)
	if err != nil {
		g.fail("list the files of job %s: %v", id, err)
		return
	}
	if len(files) != len(want.files) {
		g.fail("job %s has %d files, and not %d", id, len(files), len(want.files))
		return
	}
	for i, f := range files {
		w := &want.files[i]
		stored, ok := g.w.objects.get(f.Key)
		switch {
		case f.Name != w.Name || f.Kind != w.Kind || f.Count != w.Count || f.Length != w.Length || !bytes.Equal(f.SHA256, w.SHA256):
			g.fail("file %s of job %s has %d lines and %d bytes, and not, as %s, %d and %d", f.Name, id, f.Count, f.Length, w.Name, w.Count, w.Length)
		case !ok:
			g.fail("the bytes of file %s of job %s are missing: %s", f.Name, id, f.Key)
		case !bytes.Equal(stored, want.bytes[w.Name]):
			g.fail("the bytes of file %s of job %s are others than those of an undisturbed run", f.Name, id)
		}
	}
}
