package client

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

const (
	// defaultIdle is how long a response may bring next to nothing.
	defaultIdle = time.Minute
	// minBytes is what it must bring in that time. Without it, one byte a minute
	// would keep a client waiting for years.
	minBytes = 16 << 10
)

// errIdle is why a response that brings next to nothing is given up.
var errIdle = errors.New("the server sends nothing any more, or hardly anything")

// idleBody is the body of a response. It ends the request when reads wait too
// long for too little, and when it is closed. Time in which nobody reads does not
// count.
type idleBody struct {
	body   io.ReadCloser
	idle   time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
	late   chan struct{} // closed when reads waited too long
	left   time.Duration // that reads may wait for the next minBytes
	came   int           // of them
}

func newIdleBody(body io.ReadCloser, idle time.Duration, cancel context.CancelCauseFunc) *idleBody {
	b := &idleBody{body: body, idle: idle, cancel: cancel, late: make(chan struct{}), left: idle}
	// Once, because the timer may fire in the moment in which a read succeeds.
	b.timer = time.AfterFunc(idle, sync.OnceFunc(func() {
		close(b.late)
		cancel(errIdle)
	}))
	b.timer.Stop()
	return b
}

// Read reads, until the time for minBytes is up at most.
func (b *idleBody) Read(p []byte) (int, error) {
	select {
	case <-b.late: // although the last read still brought something
		return 0, errIdle
	default:
	}
	began := time.Now()
	b.timer.Reset(max(b.left, 0))
	n, err := b.body.Read(p)
	b.timer.Stop()
	b.left -= time.Since(began)
	if b.came += n; b.came >= minBytes {
		b.left, b.came = b.idle, 0
	}
	select {
	case <-b.late:
		if err != nil && err != io.EOF {
			err = errIdle
		}
	default:
	}
	return n, err
}

// Close ends the request.
func (b *idleBody) Close() error {
	b.timer.Stop()
	err := b.body.Close()
	b.cancel(nil)
	return err
}
