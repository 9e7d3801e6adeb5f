package simulation_test

import (
	"slices"
	"time"
)

// idle knows when there can be new work: after a change, and when a lease lapses or
// a pause ends.
type idle struct {
	changed bool
	looked  time.Time   // when there was no work last
	moments []time.Time // at which a step may become free
	skipped int
}

// changes notes a change, and another one that comes by itself after d.
func (w *world) changes(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle.changed = true
	if d > 0 {
		w.idle.moments = append(w.idle.moments, w.now().Add(d))
	}
}

// noWork notes that there was none.
func (w *world) noWork() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle.changed, w.idle.looked = false, w.now()
	w.idle.moments = slices.DeleteFunc(w.idle.moments, func(t time.Time) bool { return t.Before(w.idle.looked.Add(-time.Second)) })
}

// nothingToDo tells that there cannot be work. One time in fifty it does not, so that
// the next look proves it.
func (w *world) nothingToDo() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.real || w.idle.changed || w.idle.looked.IsZero() {
		return false
	}
	now := w.now()
	for _, t := range w.idle.moments {
		if !t.Before(w.idle.looked.Add(-time.Second)) && !t.After(now.Add(time.Second)) {
			return false
		}
	}
	w.idle.skipped++
	return w.idle.skipped%50 != 0
}
