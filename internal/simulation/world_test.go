package simulation_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ab2d/internal/store"
)

// errOver ends what is still under way when a history is over.
var errOver = errors.New("the history is over")

// errFault is what a simulated failure returns: one that passes.
var errFault error = passing{}

type passing struct{}

func (passing) Error() string { return "simulated failure" }
func (passing) Transient()    {}

// world is one history: a database, a bucket, processes, sponsors, and what happens
// to them. All that happens is decided by the seed: each decision is drawn from the
// seed and the name of what it is about, so that leaving one out does not change the
// others.
//
// In virtual time one call at a time is let through to the database or the bucket, in
// the order of the times at which they are due. In real time they run as they come.
type world struct {
	t      testing.TB
	seed   uint64
	plan   plan
	mutant mutant
	skip   map[string]bool // decisions that are left out, to find the smallest history that fails
	only   map[string]bool // those that are not left out; nil: all
	traced bool            // each call is printed
	real   bool
	offset time.Duration // of the simulated clock to Go's
	scale  time.Duration // all waits are divided by it; 1 in virtual time

	db      *store.DB
	store   backend // db, or a mutant of it
	bucket  *bucket
	objects objects // bucket, or a mutant of it
	log     *slog.Logger

	mu      sync.Mutex
	fresh   []*call // not scheduled yet
	waiting []*call
	count   map[string]int // calls, by process and operation
	fired   []string       // faults and events that happened, by name
	trace   uint64         // hash of all that was let through
	calls   int
	isOver  bool
	wake    chan struct{}
	over    chan struct{}
	running sync.WaitGroup

	processes     []*process
	sponsors      []*sponsor
	operator      *operator
	attestedAgain bool
	data          *data
	judge         *judge
	hits          *hits
	calm          bool // no more faults
	began         time.Time
	idle          idle
}

// call is a call that waits to be let through.
type call struct {
	p       *process // nil: of the world
	name    string
	can     kinds
	due     time.Time
	verdict verdict
	run     func() // of an event
	ready   chan struct{}
}

