package store

import (
	"context"
	"sync"
	"time"
)

// ErrLocked says that another process has kept the database to itself for too
// long: one that was stopped while it wrote, or a long import. It passes.
var ErrLocked error = lockedError{}

type lockedError struct{}

func (lockedError) Error() string { return "another process has locked the database for writing" }

// Transient marks it as an error that passes.
func (lockedError) Transient() {}

// lockPatience is how long the first in line waits for another process before all
// others are told, and those behind it no longer wait.
const lockPatience = 2 * time.Second

// turns let one transaction at a time begin, where the database has one writer.
// While another process keeps that to itself, one caller goes on trying and all
// others get ErrLocked at once, rather than in a line that does not move. Safe for
// concurrent use.
type turns struct {
	slot chan struct{} // full while somebody has the turn

	mu     sync.Mutex
	stuck  chan struct{} // closed while the database is locked
	locked bool          // stuck is closed
}

func newTurns() *turns {
	return &turns{slot: make(chan struct{}, 1), stuck: make(chan struct{})}
}

// take waits for the turn. The caller begins, tells began, and gives the turn back.
func (t *turns) take(ctx context.Context) error {
	select {
	case t.slot <- struct{}{}: // also while it is stuck: somebody has to try
		return nil
	default:
	}
	select {
	case t.slot <- struct{}{}:
		return nil
	case <-t.stuckNow():
		return ErrLocked
	case <-ctx.Done():
		return ctx.Err()
	}
}

// give gives the turn back.
func (t *turns) give() { <-t.slot }

// trying notes that the one whose turn it is waits for other processes. ended is to
// be told whether it could begin.
func (t *turns) trying() (ended func(began bool)) {
	late := time.AfterFunc(lockPatience, func() { t.set(true) })
	return func(began bool) {
		late.Stop()
		t.set(!began)
	}
}

func (t *turns) stuckNow() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stuck
}

func (t *turns) set(stuck bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case stuck && !t.locked:
		close(t.stuck)
	case !stuck && t.locked:
		t.stuck = make(chan struct{})
	}
	t.locked = stuck
}
