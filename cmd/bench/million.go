package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/files"
	"ab2d/internal/store"
	"ab2d/internal/synth"
)

const (
	tenMillionEnrollees = 10_000_000
	tenMillionContract  = "Z9999" // of --claims=synthetic:N
)

// tenMillion exports a contract of ten million enrollees, claims left out: what is
// measured is the engine and its tables. A worker runs in this process, with a real
// database and a roster that is computed; then a real server gives the manifest.
func (b *bench) tenMillion() error {
	data, err := b.fresh("ten-million")
	if err != nil {
		return err
	}
	if err := b.tool(nil, "migrate", "--data="+data); err != nil {
		return err
	}
	db, err := store.Open(b.ctx, "sqlite:"+filepath.Join(data, "ab2d.db"), time.Now)
	if err != nil {
		return err
	}
	q := &timedQueue{Queue: db, db: db}
	err = b.exportEnrollees(db, q)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	const name = "10,000,000 enrollees, claims left out, "
	b.add(name+"plan", q.plan.Seconds(), "s", false, 20, fmt.Sprintf("%s parts", number(float64(len(q.commits)))))
	first, last := q.leased(0), q.leased(len(q.commits)-manyParts)
	b.add(name+"lease and commit of a part, at the end", last*1000, "ms", false, 2, fmt.Sprintf("%.2f ms at the beginning", first*1000))
	b.ratio(name+"lease and commit, at the end of that at the beginning", last/first, "", false, 1.5, "")
	b.add(name+"state of the running job", q.look.Seconds()*1000, "ms", false, 200, "read from the tables at half of the parts")
	b.add(name+"finish", q.finish.Seconds(), "s", false, 5, "numbers and names of all files")
	b.add(name+"memory, most that was in use", q.heap/1e6, "MB", false, 300, fmt.Sprintf("%.0f MB after the plan", q.planned/1e6))
	return b.manifestOf(name, data, q.job)
}

// exportEnrollees runs a job of all enrollees to its end.
func (b *bench) exportEnrollees(db *store.DB, q *timedQueue) error {
	source := synth.New(1, time.Now, synth.Sponsor{Name: "large", Contract: tenMillionContract, Enrollees: tenMillionEnrollees})
	job := &export.Job{ID: "6f0b8c9e-0d1c-4f7a-9a53-1d5a0e7c1b10", Contract: tenMillionContract, Client: "bench", Version: fhir.V2,
		Request: "http://localhost/api/v2/fhir/Patient/$export", Source: source.Source(), TransactionTime: time.Now().UTC().Truncate(time.Millisecond), SinceSource: export.SinceNone}
	if err := db.Accept(b.ctx, job, 1); err != nil {
		return err
	}
	q.job = job.ID
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	q.done = cancel
	w := &export.Worker{Name: "bench", Queue: q, Jobs: db, Ledgers: db, Roster: source, Claims: oneClaim{}, Source: source.Source(), Files: files.Discard{},
		Notifier: export.NewNotifier(), Now: time.Now, Log: slog.New(slog.DiscardHandler), Settings: export.DefaultSettings()}
	w.Run(ctx)
	if q.finish == 0 {
		return errors.New("the job was not completed")
	}
	return b.ctx.Err()
}

// manifestOf measures the manifest of a completed job, from a server.
func (b *bench) manifestOf(name, data, job string) error {
	s, err := b.start("--data="+data, "--claims=synthetic:"+strconv.Itoa(tenMillionEnrollees), "--files=discard:")
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(b.ctx, b.program, "admin", "client", "add", tenMillionContract, "--data="+data).Output()
	found := credential.FindSubmatch(out)
	if err != nil || found == nil {
		return fmt.Errorf("make a client: %w: %s", err, out)
	}
	token, err := s.token(string(found[1]), string(found[2]))
	if err != nil {
		return err
	}
	var listed struct{ Output []struct{} }
	var size int
	var times []time.Duration
	for range 5 {
		began := time.Now()
		text, err := b.get(s.url+"/api/v2/fhir/Job/"+job+"/$status", token)
		if err != nil {
			return err
		}
		times, size = append(times, time.Since(began)), len(text)
		if err := json.Unmarshal(text, &listed); err != nil {
			return err
		}
	}
	b.add(name+"manifest", median(times)*1000, "ms", false, 200, fmt.Sprintf("%s files, %.1f MB", number(float64(len(listed.Output))), float64(size)/1e6))
	return s.stop()
}

