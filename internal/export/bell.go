package export

import (
	"context"
	"sync"
	"time"
)

// Bell wakes the workers of this process when there is new work, so that they
// need not wait for their next look into the queue. Workers of other
// processes do not hear it. Safe for concurrent use.
type Bell struct {
	mu   sync.Mutex
	next chan struct{}
}

// NewBell makes a bell.
func NewBell() *Bell { return &Bell{next: make(chan struct{})} }

// Ring wakes all who wait.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.next)
	b.next = make(chan struct{})
}

// stroke is closed by the next Ring.
func (b *Bell) stroke() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

// wait returns at the stroke, after at most d, or when ctx is done.
func wait(ctx context.Context, stroke <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-stroke:
	case <-t.C:
	case <-ctx.Done():
	}
}
