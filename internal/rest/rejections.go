package rest

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/google/uuid"

	"ab2d/internal/audit"
	"ab2d/internal/obs"
)

// rejectionLimiter records rejected requests in the audit log: so many of each
// caller that a flood does not fill the database. The next entry of the same
// caller says how many were left out. A caller who is not known is its network,
// so that the noise of one does not hide the guesses of another.
type rejectionLimiter struct {
	log     audit.Log
	limiter obs.Limiter
	mu      sync.Mutex
	omitted map[string]int64 // by caller
	total   obs.Limiter      // of callers who are not known, together
}

func newRejectionLimiter(log audit.Log) *rejectionLimiter {
	return &rejectionLimiter{
		log: log, limiter: obs.Limiter{Burst: 100, Interval: 200 * time.Millisecond}, omitted: map[string]int64{},
		total: obs.Limiter{Burst: 1000, Interval: 100 * time.Millisecond},
	}
}

// caller names who is counted: a client, an administrator, or a network.
func caller(ctx context.Context) (name string, known bool) {
	if actor := audit.FactsOf(ctx).Actor; actor != "" {
		return actor, true
	}
	return "network " + obs.Network(obs.CallerOf(ctx)), false
}

// maxOmitted bounds the callers whose omitted entries are counted.
const maxOmitted = 20_000

func (f *rejectionLimiter) record(ctx context.Context, e audit.Entry, now time.Time) error {
	caller, known := caller(ctx)
	_, ok := f.limiter.Take(caller, now)
	if ok && !known {
		_, ok = f.total.Take("", now)
	}
	f.mu.Lock()
	if len(f.omitted) >= maxOmitted {
		f.omitted[elsewhere] = sum(f.omitted)
		maps.DeleteFunc(f.omitted, func(name string, _ int64) bool { return name != elsewhere })
	}
	if ok {
		e.Omitted = f.omitted[elsewhere]
		delete(f.omitted, elsewhere)
		e.Omitted += f.omitted[caller]
		delete(f.omitted, caller)
	} else {
		f.omitted[caller]++
	}
	f.mu.Unlock()
	if !ok {
		return nil
	}
	// It is refused whether or not the client waits for the answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rejectionTime)
	defer cancel()
	return f.log.Record(ctx, e)
}

// rejectionTime bounds recording a rejected request.
const rejectionTime = 10 * time.Second

// elsewhere counts what was omitted of callers that are not remembered.
const elsewhere = ""

func sum(counts map[string]int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
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
