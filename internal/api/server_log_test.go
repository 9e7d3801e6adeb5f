package api_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"ab2d/internal/coverage"
)

// logBuffer is a buffer that several may write into.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// hold lets the source stop at an enrollee: the returned channel is closed
// when it got there, and the returned function lets it go on.
func (s *server) hold(id coverage.EnrolleeID) (there <-chan struct{}, release func()) {
	arrived, open := make(chan struct{}), make(chan struct{})
	var first, last sync.Once
	s.source.Before = func(ctx context.Context, e coverage.EnrolleeID) error {
		if e != id {
			return nil
		}
		first.Do(func() { close(arrived) })
		select {
		case <-open:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("held: %w", ctx.Err())
		}
	}
	return arrived, func() { last.Do(func() { close(open) }) }
}
