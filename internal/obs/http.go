package obs

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
)

// RequestIDHeader carries the request id in every response.
const RequestIDHeader = "X-Request-Id"

type requestKey struct{}

// request is what is known of a request while it is being answered.
type request struct {
	id     string
	route  string // the pattern of the mux that took it
	client string // the OAuth2 client that asks; "" while it is not known
	status int    // of the answer, when it is complete
}

// WithRequest returns a context for a new request, which has an id. A context
// that belongs to a request already is returned as it is.
func WithRequest(ctx context.Context) context.Context {
	if RequestID(ctx) != "" {
		return ctx
	}
	return context.WithValue(ctx, requestKey{}, &request{id: uuid.NewString()})
}

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.id
	}
	return ""
}

// SetRoute notes the route that took the request that ctx belongs to, for the
// metrics.
func SetRoute(ctx context.Context, pattern string) {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		r.route = pattern
	}
}

// SetClient notes the OAuth2 client that asks, for the log.
func SetClient(ctx context.Context, id string) {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		r.client = id
	}
}

func setStatus(ctx context.Context, status int) {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		r.status = status
	}
}

func clientOf(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.client
	}
	return ""
}

func routeOf(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r.route
	}
	return ""
}

// Handler gives each request an id, logs and counts how it was answered, and
// turns a panic into what failed writes. Neither query nor headers are logged: they may hold
// credentials.
func Handler(log *slog.Logger, m *Metrics, next http.Handler, failed func(http.ResponseWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		r = r.WithContext(WithRequest(r.Context()))
		id := RequestID(r.Context())
		w.Header().Set(RequestIDHeader, id)
		rec := &recorder{ResponseWriter: w}
		defer func() {
			p := recover()
			if p != nil && p != any(http.ErrAbortHandler) { // which is the way to cut a connection off
				log.ErrorContext(r.Context(), "panic", "request", id, "panic", p, "stack", string(debug.Stack()))
				if rec.status == 0 {
					failed(rec, r)
					p = nil
				}
			}
			m.answered(r, rec, time.Since(began))
			setStatus(r.Context(), rec.status)
			log.Log(r.Context(), levelOf(r, rec.status), "request", "request", id, "method", r.Method, "path", loggedPath(r.URL.Path), "status", rec.status,
				"bytes", rec.bytes, "took", time.Since(began).Round(time.Microsecond), "address", address(r), "client", clientOf(r.Context()))
			if p != nil {
				panic(http.ErrAbortHandler) // lest half an answer looks like a whole one
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// levelOf is the level of a request in the log. What programs ask all the time, and what
// the dashboard reads, is not worth a line unless it fails.
func levelOf(r *http.Request, status int) slog.Level {
	if status >= http.StatusBadRequest || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return slog.LevelInfo
	}
	switch path := r.URL.Path; {
	case path == "/health", path == "/health/live", path == "/metrics", path == "/status", strings.HasPrefix(path, "/admin/v1/"):
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// loggedPath is a path for the log. The name of a secret is not in it: people send the
// secret instead, by mistake.
func loggedPath(path string) string {
	if before, _, found := strings.Cut(path, "/secrets/"); found {
		return before + "/secrets/***"
	}
	return path
}

// address is where a request comes from, as the trusted proxies say it.
func address(r *http.Request) string {
	if a := CallerOf(r.Context()); a.IsValid() {
		return a.String()
	}
	return r.RemoteAddr
}

// recorder notes status and length of a response. It passes ReadFrom on, so
// that a file can still go from disk to network within the kernel.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

func (r *recorder) ReadFrom(from io.Reader) (int64, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := io.Copy(r.ResponseWriter, from)
	r.bytes += n
	return n, err
}
