package client

import (
	"context"
	"errors"
	"io"
	"time"
)

// defaultIdle is how long a response may bring nothing.
const defaultIdle = time.Minute

// errIdle is why a response that brings nothing is given up.
var errIdle = errors.New("the server sends nothing any more")

// idleBody is the body of a response. It ends the request when a read waits too
// long, and when it is closed.
type idleBody struct {
	body   io.ReadCloser
	idle   time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
	late   chan struct{} // closed when a read waited too long
}

func newIdleBody(body io.ReadCloser, idle time.Duration, cancel context.CancelCauseFunc) *idleBody {
	b := &idleBody{body: body, idle: idle, cancel: cancel, late: make(chan struct{})}
	b.timer = time.AfterFunc(idle, func() {
		close(b.late)
		cancel(errIdle)
	})
	b.timer.Stop()
	return b
}

// Read reads, for as long as idle at most.
func (b *idleBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.idle)
	n, err := b.body.Read(p)
	b.timer.Stop()
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
