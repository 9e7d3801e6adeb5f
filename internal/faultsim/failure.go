package faultsim

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// Failure is a failure that can be simulated.
type Failure string

// The failures.
const (
	JobFails      Failure = "job-fails"
	EnrolleeFails Failure = "enrollee-fails"
	Slow          Failure = "slow"
	EarlyExpiry   Failure = "early-expiry"
	Throttled     Failure = "throttled"
	Unavailable   Failure = "unavailable"
	Cut           Failure = "cut"
	ShortToken    Failure = "short-token"

	// DefaultSince is no failure: an export without _since goes on from the
	// last one that was downloaded, as in production.
	DefaultSince Failure = "default-since"
)

// Failures returns all failures that can be simulated.
func Failures() []Failure {
	return []Failure{JobFails, EnrolleeFails, Slow, EarlyExpiry, Throttled, Unavailable, Cut, ShortToken, DefaultSince}
}

// How a client asks. Several failures are separated by commas. The old names
// still work.
const (
	header = "AB2D-Simulate"
	param  = "_simulate"

	oldHeader = "AB2D-Practice"
	oldParam  = "_practice"
)

// How long simulated failures take.
const (
	slowJob      = 30 * time.Second // a job, at least
	earlyExpiry  = 15 * time.Second // from a job's end to its expiry
	shortToken   = 5 * time.Second  // a token's lifetime
	retrySeconds = 2                // Retry-After
)

// errSimulated is why a simulated failure failed.
var errSimulated = errors.New("simulated failure, for which the request asked")

type failuresKey struct{}

// failuresOf returns the failures that the request of ctx asks for.
func failuresOf(ctx context.Context) []Failure {
	f, _ := ctx.Value(failuresKey{}).([]Failure)
	return f
}

// parse reads the failures that a request asks for.
func parse(r *http.Request) ([]Failure, error) {
	query := r.URL.Query()
	asked := slices.Concat(r.Header.Values(header), r.Header.Values(oldHeader), query[param], query[oldParam])
	var failures []Failure
	for name := range strings.SplitSeq(strings.Join(asked, ","), ",") {
		f := Failure(strings.TrimSpace(name))
		if f == "" && len(asked) == 0 {
			break
		}
		if !slices.Contains(Failures(), f) {
			return nil, rest.Errorf(http.StatusBadRequest, fhir.CodeInvalid, "The failure %s cannot be simulated. Use one of: %s.",
				rest.Quoted(string(f)), joined(Failures(), ", "))
		}
		failures = append(failures, f)
	}
	return failures, nil
}

// failuresOfJob returns the failures that a job's request asked for.
func failuresOfJob(request string) []Failure {
	u, err := url.Parse(request)
	if err != nil {
		return nil
	}
	var failures []Failure
	for _, names := range slices.Concat(u.Query()[param], u.Query()[oldParam]) {
		for name := range strings.SplitSeq(names, ",") {
			failures = append(failures, Failure(name))
		}
	}
	return failures
}

// joined lists failures.
func joined(failures []Failure, separator string) string {
	var names []string
	for _, f := range failures {
		names = append(names, string(f))
	}
	return strings.Join(names, separator)
}
