package faultsim

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"ab2d/internal/auth"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// ErrorWriter answers a request with an error.
type ErrorWriter func(http.ResponseWriter, *http.Request, error)

// Middleware reads which failures a request asks for, and simulates those that
// belong to a single request. The handlers behind it do not see the parameter.
func Middleware(writeError ErrorWriter) func(http.Handler) http.Handler {
	seen := &requests{failed: map[string]bool{}}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			failures, err := parse(r)
			if err != nil {
				writeError(w, r, err)
				return
			}
			if len(failures) == 0 {
				next.ServeHTTP(w, r)
				return
			}
			r = r.WithContext(context.WithValue(r.Context(), failuresKey{}, failures))
			r.URL.RawQuery = withoutParam(r)
			if err := seen.rejection(r, failures); err != nil {
				writeError(w, r, err)
				return
			}
			if slices.Contains(failures, Cut) && strings.Contains(r.URL.Path, "/file/") && seen.first(r, Cut) {
				w = &cutWriter{ResponseWriter: w}
			}
			next.ServeHTTP(w, r)
		})
	}
}

func withoutParam(r *http.Request) string {
	query := r.URL.Query()
	if !query.Has(param) && !query.Has(oldParam) {
		return r.URL.RawQuery
	}
	query.Del(param)
	query.Del(oldParam)
	return query.Encode()
}

// requests remembers those that were made to fail. The next time they succeed.
type requests struct {
	mu     sync.Mutex
	failed map[string]bool
}

// rejection is the error for a request that is made to fail; nil for others.
func (s *requests) rejection(r *http.Request, failures []Failure) error {
	var e *rest.Error
	switch {
	case slices.Contains(failures, Throttled) && s.first(r, Throttled):
		e = rest.Errorf(http.StatusTooManyRequests, fhir.CodeThrottled, "Simulated failure: too many requests. Wait as long as Retry-After says, then send the request again.")
	case slices.Contains(failures, Unavailable) && s.first(r, Unavailable):
		e = rest.Errorf(http.StatusServiceUnavailable, fhir.CodeTransient, "Simulated failure: the service is unavailable. Wait as long as Retry-After says, then send the request again.")
	default:
		return nil
	}
	e.Header = map[string]string{"Retry-After": strconv.Itoa(retrySeconds)}
	return e
}

// maxRemembered bounds the requests that are remembered: those of clients that
// never came again are forgotten.
const maxRemembered = 10_000

// first tells whether a request comes for the first, third, fifth ... time.
func (s *requests) first(r *http.Request, f Failure) bool {
	key := strings.Join([]string{string(f), r.Method, r.URL.Path, r.Header.Get("Authorization")}, " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed[key] {
		delete(s.failed, key)
		return false
	}
	if len(s.failed) >= maxRemembered {
		clear(s.failed)
	}
	s.failed[key] = true
	return true
}

// cutWriter breaks a download off in the middle.
type cutWriter struct {
	http.ResponseWriter
	left int64
	cuts bool
}

// Unwrap is for http.ResponseController.
func (c *cutWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader notes where the middle is.
func (c *cutWriter) WriteHeader(status int) {
	length, err := strconv.ParseInt(c.Header().Get("Content-Length"), 10, 64)
	c.left, c.cuts = length/2, err == nil && (status == http.StatusOK || status == http.StatusPartialContent)
	c.ResponseWriter.WriteHeader(status)
}

// Write writes up to the middle, then aborts the connection.
func (c *cutWriter) Write(b []byte) (int, error) {
	if !c.cuts || int64(len(b)) < c.left {
		c.left -= int64(len(b))
		return c.ResponseWriter.Write(b)
	}
	if _, err := c.ResponseWriter.Write(b[:c.left]); err != nil {
		return 0, err
	}
	if err := http.NewResponseController(c.ResponseWriter).Flush(); err != nil {
		return 0, err
	}
	panic(http.ErrAbortHandler)
}

// Tokens is a token endpoint whose tokens expire soon if the request asks.
type Tokens struct{ *auth.Server }

// ServeToken answers a token request.
func (t Tokens) ServeToken(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(failuresOf(r.Context()), ShortToken) {
		t.Server.ServeToken(w, r)
		return
	}
	short := *t.Server
	short.Lifetime = shortToken
	short.ServeToken(w, r)
}
