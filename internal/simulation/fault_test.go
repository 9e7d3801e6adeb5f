package simulation_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// kind is a kind of fault.
type kind uint8

// The kinds of faults.
const (
	none         kind = iota
	failBefore        // the call fails and does nothing
	loseAfter         // the call takes effect, and its answer is lost
	late              // the call fails, and takes effect later
	slowBefore        // the call waits before it takes effect
	slowAfter         // the call takes effect, and its answer takes long
	killBefore        // the process dies before the call takes effect
	killAfter         // the process dies when the call has taken effect
	freezeBefore      // the process stands still, and then makes the call
	freezeAfter       // the process stands still after the call
	cut               // a connection breaks off in the middle of a body
	unread            // the claims of one enrollee cannot be read
	kindCount
)

var kindNames = [kindCount]string{"none", "failed call", "lost answer", "late effect", "slow call", "slow answer", "killed before", "killed after",
	"frozen before", "frozen after", "cut connection", "unreadable enrollee"}

// String names the kind.
func (k kind) String() string { return kindNames[k] }

// kinds is a set of kinds.
type kinds uint16

func of(list ...kind) (s kinds) {
	for _, k := range list {
		s |= 1 << k
	}
	return s
}

func (s kinds) has(k kind) bool { return s&(1<<k) != 0 }

// What can happen to calls.
var (
	reads  = of(failBefore, slowBefore, killBefore, freezeBefore)
	writes = of(failBefore, loseAfter, late, slowBefore, slowAfter, killBefore, killAfter, freezeBefore, freezeAfter)
	// leases may not take effect late: a lease that nobody knows of only lapses, and
	// loseAfter shows the same.
	leases = writes &^ of(late)
)

// verdict is what happens to a call.
type verdict struct {
	latency time.Duration // before it takes effect
	kind    kind
	delay   time.Duration
	choice  uint32 // for what else is to be decided
}

// before is how long the call waits because of its fault.
func (v verdict) before() time.Duration {
	if v.kind == slowBefore || v.kind == freezeBefore {
		return v.delay
	}
	return 0
}

// plan is what a history is made of. Each has some kinds of faults only, and more or
// fewer of them, so that rare combinations are not drowned by common ones.
type plan struct {
	faults    kinds
	odds      uint32        // one call in so many has a fault
	latency   time.Duration // of a call, at most
	focus     string        // an operation that has faults more often
	quiet     time.Duration
	apis      int
	workers   int // processes with workers
	perWorker int // workers in each
	contracts int
	enrollees int // of each
	part      int // enrollees of a part
	file      int64
	exports   int // of each sponsor
	downloads int // the limit
	events    int
	old       int // processes with workers of an older release
}

func newPlan(r *rand.Rand) plan {
	p := plan{odds: []uint32{4, 8, 15, 30, 60}[r.IntN(5)], quiet: time.Duration(10+r.IntN(50)) * time.Second,
		apis: 1 + r.IntN(2), workers: 1 + r.IntN(2), perWorker: 1 + r.IntN(2), contracts: 1 + r.IntN(2), enrollees: 3 + r.IntN(6), part: 1 + r.IntN(4),
		file: int64(300 + r.IntN(2000)), exports: 1 + r.IntN(2), downloads: 1 + r.IntN(3), events: r.IntN(6), old: r.IntN(3) / 2}
	// Where calls take long, steps are under way when leases lapse and others begin.
	p.latency = []time.Duration{20 * time.Millisecond, 20 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second}[r.IntN(4)]
	for k := failBefore; k < kindCount; k++ {
		if r.IntN(3) > 0 {
			p.faults |= of(k)
		}
	}
	if r.IntN(3) > 0 {
		p.focus = operations[r.IntN(len(operations))]
	}
	if r.IntN(3) == 0 {
		p.faults = of(failBefore, loseAfter, late, slowBefore, slowAfter, killBefore, killAfter, freezeBefore, freezeAfter, cut, unread)
	}
	return p
}

// operations are those on which a history can focus: all that take effect, and those
// that are made while a step is leased.
var operations = []string{"Accept", "Delete", "SavePlan", "CommitPart", "Finish", "Release", "Extend", "Swept", "Put", "Begin upload", "Remove", "Lease",
	"BeginDelivery", "EndDelivery", "BeginLoad", "Merge", "Publish", "PutEnrollment", "Write", "Enrollees", "Read", "Route", "GET file", "Claims", "Read file", "Contract", "Snapshot"}

