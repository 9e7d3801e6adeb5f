package api

import (
	"net/http"
	"strconv"
	"time"

	"ab2d/internal/fhir"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// kind is what a client asks for, of which it may ask so often.
type kind int

// The kinds. A route without one is not for clients.
const (
	free kind = iota
	polls
	lists
	changes // kick-offs and deletions
	downloads
)

// perSecond are the requests per second that a client may send, by kind.
var perSecond = map[kind]float64{polls: 50, lists: 5, changes: 1, downloads: 50}

// tokensPerSecond are the tokens that a client may have.
const tokensPerSecond = 5

// rateBurst is how many seconds' worth of requests may come faster for a while.
const rateBurst = 60

// newRate makes a limiter of so many events per second, or nil for no limit.
func newRate(perSecond, factor float64) *obs.Limiter {
	if factor == 0 {
		return nil
	}
	interval := time.Duration(float64(time.Second) / (perSecond * factor))
	return &obs.Limiter{Burst: max(1, int(perSecond*factor*rateBurst)), Interval: max(interval, 1)}
}

// newRates makes the limiters by kind.
func newRates(factor float64) map[kind]*obs.Limiter {
	rates := map[kind]*obs.Limiter{}
	for k, n := range perSecond {
		if l := newRate(n, factor); l != nil {
			rates[k] = l
		}
	}
	return rates
}

// TokenRate limits the tokens that a client may have, for auth.Server.
func TokenRate(factor float64, now func() time.Time) func(client string) (time.Duration, bool) {
	l := newRate(tokensPerSecond, factor)
	return func(client string) (time.Duration, bool) {
		if l == nil {
			return 0, true
		}
		return l.Take(client, now())
	}
}

// AccountRate limits the requests that a client may send to its account, and the changes
// among them, for package account.
func AccountRate(factor float64, now func() time.Time) func(client string, change bool) (time.Duration, bool) {
	read, changed := newRate(perSecond[lists], factor), newRate(perSecond[changes], factor)
	return func(client string, change bool) (time.Duration, bool) {
		l := read
		if change {
			l = changed
		}
		if l == nil {
			return 0, true
		}
		return l.Take(client, now())
	}
}

// limitRate refuses a request of a client that sends too many of its kind.
func (a *API) limitRate(k kind, client string) error {
	l := a.rates[k]
	if l == nil {
		return nil
	}
	wait, ok := l.Take(client, a.Now())
	if ok {
		return nil
	}
	e := rest.Errorf(http.StatusTooManyRequests, fhir.CodeThrottled, "This client sends too many requests of this kind. Wait as long as Retry-After says.")
	e.Header = map[string]string{"Retry-After": strconv.Itoa(int(wait/time.Second) + 1)}
	return e
}
