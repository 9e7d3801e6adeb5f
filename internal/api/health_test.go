package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ab2d/internal/api"
)

// TestHealthCostsNothing: however often it is asked, each check is made once in some
// seconds, and one that hangs is answered in time.
func TestHealthCostsNothing(t *testing.T) {
	t.Parallel()
	var made atomic.Int32
	hang := make(chan struct{})
	defer close(hang)
	s := newServer(t, func(s *server) {
		s.workers = 0
		s.config.Checks = []api.Check{{Name: "files", Ping: func(context.Context) error {
			made.Add(1)
			<-hang
			return nil
		}}}
	})
	for range 50 {
		a := s.do("", "GET", "/health")
		if a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), "it does not answer") || a.header.Get("Retry-After") == "" {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if n := made.Load(); n != 1 {
		t.Errorf("%d checks for 50 requests", n)
	}
}

// TestHealthTellsWhy: the reason is told, and nothing of the error.
func TestHealthTellsWhy(t *testing.T) {
	t.Parallel()
	var fails error
	s := newServer(t, func(s *server) {
		s.workers = 0
		s.config.Checks = []api.Check{{Name: "files", Ping: func(context.Context) error { return fails }}}
	})
	for err, want := range map[error]string{
		syscall.ENOSPC: "failing: the disk is full", syscall.EROFS: "failing: it cannot be written", syscall.EACCES: "failing: it cannot be written",
		context.DeadlineExceeded: "failing: it does not answer", syscall.ECONNREFUSED: "failing",
	} {
		fails = fmt.Errorf("store at /secret/path: %w", err)
		s.clock.Add(time.Minute)
		a := s.do("", "GET", "/health")
		if a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), `"files":"`+want+`"`) || strings.Contains(string(a.body), "secret") {
			t.Errorf("%v: %d %s", err, a.status, a.body)
		}
	}
	fails = nil
	s.clock.Add(time.Minute)
	if a := s.do("", "GET", "/health"); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}