// focusOdds is how rarely a call has a fault on which the history focuses.
const focusOdds = 3

// draw decides whether a call has a fault, and which.
func (p *plan) draw(r *rand.Rand, op string, can kinds) kind {
	odds := p.odds
	if op == p.focus {
		odds = focusOdds
	}
	if can&of(cut, unread) != 0 { // there are few of these calls
		odds = min(odds, 12)
	}
	if r.Uint32N(odds) != 0 {
		return none
	}
	var possible []kind
	for k := failBefore; k < kindCount; k++ {
		if can.has(k) && p.faults.has(k) {
			possible = append(possible, k)
		}
	}
	if len(possible) == 0 {
		return none
	}
	return possible[r.IntN(len(possible))]
}

// lease is how long a step is leased.
const lease = 15 * time.Second

// delay is how long a fault lasts.
func (p *plan) delay(r *rand.Rand, k kind) time.Duration {
	jitter := time.Duration(r.Int64N(int64(time.Second)))
	switch k {
	case slowBefore, slowAfter:
		return time.Duration(r.IntN(8))*time.Second + jitter
	case late, freezeBefore, freezeAfter: // often a little longer than a lease
		if r.IntN(2) == 0 {
			return lease + 3*jitter
		}
		return time.Duration(r.IntN(40))*time.Second + jitter
	}
	return 0
}

// hits counts what histories have hit.
type hits struct {
	kinds  map[kind]int
	points map[string]int // operation and before or after: where processes died
	states map[string]int // states of jobs, and how clients ended
	pairs  map[[2]kind]int
	events map[string]int
	mine   map[kind]bool // of this history
}

func newHits() *hits {
	return &hits{kinds: map[kind]int{}, points: map[string]int{}, states: map[string]int{}, pairs: map[[2]kind]int{}, events: map[string]int{}, mine: map[kind]bool{}}
}

// operation is the operation of a decision: "w1 CommitPart#3".
func operation(name string) string {
	_, op, _ := strings.Cut(name, " ")
	op, _, _ = strings.Cut(op, "#")
	return op
}

func (c *hits) fault(k kind, name string) {
	c.kinds[k]++
	c.mine[k] = true
	switch k {
	case killBefore:
		c.points["before "+operation(name)]++
	case killAfter:
		c.points["after "+operation(name)]++
	}
}

// state counts a state or an outcome.
func (c *hits) state(w *world, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.states[name]++
}

// close counts the pairs of a history.
func (c *hits) close() {
	for a := range c.mine {
		for b := range c.mine {
			if a < b {
				c.pairs[[2]kind{a, b}]++
			}
		}
	}
}

// add adds that of another history.
func (c *hits) add(o *hits) {
	addTo(c.kinds, o.kinds)
	addTo(c.points, o.points)
	addTo(c.states, o.states)
	addTo(c.pairs, o.pairs)
	addTo(c.events, o.events)
}

func addTo[K comparable](to, from map[K]int) {
	for k, n := range from {
		to[k] += n
	}
}

// String prints the counts, and the gaps.
func (c *hits) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, "faults:")
	for k := failBefore; k < kindCount; k++ {
		fmt.Fprintf(&b, "  %-20s %d\n", k, c.kinds[k])
	}
	for _, part := range []struct {
		title string
		m     map[string]int
	}{{"points at which processes died", c.points}, {"states and outcomes", c.states}, {"events", c.events}} {
		fmt.Fprintln(&b, part.title+":")
		for _, name := range slices.Sorted(maps.Keys(part.m)) {
			fmt.Fprintf(&b, "  %-40s %d\n", name, part.m[name])
		}
	}
	gaps, all := []string{}, 0
	for x := failBefore; x < kindCount; x++ {
		for y := x + 1; y < kindCount; y++ {
			if all++; c.pairs[[2]kind{x, y}] == 0 {
				gaps = append(gaps, x.String()+" and "+y.String())
			}
		}
	}
	fmt.Fprintf(&b, "pairs of faults in one history: %d of %d; never hit: %s\n", all-len(gaps), all, strings.Join(gaps, ", "))
	return b.String()
}