func newWorld(t testing.TB, seed uint64, m mutant, skip map[string]bool) *world {
	w := &world{t: t, seed: seed, mutant: m, skip: skip, only: onlyThese(), traced: os.Getenv("AB2D_SIMULATE_TRACE") != "", scale: 1, count: map[string]int{}, wake: make(chan struct{}, 1), over: make(chan struct{}), hits: newHits(),
		log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	w.plan = newPlan(w.random("plan"))
	w.bucket = newBucket(w)
	w.judge = newJudge(w)
	return w
}

// random gives the random numbers of one decision.
func (w *world) random(name string) *rand.Rand {
	h := fnv.New64a()
	io.WriteString(h, name) // never fails
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// now is the time of the simulated world.
func (w *world) now() time.Time { return time.Now().Add(w.offset) }

// since is the time since the history began.
func (w *world) since() time.Duration { return w.now().Sub(w.began) }

// after is a number of the name, counted from 1.
func (w *world) number(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count[name]++
	return fmt.Sprintf("%s#%d", name, w.count[name])
}

// onlyThese are the faults and events that are not left out; nil: all.
func onlyThese() map[string]bool {
	list := os.Getenv("AB2D_SIMULATE_ONLY")
	if list == "" {
		return nil
	}
	m := map[string]bool{}
	for name := range strings.SplitSeq(list, ", ") {
		m[name] = true
	}
	return m
}

// leftOut tells that a fault or an event does not happen.
func (w *world) leftOut(name string) bool { return w.skip[name] || w.only != nil && !w.only[name] }

// decide gives the verdict on a call.
func (w *world) decide(p *process, name string, can kinds) verdict {
	r := w.random(name)
	v := verdict{latency: time.Duration(100_000 + r.Int64N(int64(w.plan.latency))), choice: r.Uint32()}
	if w.calm || p == nil || p.steady {
		return v
	}
	v.kind = w.plan.draw(r, operation(name), can)
	v.delay = w.plan.delay(r, v.kind)
	if v.kind == none {
		return v
	}
	if w.leftOut(name) {
		v.kind, v.delay = none, 0
		return v
	}
	w.fired = append(w.fired, name)
	w.hits.fault(v.kind, name)
	return v
}

// ask waits until a call may go on, and gives the verdict on it. Its error ends the
// call. In a process that is dead nothing goes on before the history is over.
func (w *world) ask(ctx context.Context, p caller, op string, can kinds) (verdict, error) {
	c := &call{p: p.process, name: w.number(p.actor + " " + op), can: can, ready: make(chan struct{})}
	if w.real {
		return w.askNow(ctx, c)
	}
	w.enqueue(c)
	select {
	case <-c.ready:
	case <-w.over:
		return verdict{}, errOver
	case <-ctx.Done():
		w.withdraw(c)
	}
	if p.isDead() {
		<-w.over
		return verdict{}, errOver
	}
	if c.verdict == (verdict{}) || ctx.Err() != nil {
		return verdict{}, context.Cause(ctx)
	}
	return c.verdict, nil
}

// askNow is ask in real time.
func (w *world) askNow(ctx context.Context, c *call) (verdict, error) {
	w.mu.Lock()
	v := w.decide(c.p, c.name, c.can)
	w.mu.Unlock()
	wait := v.latency + v.before()
	for {
		t := time.NewTimer(wait / w.scale)
		select {
		case <-t.C:
		case <-w.over:
			t.Stop()
			return verdict{}, errOver
		case <-ctx.Done():
		}
		t.Stop()
		if c.p.isDead() {
			<-w.over
			return verdict{}, errOver
		}
		if ctx.Err() != nil {
			return verdict{}, context.Cause(ctx)
		}
		if wait = c.p.frozen(); wait <= 0 {
			return v, nil
		}
	}
}

func (w *world) enqueue(c *call) {
	w.mu.Lock()
	w.fresh = append(w.fresh, c)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *world) withdraw(c *call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	same := func(o *call) bool { return o == c }
	w.fresh, w.waiting = slices.DeleteFunc(w.fresh, same), slices.DeleteFunc(w.waiting, same)
}

// at lets something happen some time from now.
func (w *world) at(d time.Duration, name string, run func()) {
	if w.real {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.isOver {
			w.running.Go(func() {
				if w.sleep(context.Background(), d) == nil {
					run()
				}
			})
		}
		return
	}
	w.enqueue(&call{name: name, due: w.now().Add(d), run: run})
}

// run lets calls through until done.
func (w *world) run(done func() bool) {
	for !done() {
		synctest.Wait()
		next := w.next()
		if next == nil {
			<-w.wake
			continue
		}
		if d := next.due.Sub(w.now()); d > 0 {
			t := time.NewTimer(d)
			select {
			case <-t.C:
			case <-w.wake:
			}
			t.Stop()
			continue
		}
		w.release(next)
	}
}

// next schedules what is new, and gives the call that is due first.
func (w *world) next() *call {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortStableFunc(w.fresh, func(a, b *call) int { return cmp.Compare(a.name, b.name) })
	for _, c := range w.fresh {
		if c.run == nil {
			c.verdict = w.decide(c.p, c.name, c.can)
			c.due = w.now().Add(c.verdict.latency + c.verdict.before())
		}
		w.waiting = append(w.waiting, c)
	}
	w.fresh = nil
	var first *call
	var firstDue time.Time
	for _, c := range w.waiting {
		due := c.due
		if c.p != nil {
			if c.p.dead {
				continue
			}
			if c.p.frozenUntil.After(due) {
				due = c.p.frozenUntil
			}
		}
		if first == nil || due.Before(firstDue) || due.Equal(firstDue) && c.name < first.name {
			first, firstDue = c, due
		}
	}
	if first != nil {
		first.due = firstDue
	}
	return first
}

func (w *world) release(c *call) {
	w.mu.Lock()
	w.waiting = slices.DeleteFunc(w.waiting, func(o *call) bool { return o == c })
	w.calls++
	h := fnv.New64a()
	fmt.Fprintf(h, "%x %s %d %d", w.trace, c.name, c.due.UnixNano(), c.verdict.kind)
	w.trace = h.Sum64()
	w.mu.Unlock()
	if w.traced {
		w.t.Logf("%v %s %s", c.due.Sub(w.began), c.name, c.verdict.kind)
	}
	if c.run != nil {
		c.run()
		return
	}
	close(c.ready)
}

// sleep waits in the time of the world, unless ctx or the history ends before.
func (w *world) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d / w.scale)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-w.over:
		return errOver
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end ends the history: all that waits returns with an error.
func (w *world) end() {
	w.mu.Lock()
	w.isOver = true
	w.mu.Unlock()
	close(w.over)
	for _, p := range w.processes {
		p.cancel()
	}
	w.running.Wait()
}

// do makes a call of a process, with the fault that is decided for it.
func do[T any](ctx context.Context, p caller, op string, can kinds, f func(context.Context) (T, error)) (T, error) {
	var nothing T
	w := p.w
	v, err := w.ask(ctx, p, op, can)
	if err != nil {
		return nothing, err
	}
	switch v.kind {
	case failBefore:
		return nothing, fmt.Errorf("%s: %w", op, errFault)
	case killBefore:
		return nothing, p.die()
	case late:
		later := context.WithoutCancel(ctx)
		w.at(v.delay, "late "+p.actor+" "+op, func() { f(later) }) // nobody hears what came of it
		return nothing, fmt.Errorf("%s: %w", op, errFault)
	}
	r, err := f(context.WithValue(ctx, callerKey{}, p))
	if p.isDead() { // it waited for something meanwhile
		<-w.over
		return nothing, errOver
	}
	switch v.kind {
	case loseAfter:
		return nothing, fmt.Errorf("%s: the answer was lost: %w", op, errFault)
	case killAfter:
		return nothing, p.die()
	case freezeAfter:
		p.freeze(v.delay)
	case slowAfter:
		if e := w.sleep(ctx, v.delay); e != nil {
			return nothing, e
		}
	}
	if v.kind == freezeAfter || v.kind == slowAfter {
		if _, e := w.ask(ctx, p, op+" returns", 0); e != nil {
			return nothing, e
		}
	}
	return r, err
}

// callerKey is that of the caller, for mutants that stop in the middle of a call.
type callerKey struct{}

// doing is do for calls that return only an error.
func doing(ctx context.Context, p caller, op string, can kinds, f func(context.Context) error) error {
	_, err := do(ctx, p, op, can, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}