// manyParts is how many parts a median is of.
const manyParts = 1000

// timedQueue measures the calls of one worker.
type timedQueue struct {
	export.Queue
	db   *store.DB
	job  string
	done func()

	leasing       time.Duration   // of the part that is run
	commits       []time.Duration // lease and commit of each part
	began         time.Time       // of the plan
	plan, look    time.Duration
	finish        time.Duration
	heap, planned float64 // bytes in use
	parts         int
}

func (q *timedQueue) Lease(ctx context.Context, worker, source string, ttl time.Duration) (*export.Task, error) {
	began := time.Now()
	t, err := q.Queue.Lease(ctx, worker, source, ttl)
	if err != nil {
		return t, err
	}
	q.leasing = time.Since(began)
	switch t.Lease.Step {
	case export.StepPlan:
		q.began = time.Now()
	case export.StepFinish:
		q.began = time.Now()
	case export.StepSweep:
		q.done()
	}
	return t, nil
}

func (q *timedQueue) SavePlan(ctx context.Context, l export.Lease, snapshot string, parts []export.Part) error {
	err := q.Queue.SavePlan(ctx, l, snapshot, parts)
	q.plan, q.parts = time.Since(q.began), len(parts)
	q.measureHeap()
	q.planned = q.heap
	return err
}

func (q *timedQueue) CommitPart(ctx context.Context, l export.Lease, r export.PartResult) error {
	began := time.Now()
	err := q.Queue.CommitPart(ctx, l, r)
	q.commits = append(q.commits, q.leasing+time.Since(began))
	if len(q.commits)%manyParts == 0 {
		q.measureHeap()
	}
	if len(q.commits) == q.parts/2 {
		began := time.Now()
		if _, err := q.db.Job(ctx, q.job); err != nil {
			return err
		}
		q.look = time.Since(began)
	}
	return err
}

func (q *timedQueue) Finish(ctx context.Context, l export.Lease, list []export.File, totals export.Totals, expires time.Time) error {
	err := q.Queue.Finish(ctx, l, list, totals, expires)
	q.finish = time.Since(q.began)
	q.measureHeap()
	return err
}

// leased is the median of lease and commit of many parts, in seconds.
func (q *timedQueue) leased(from int) float64 {
	return median(append([]time.Duration{}, q.commits[from:from+manyParts]...))
}

func (q *timedQueue) measureHeap() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	q.heap = max(q.heap, float64(m.HeapInuse))
}

// oneClaim is a source with a claim for one enrollee in fifty, so that each part
// has a file.
type oneClaim struct{}

func (oneClaim) Open(context.Context, export.Query) (export.Reader, error) { return oneClaim{}, nil }

func (oneClaim) Arrived(context.Context, export.Query, string) (map[coverage.EnrolleeID]time.Time, error) {
	return nil, nil
}

func (oneClaim) Withdrawn(context.Context, export.Query, time.Time, time.Time) ([]export.Withdrawal, error) {
	return nil, nil
}

func (oneClaim) ReadUpTo(context.Context, fhir.Version, string) (time.Time, error) {
	return time.Time{}, nil
}

func (oneClaim) Write(_ context.Context, s *coverage.Selection, sink export.Sink) error {
	if s.Enrollee.ID%50 != 0 {
		return nil
	}
	return sink.Line([]byte("{}\n"))
}

func (oneClaim) Close() error { return nil }

// get reads an address.
func (b *bench) get(url, token string) ([]byte, error) {
	req, err := http.NewRequestWithContext(b.ctx, "GET", url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.200s", url, resp.Status, text)
	}
	return text, err
}
