package rest

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// errTooLong says that a request took longer than it may, because the database or
// the file store did not answer.
var errTooLong = errors.New("the request took too long")

type deadlineKey struct{}

// Deadline gives each request a time after which its context is done, and 503 is
// the response, so that nobody waits for a database that does not answer.
func Deadline(d time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancelCause(r.Context())
		late := time.AfterFunc(d, func() { cancel(errTooLong) })
		defer cancel(nil)
		defer late.Stop()
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, deadlineKey{}, late)))
	})
}

// NoDeadline lifts the deadline of the request that ctx belongs to: its response
// begins, and may take as long as it goes on.
func NoDeadline(ctx context.Context) {
	if late, ok := ctx.Value(deadlineKey{}).(*time.Timer); ok {
		late.Stop()
	}
}
