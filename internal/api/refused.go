package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/obs"
)

// refusals takes refused requests down in the audit, so many of each caller
// that a flood of them does not fill the database: how many were left out
// stands in the next entry. Callers who are not known count as one.
type refusals struct {
	log     audit.Log
	limiter obs.Limiter
	mu      sync.Mutex
	omitted map[string]int64 // by caller
}

func newRefusals(log audit.Log) *refusals {
	return &refusals{log: log, limiter: obs.Limiter{Burst: 100, Interval: 200 * time.Millisecond}, omitted: map[string]int64{}}
}

func (f *refusals) record(ctx context.Context, e audit.Entry, now time.Time) error {
	caller := audit.FactsOf(ctx).Actor
	_, ok := f.limiter.Take(caller, now)
	f.mu.Lock()
	if ok {
		e.Omitted = f.omitted[caller]
		delete(f.omitted, caller)
	} else {
		f.omitted[caller]++
	}
	f.mu.Unlock()
	if !ok {
		return nil
	}
	// It is refused whether or not the client waits for the answer.
	return f.log.Record(context.WithoutCancel(ctx), e)
}

// refused takes a refusal down. Of what the caller sent only that is kept which
// has the form of a job or a file.
func (a *API) refused(r *http.Request, status int, reason string) {
	if status < 400 || status >= 500 || a.refusals == nil {
		return
	}
	e := audit.Entry{Event: audit.Refused, Status: status, Detail: reason}
	if r.Pattern != "" {
		e.Detail = r.Pattern + ": " + reason // the route, not what was sent
	}
	if id, err := uuid.Parse(r.PathValue("job")); err == nil {
		e.Job = id.String()
	}
	if name := r.PathValue("name"); fileName.MatchString(name) {
		e.File = name
	}
	if err := a.refusals.record(r.Context(), e, a.Now()); err != nil {
		a.Log.Error("a refusal is not on record", "request", obs.RequestID(r.Context()), "error", err)
	}
}

// TokenRefused is for auth.Server.Refused.
func (a *API) TokenRefused(r *http.Request, e *auth.Error) { a.refused(r, e.Status, e.Code) }

// withFacts begins what is known of a request: where it comes from, and for the
// audit its id.
func (a *API) withFacts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := &audit.Facts{Request: obs.RequestID(r.Context())}
		from := a.Proxies.Caller(r)
		if from.IsValid() {
			f.From = from.String()
		}
		// In its place: those who are before us look at the route that the mux
		// writes into it.
		*r = *r.WithContext(audit.With(obs.WithCaller(r.Context(), from), f))
		next.ServeHTTP(w, r)
	})
}
