package api

import (
	"net/http"
	"strconv"
	"time"

	"ab2d/internal/fhir"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// pollBurst is how many polls may come faster for a while: a person at a
// terminal, or several programs at once, do no harm.
const pollBurst = 60

// newPolls bounds how often the status of each job is asked for, in this
// process: so often a second, by job. 0 is no bound.
func newPolls(most float64) *obs.Limiter {
	l := &obs.Limiter{Burst: pollBurst}
	if most > 0 {
		l.Interval = time.Duration(float64(time.Second) / most)
	}
	return l
}

// tooOften tells a client to wait with its polling.
func tooOften(wait time.Duration) *rest.Error {
	f := rest.Errorf(http.StatusTooManyRequests, fhir.CodeThrottled, "The status of this job was requested too often. "+
		"Wait as long as Retry-After says. The job goes on.")
	f.Header = map[string]string{"Retry-After": strconv.Itoa(int(wait/time.Second) + 1)}
	return f
}
