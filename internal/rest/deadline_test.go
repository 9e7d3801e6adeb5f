package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"
)

// code is an error of a database in this process.
type code int

func (c code) Error() string { return fmt.Sprintf("code %d", int(c)) }
func (c code) Code() int     { return int(c) }

// state is an error of a database server.
type state string

func (s state) Error() string    { return string(s) }
func (s state) SQLState() string { return string(s) }

// TestPassingFailures: a full disk, a locked database and a lost connection are 503
// with Retry-After. Other errors are 500, without their text.
func TestPassingFailures(t *testing.T) {
	p := NewResponder(slog.New(slog.DiscardHandler), time.Now, nil)
	for _, c := range []struct {
		err  error
		want int
	}{
		{&os.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}, 503}, {syscall.EDQUOT, 503}, {syscall.EROFS, 503},
		{code(5), 503}, {code(13), 503}, {code(8), 503}, {code(10 | 3<<8), 503}, {code(14), 503}, {code(19), 500}, {code(11), 500},
		{state("55P03"), 503}, {state("25P03"), 503}, {state("53100"), 503}, {state("57014"), 503}, {state("40P01"), 503}, {state("23505"), 500}, {state("x"), 500},
		{context.DeadlineExceeded, 503}, {errors.New("secret text"), 500},
	} {
		w := httptest.NewRecorder()
		p.WriteError(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), fmt.Errorf("store: %w", c.err))
		if w.Code != c.want || (w.Header().Get("Retry-After") != "") != (c.want == 503) {
			t.Errorf("%v: %d, Retry-After %q", c.err, w.Code, w.Header().Get("Retry-After"))
		}
	}
}

// TestDeadline: a request whose handler waits for ever is 503, and one whose
// response has begun is not ended.
func TestDeadline(t *testing.T) {
	p := NewResponder(slog.New(slog.DiscardHandler), time.Now, nil)
	wait := func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return fmt.Errorf("wait: %w", r.Context().Err())
	}
	w := httptest.NewRecorder()
	Deadline(time.Millisecond, p.Handler(wait)).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
	long := func(w http.ResponseWriter, r *http.Request) error {
		NoDeadline(r.Context())
		select {
		case <-r.Context().Done():
			return r.Context().Err()
		case <-time.After(100 * time.Millisecond):
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w = httptest.NewRecorder()
	Deadline(50*time.Millisecond, p.Handler(long)).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != http.StatusNoContent {
		t.Errorf("a download: %d", w.Code)
	}
}
