package export

import (
	"context"
	"sync"
	"time"
)

// Notifier tells the workers of this process that there is new work, so that they
// need not wait for their next look at the queue. It does not reach workers of
// other processes. It is safe for concurrent use.
type Notifier struct {
	mu   sync.Mutex
	next chan struct{}
}

// NewNotifier returns a Notifier that nobody waits for yet.
func NewNotifier() *Notifier { return &Notifier{next: make(chan struct{})} }

// Notify wakes every worker that waits.
func (n *Notifier) Notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.next)
	n.next = make(chan struct{})
}

// C returns a channel that the next Notify closes.
func (n *Notifier) C() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.next
}

// wait returns when notified is closed, after d, or when ctx is done.
func wait(ctx context.Context, notified <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-notified:
	case <-t.C:
	case <-ctx.Done():
	}
}
