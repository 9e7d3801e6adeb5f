package rest

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// conn is a connection of a Listener. A write that its client does not take fails
// after the listener's WriteTime.
type conn struct {
	net.Conn
	listener *Listener
	network  string
	closed   sync.Once
	since    atomic.Int64 // when a wait for the next request began, or a write; Unix nanoseconds, 0: none

	mu       sync.Mutex
	deadline time.Time // of writes, as SetWriteDeadline wants it; zero: none
}

// writeAtOnce is as much as must be taken within WriteTime.
const writeAtOnce = 64 << 10

// idle notes whether the connection waits for a request.
func (c *conn) idle(yes bool) {
	if yes {
		c.since.Store(time.Now().UnixNano())
		return
	}
	c.since.Store(0)
}

// waits tells for how long the client has kept the connection waiting.
func (c *conn) waits(now time.Time) time.Duration {
	since := c.since.Load()
	if since == 0 {
		return 0
	}
	return now.Sub(time.Unix(0, since))
}

// Write sends b piece by piece, each within WriteTime.
func (c *conn) Write(b []byte) (n int, err error) {
	for {
		piece := b[n:min(len(b), n+writeAtOnce)]
		if err := c.roll(); err != nil {
			return n, err
		}
		c.since.Store(time.Now().UnixNano())
		written, err := c.Conn.Write(piece)
		c.since.Store(0)
		n += written
		if err != nil || n == len(b) {
			return n, err
		}
	}
}

// roll moves the deadline of writes on, but not beyond the one that was set.
func (c *conn) roll() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := time.Now().Add(c.listener.limits.WriteTime)
	if !c.deadline.IsZero() && c.deadline.Before(at) {
		at = c.deadline
	}
	return c.Conn.SetWriteDeadline(at)
}

// SetWriteDeadline sets a deadline that holds beside WriteTime.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Close closes the connection and gives its place to another.
func (c *conn) Close() error {
	c.closed.Do(func() {
		c.listener.mu.Lock()
		defer c.listener.mu.Unlock()
		c.listener.forget(c)
	})
	return c.Conn.Close()
}

// CloseWrite tells the client that nothing more comes.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SyscallConn gives the system's connection, to ask what the client has taken.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
