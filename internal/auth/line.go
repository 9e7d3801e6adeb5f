package auth

import (
	"context"
	"sync"
	"time"
)

// line is where requests wait for one of a number of slots. Who waits is bounded in
// all, by name and by pair, so that many who ask for one client, or one network that
// asks for many, leave room for others. Safe for concurrent use.
type line struct {
	slots chan struct{} // full while as many are served as may be

	mu      *sync.Mutex
	waiting map[any]int // by name and by pair
	total   *int
}

func newLine(slots int) line {
	return line{slots: make(chan struct{}, slots), mu: new(sync.Mutex), waiting: map[any]int{}, total: new(int)}
}

// enter waits for a slot. It is false if too many wait, or for too long. One that is
// preferred is only bounded by its pair.
func (l *line) enter(ctx context.Context, name string, p pair, preferred bool) bool {
	if !l.queue(name, p, preferred) {
		return false
	}
	defer l.unqueue(name, p)
	patience := time.NewTimer(slotPatience)
	defer patience.Stop()
	select {
	case l.slots <- struct{}{}:
		return true
	case <-patience.C:
	case <-ctx.Done():
	}
	return false
}

func (l *line) leave() { <-l.slots }

func (l *line) queue(name string, p pair, preferred bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := *l.total >= maxWaiting || l.waiting[name] >= maxClientWaiting
	if full && !preferred || l.waiting[p] >= maxPairWaiting {
		return false
	}
	*l.total++
	l.waiting[name]++
	l.waiting[p]++
	return true
}

func (l *line) unqueue(name string, p pair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*l.total--
	for _, key := range []any{name, p} {
		if l.waiting[key]--; l.waiting[key] == 0 {
			delete(l.waiting, key)
		}
	}
}
