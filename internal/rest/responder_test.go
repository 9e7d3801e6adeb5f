package rest

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"ab2d/internal/obs"
)

// oneLineOfDebug fails if the log has anything but one line, for debugging.
func oneLineOfDebug(t *testing.T, log string) {
	t.Helper()
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, "level=DEBUG") || !strings.Contains(log, "the client did not take the response") {
		t.Errorf("the log, of which one line at debug is wanted:\n%s", log)
	}
}

// TestBrokenConnectionsAreNoErrors: a client that takes nothing of its response is
// cut off, which the log has once and for debugging.
func TestBrokenConnectionsAreNoErrors(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := NewListener(inner, false, ConnLimits{Total: 2, Network: 2, WriteTime: 200 * time.Millisecond, Log: log})
	ended := make(chan struct{})
	handler := NewResponder(log, time.Now, nil).Handler(func(w http.ResponseWriter, _ *http.Request) error {
		return WriteJSON(w, http.StatusOK, "application/json", strings.Repeat("x", 32<<20))
	})
	s := &http.Server{ConnState: l.ConnState, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(ended)
			handler.ServeHTTP(w, r.WithContext(obs.WithRequest(r.Context())))
		})}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	dial(t, l.Addr().String(), "127.0.0.1", "/")
	select {
	case <-ended:
		oneLineOfDebug(t, out.String())
	case <-time.After(30 * time.Second):
		t.Error("a client that reads nothing is not cut off")
	}
}

// deaf is a client that does not take a byte.
type deaf struct{ *httptest.ResponseRecorder }

func (deaf) Write([]byte) (int, error) { return 0, &net.OpError{Op: "write", Err: syscall.EPIPE} }

// TestUnsentErrorsAreNoErrors: the same of a response that is an error. The error of
// the server itself is logged.
func TestUnsentErrorsAreNoErrors(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		errors int
	}{"of the caller": {NotFound("nothing is here"), 0}, "of the server": {io.ErrClosedPipe, 1}} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			NewResponder(log, time.Now, nil).WriteError(deaf{httptest.NewRecorder()}, httptest.NewRequest(http.MethodGet, "/", nil), c.err)
			if strings.Count(out.String(), "level=ERROR") != c.errors || strings.Count(out.String(), "level=DEBUG") != 1 {
				t.Errorf("the log:\n%s", out.String())
			}
		})
	}
}

// TestFaultsInSendingAreErrors: a response of a wrong length is a fault of the server.
func TestFaultsInSendingAreErrors(t *testing.T) {
	err := Send(tooLong{httptest.NewRecorder()}, http.StatusOK, "text/plain", []byte("x"))
	if unsent := (*unsentError)(nil); err == nil || errors.As(err, &unsent) {
		t.Errorf("%v", err)
	}
}

type tooLong struct{ *httptest.ResponseRecorder }

func (tooLong) Write([]byte) (int, error) { return 0, http.ErrContentLength }
