package obs

import (
	"sync"
	"time"
)

// Limiter counts events by key: each may have Burst of them at once, and one
// more after every Interval. What it keeps is bounded. Safe for concurrent use.
type Limiter struct {
	Burst    int
	Interval time.Duration

	mu sync.Mutex
	// full is when each key has all of its events again; one that is not there
	// has them.
	full map[string]time.Time
}

// maxKeys bounds the keys that are remembered. Beyond it those are forgotten
// that have all of their events, and then any.
const maxKeys = 20_000

// Take takes one event. If the key has none left, it says how long until it
// has.
func (l *Limiter) Take(key string, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := l.full[key]
	if full.Before(now) {
		full = now
	}
	if empty := now.Add(time.Duration(l.Burst) * l.Interval); full.After(empty) { // the clock was set back
		full = empty
		l.full[key] = full
	}
	full = full.Add(l.Interval)
	if wait := full.Sub(now) - time.Duration(l.Burst)*l.Interval; wait > 0 {
		return wait, false
	}
	if l.full == nil {
		l.full = map[string]time.Time{}
	}
	if _, known := l.full[key]; !known && len(l.full) >= maxKeys {
		l.forget(now)
	}
	l.full[key] = full
	return 0, true
}

// Give gives back what was taken.
func (l *Limiter) Give(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if full, ok := l.full[key]; ok {
		l.full[key] = full.Add(-l.Interval)
	}
}

func (l *Limiter) forget(now time.Time) {
	for key, full := range l.full {
		if !full.After(now) {
			delete(l.full, key)
		}
	}
	for key := range l.full {
		if len(l.full) < maxKeys*3/4 {
			return
		}
		delete(l.full, key)
	}
}
