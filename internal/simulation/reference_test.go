package simulation_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// reference is what an undisturbed run makes of a job.
type reference struct {
	files  []export.File // in the order of their numbers, claims first
	bytes  map[string][]byte
	totals export.Totals
	fault  string // why the run did not complete
}

// undisturbed runs a job once more, with one worker and without faults, from the
// same enrollment, claims and ledgers. Whoever has opted out, and whose claims could
// not be read, is taken from the run that is judged.
func (g *judge) undisturbed(ctx context.Context, id string) *reference {
	j, err := g.w.db.Job(ctx, id)
	if err != nil {
		g.fail("read job %s: %v", id, err)
		return &reference{}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	q := &plainQueue{job: *j, cancel: cancel, log: []string{}}
	files := newBucket(g.w)
	g.refereeing.Lock()
	defer g.refereeing.Unlock()
	if g.referee == nil { // it has a large compressor, which is used again
		g.referee = &export.Worker{Name: "undisturbed", Jobs: g.w.db, Ledgers: g.w.db, Notifier: export.NewNotifier(), Now: g.w.now, Log: g.w.log, Settings: g.w.settings()}
		g.referee.Attempts, g.referee.Lease, g.referee.Idle = 1, time.Hour, time.Hour
	}
	g.referee.Queue, g.referee.Roster, g.referee.Claims, g.referee.Files = q, &plainRoster{judge: g, job: j}, &plainClaims{judge: g, job: j}, plainFiles{files}
	g.referee.Run(ctx)
	r := &reference{bytes: map[string][]byte{}, totals: q.totals, files: q.files}
	if len(q.log) > 0 || !q.finished {
		r.fault = fmt.Sprintf("an undisturbed run of job %s does not complete: %v", id, q.log)
	}
	slices.SortStableFunc(r.files, func(a, b export.File) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Number, b.Number))
	})
	for _, f := range r.files {
		r.bytes[f.Name], _ = files.get(f.Key)
	}
	return r
}

// plainQueue is a queue of one job for one worker.
type plainQueue struct {
	job      export.Job
	cancel   context.CancelFunc
	planned  bool
	parts    []export.Part
	results  []export.PartResult
	finished bool
	files    []export.File
	totals   export.Totals
	log      []string // faults
}

func (q *plainQueue) Lease(context.Context, string, string, time.Duration) (*export.Task, error) {
	l := export.Lease{Job: q.job.ID, Fence: 1}
	switch {
	case q.finished || len(q.log) > 0:
		q.cancel()
		return nil, export.ErrNoWork
	case !q.planned:
		l.Step = export.StepPlan
		return &export.Task{Lease: l, Job: q.job}, nil
	case len(q.results) < len(q.parts):
		p := q.parts[len(q.results)]
		l.Step, l.Part = export.StepPart, p.Number
		return &export.Task{Lease: l, Job: q.job, Part: p}, nil
	}
	l.Step = export.StepFinish
	return &export.Task{Lease: l, Job: q.job}, nil
}

func (*plainQueue) Extend(context.Context, export.Lease, time.Duration, int64) error { return nil }

func (q *plainQueue) SavePlan(_ context.Context, _ export.Lease, _ string, parts []export.Part) error {
	q.parts, q.planned = parts, true
	return nil
}

func (q *plainQueue) CommitPart(_ context.Context, _ export.Lease, r export.PartResult) error {
	q.results = append(q.results, r)
	return nil
}

func (q *plainQueue) Results(_ context.Context, _ string, see func(export.Part, []export.File) error) error {
	for i, r := range q.results {
		p := q.parts[i]
		p.Ledger, p.Totals = r.Ledger.Bytes, r.Ledger.Totals
		if err := see(p, r.Files); err != nil {
			return err
		}
	}
	return nil
}

func (q *plainQueue) Finish(_ context.Context, _ export.Lease, files []export.File, totals export.Totals, _ time.Time) error {
	q.files, q.totals, q.finished = files, totals, true
	return nil
}

func (q *plainQueue) Release(_ context.Context, l export.Lease, f *export.StepFailure) error {
	if f != nil {
		q.log = append(q.log, fmt.Sprintf("%s of part %d: %s", l.Step, l.Part, f.Text))
	}
	return nil
}

func (*plainQueue) Swept(context.Context, export.Lease) error { return nil }

// plainRoster is the roster as the judged run saw it.
type plainRoster struct {
	*judge
	export.Roster
	job *export.Job
}

func (r *plainRoster) Contract(_ context.Context, number string) (coverage.Contract, error) {
	return r.w.data.contract(number), nil
}

func (r *plainRoster) Snapshot(context.Context, string) (string, error) { return r.job.Snapshot, nil }

func (r *plainRoster) Enrollees(ctx context.Context, contract, snapshot string, from coverage.EnrolleeID, limit int) ([]coverage.Enrollee, error) {
	page, err := r.w.db.Enrollees(ctx, contract, snapshot, from, limit)
	if err != nil {
		return nil, err
	}
	seen := r.seen(r.job)
	for i := range page {
		page[i].OptedOut = seen[page[i].ID].OptedOut
	}
	return page, nil
}

// seen gives the enrollees of a job as its parts have read them.
func (g *judge) seen(j *export.Job) map[coverage.EnrolleeID]coverage.Enrollee {
	g.mu.Lock()
	defer g.mu.Unlock()
	seen := map[coverage.EnrolleeID]coverage.Enrollee{}
	for n := range j.Parts {
		for _, e := range g.parts[fmt.Sprint(j.ID, n+1)].enrollees {
			seen[e.ID] = e
		}
	}
	return seen
}

// plainClaims are the claims, of which those cannot be read that the judged run
// could not.
type plainClaims struct {
	*judge
	job *export.Job
}

func (c *plainClaims) Open(ctx context.Context, q export.Query) (export.Reader, error) {
	r, err := c.w.db.Open(ctx, q)
	return &plainReader{r, c}, err
}

func (c *plainClaims) Arrived(ctx context.Context, q export.Query, earlier string) (map[coverage.EnrolleeID]time.Time, error) {
	return c.w.db.Arrived(ctx, q, earlier)
}

func (c *plainClaims) Withdrawn(ctx context.Context, q export.Query, after, until time.Time) ([]export.Withdrawal, error) {
	return c.w.db.Withdrawn(ctx, q, after, until)
}

type plainReader struct {
	export.Reader
	from *plainClaims
}

func (r *plainReader) Write(ctx context.Context, s *coverage.Selection, sink export.Sink) error {
	if r.from.unreadable(r.from.job, s.Enrollee.ID) {
		return errFault
	}
	return r.Reader.Write(ctx, s, sink)
}

func (g *judge) unreadable(j *export.Job, id coverage.EnrolleeID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for n := range j.Parts {
		if g.parts[fmt.Sprint(j.ID, n+1)].notRead[id] {
			return true
		}
	}
	return false
}

func (c *plainClaims) ReadUpTo(ctx context.Context, v fhir.Version, snapshot string) (time.Time, error) {
	return c.w.db.ReadUpTo(ctx, v, snapshot)
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
func (w *plainWriter) Commit() error { return w.put(context.Background(), w.key, "", "", w.buffer) }
func (w *plainWriter) Abort()        {}
