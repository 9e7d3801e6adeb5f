package api

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"ab2d/internal/fhir"
)

// pollBurst is how many polls may come faster for a while: a person at a
// terminal, or several programs at once, do no harm.
const pollBurst = 60

// polls bounds how often the status of each job is asked for, in this process.
// Safe for concurrent use.
type polls struct {
	most     rate.Limit // polls a second and job
	mu       sync.Mutex
	limiters map[string]*rate.Limiter // by job
}

// tooSoon counts a poll and tells how long to wait with the next one; 0 when
// this one is in time.
func (p *polls) tooSoon(job string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.limiters[job]
	if l == nil {
		p.forget(now)
		l = rate.NewLimiter(p.most, pollBurst)
		p.limiters[job] = l
	}
	if l.AllowN(now, 1) {
		return 0
	}
	return time.Duration((1 - l.TokensAt(now)) / float64(p.most) * float64(time.Second))
}

// maxPolled is how many jobs are remembered before those are forgotten that
// were not asked for lately.
const maxPolled = 1000

func (p *polls) forget(now time.Time) {
	if len(p.limiters) < maxPolled {
		return
	}
	for job, l := range p.limiters {
		if l.TokensAt(now) >= pollBurst {
			delete(p.limiters, job)
		}
	}
}

// tooOften tells a client to wait with its polling.
func tooOften(wait time.Duration) *refusal {
	f := refuse(http.StatusTooManyRequests, fhir.CodeThrottled, "The status of this job is asked for too often. "+
		"Wait as long as Retry-After says. The job goes on.")
	f.headers = map[string]string{"Retry-After": strconv.Itoa(int(wait/time.Second) + 1)}
	return f
}
