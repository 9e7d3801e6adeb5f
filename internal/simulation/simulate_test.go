package simulation_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/store"
)

// firstDay is when histories in virtual time begin.
func firstDay() time.Time { return time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC) }

// emptyDatabase is a database file with all tables and nothing in them.
var emptyDatabase = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "ab2d-simulation-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "ab2d.db")
	db, err := store.Open(context.Background(), "sqlite:"+path, time.Now)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // writes what is in the log beside the file into the file
		return nil, err
	}
	return os.ReadFile(path)
})

// scratch is a folder in memory where there is one: histories sync often.
func scratch(t testing.TB) string {
	t.Helper()
	parent := ""
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		parent = "/dev/shm"
	}
	dir, err := os.MkdirTemp(parent, "ab2d-simulation-")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// result is what came of a history.
type result struct {
	seed   uint64
	faults []string // what must not have happened
	fired  []string // faults and events, by name
	trace  uint64
	calls  int
	took   time.Duration // of the world
	hits   *hits
}

// history runs one history in virtual time.
func history(t *testing.T, seed uint64, m mutant, skip map[string]bool) (r result) {
	empty, err := emptyDatabase()
	if err != nil {
		t.Fatal(err)
	}
	dir := scratch(t)
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "ab2d.db"), empty, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, m, skip)
		w.offset = time.Until(firstDay())
		if w.db, err = store.Open(context.Background(), "sqlite:"+filepath.Join(dir, "ab2d.db"), w.now); err != nil {
			t.Fatal(err)
		}
		w.store, w.objects = m.wrap(w)
		if err := w.set(dir); err != nil {
			t.Fatal(err)
		}
		w.play(context.Background())
		w.end()
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
		w.hits.close()
		r = result{seed, w.judge.failures(), w.fired, w.trace, w.calls, w.since(), w.hits}
	})
	return r
}

// set makes the data and starts the processes.
func (w *world) set(dir string) (err error) {
	w.began = w.now()
	if w.data, err = newData(context.Background(), w); err != nil {
		return fmt.Errorf("make the data: %w", err)
	}
	if err := w.addSponsors(context.Background(), dir); err != nil {
		return fmt.Errorf("add the sponsors: %w", err)
	}
	for i := range w.plan.apis {
		w.launch(fmt.Sprint("a", i+1), false, w.serveAPI)
	}
	for i := range w.plan.workers {
		w.launch(fmt.Sprint("w", i+1), i < w.plan.old, func(p *process) { w.work(p); w.lookForOrphans(p) })
	}
	for _, s := range w.sponsors {
		w.launch(s.name, false, s.run)
	}
	w.operator = &operator{w: w}
	w.launch("operator", false, w.operator.run)
	w.at(w.plan.quiet, "calm", w.calmDown)
	return nil
}

// lookForOrphans looks for files of nobody from a process.
func (w *world) lookForOrphans(p *process) {
	e := &engine{caller{p, p.name}}
	o := &export.Orphans{Jobs: e, Files: &processFiles{caller{p, p.name}}, Queue: e, Log: w.log}
	p.goes(func() { o.Run(p.ctx, orphansEvery/w.scale) })
}

const (
	orphansEvery = 30 * time.Second
	// longestLate is how late a late effect is at most.
	longestLate = 42 * time.Second
	// longestHistory is how long all may take that was begun when the faults end.
	longestHistory = 40 * time.Minute
)

