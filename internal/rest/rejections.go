package rest

import (
	"context"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/google/uuid"

	"ab2d/internal/audit"
	"ab2d/internal/obs"
)

// rejectionLimiter takes refused requests down in the audit, so many of each caller
// that a flood of them does not fill the database: how many were left out
// stands in the next entry. Callers who are not known count as one.
type rejectionLimiter struct {
	log     audit.Log
	limiter obs.Limiter
	mu      sync.Mutex
	omitted map[string]int64 // by caller
}

func newRejectionLimiter(log audit.Log) *rejectionLimiter {
	return &rejectionLimiter{log: log, limiter: obs.Limiter{Burst: 100, Interval: 200 * time.Millisecond}, omitted: map[string]int64{}}
}

func (f *rejectionLimiter) record(ctx context.Context, e audit.Entry, now time.Time) error {
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

// FileName matches the names that a result file can have. A database is not
// asked for any other: PostgreSQL fails on a NUL byte or invalid UTF-8.
var FileName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,80}$`)

// AuditRejection records that a request was rejected. Of what the caller sent
// only that is recorded which has the form of a job or a file.
func (p *Responder) AuditRejection(r *http.Request, status int, reason string) {
	if status < 400 || status >= 500 || p.rejections == nil {
		return
	}
	e := audit.Entry{Event: audit.Refused, Status: status, Detail: reason}
	if r.Pattern != "" {
		e.Detail = r.Pattern + ": " + reason // the route, not what was sent
	}
	if id, err := uuid.Parse(r.PathValue("job")); err == nil {
		e.Job = id.String()
	}
	if name := r.PathValue("name"); FileName.MatchString(name) {
		e.File = name
	}
	if err := p.rejections.record(r.Context(), e, p.now()); err != nil {
		p.log.Error("audit a rejected request", "request", obs.RequestID(r.Context()), "error", err)
	}
}