// calmDown ends the faults. What was late has taken effect some time later.
func (w *world) calmDown() {
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	w.at(longestLate, "attest", func() {
		for i := range w.plan.contracts {
			c := w.data.contract(contractName(i))
			if err := w.db.PutContracts(context.Background(), []coverage.Contract{c}, true); err != nil {
				w.judge.fail("attest contract %s: %v", c.Number, err)
			}
			w.data.attested(c.Number, true)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.attestedAgain = true
	})
}

// play runs the history to its end and judges it.
func (w *world) play(ctx context.Context) {
	rest, late := false, false
	w.look(func() {
		rest = w.atRest(ctx)
		late = w.since()*w.scale > w.plan.quiet+longestHistory
	}, func() bool { return rest || late || len(w.judge.failures()) > 0 })
	if late && !rest {
		w.judge.fail("not everything has come to its end %v after the last fault: %s", longestHistory, w.open(ctx))
	}
	if len(w.judge.failures()) > 0 {
		return
	}
	looked := w.since() * w.scale
	w.look(func() {}, func() bool { return w.since()*w.scale > looked+2*orphansEvery })
	w.judge.atEnd(ctx)
	if len(w.judge.failures()) > 0 {
		return
	}
	done := w.since()*w.scale + w.retention() + time.Minute
	w.look(func() {}, func() bool { return w.since()*w.scale > done })
	w.judge.atEnd(ctx)
	if keys := w.bucket.keys(""); len(keys) > 0 {
		w.judge.fail("all jobs are expired, and %d files are stored", len(keys))
	}
}

// look lets the world go on until done, and looks at it now and then.
func (w *world) look(see func(), done func() bool) {
	if w.real {
		for see(); !done(); see() {
			w.sleep(context.Background(), time.Second) // until the history is over, which is later
		}
		return
	}
	ended := false
	var again func()
	again = func() {
		see()
		if ended = done(); !ended {
			w.at(5*time.Second, w.number("look"), again)
		}
	}
	again()
	w.run(func() bool { return ended })
}

// atRest tells that everybody has done all, and nothing is to be done.
func (w *world) atRest(ctx context.Context) bool {
	w.mu.Lock()
	attested := w.attestedAgain
	w.mu.Unlock()
	return attested && w.open(ctx) == ""
}

// open says what is not done yet.
func (w *world) open(ctx context.Context) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, s := range w.sponsors {
		if !s.ended {
			list = append(list, fmt.Sprintf("sponsor %s (%d exports)", s.name, s.done))
		}
	}
	if !w.operator.ended {
		list = append(list, "the operator")
	}
	jobs, err := w.db.List(ctx, "", 1000)
	if err != nil {
		list = append(list, err.Error())
	}
	for _, j := range jobs {
		if !j.State.Ended() {
			list = append(list, fmt.Sprintf("job %s (%s)", j.ID, j.State))
		}
	}
	return strings.Join(list, ", ")
}

// TestSimulation runs histories, each from its seed.
func TestSimulation(t *testing.T) {
	t.Parallel()
	count, first := 300, uint64(1)
	if testing.Short() {
		count = 20
	}
	if s := os.Getenv("AB2D_SIMULATE"); s != "" {
		count = number(t, s)
	}
	if s := os.Getenv("AB2D_SIMULATE_SEED"); s != "" {
		first = uint64(number(t, s))
	}
	began := time.Now()
	total, failed := many(t, first, count, mutant{})
	t.Logf("%d histories, %.1f a second\n%s", count, float64(count)/time.Since(began).Seconds(), total)
	for _, r := range failed {
		t.Errorf("seed %d:\n  %s", r.seed, strings.Join(r.faults, "\n  "))
	}
	if len(failed) > 0 {
		small := shrink(t, failed[0], mutant{})
		t.Errorf("seed %d fails with these alone: %s", failed[0].seed, strings.Join(small, ", "))
	}
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		t.Fatalf("%q is not a number", s)
	}
	return n
}

// maxFailures is how many failures are reported.
const maxFailures = 5

// many runs histories on all processors, and gives those that failed.
func many(t *testing.T, first uint64, count int, m mutant) (*hits, []result) {
	total := newHits()
	var mu sync.Mutex
	var failed []result
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for {
				i := next.Add(1) - 1
				mu.Lock()
				enough := len(failed) >= maxFailures
				mu.Unlock()
				if i >= int64(count) || enough {
					return
				}
				r := history(t, first+uint64(i), m, nil)
				mu.Lock()
				total.add(r.hits)
				if len(r.faults) > 0 {
					failed = append(failed, r)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.SortFunc(failed, func(a, b result) int { return int(a.seed) - int(b.seed) })
	return total, failed
}

// shrink leaves out as many faults and events as it can, so that the history still
// fails, and gives the rest.
func shrink(t *testing.T, r result, m mutant) []string {
	keep := slices.Clone(r.fired)
	fails := func(without []string) ([]string, bool) {
		skip := map[string]bool{}
		for _, name := range without {
			skip[name] = true
		}
		again := history(t, r.seed, m, skip)
		return again.fired, len(again.faults) > 0
	}
	var without []string
	for size := len(keep) / 2; size > 0; size /= 2 {
		for at := 0; at < len(keep); {
			part := keep[at:min(at+size, len(keep))]
			if fired, ok := fails(append(slices.Clone(without), part...)); ok {
				without = append(without, part...)
				keep = fired
				continue
			}
			at += size
		}
	}
	return keep
}

// TestReplay: a seed gives the same history again, call for call.
func TestReplay(t *testing.T) {
	for seed := range uint64(4) {
		a, b := history(t, seed+1, mutant{}, nil), history(t, seed+1, mutant{}, nil)
		if a.trace != b.trace || a.calls != b.calls {
			t.Errorf("seed %d: %d calls, then %d; %x, then %x", seed+1, a.calls, b.calls, a.trace, b.trace)
		}
	}
}
