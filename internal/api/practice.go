package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ab2d/internal/auth"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// Bad days that a client may ask for, in the sandbox only. docs/sandbox.md tells
// what each does.
const (
	dayJobFails      = "job-fails"
	dayEnrolleeFails = "enrollee-fails"
	daySlow          = "slow"
	dayEarlyExpiry   = "early-expiry"
	dayThrottled     = "throttled"
	dayUnavailable   = "unavailable"
	dayCut           = "cut"
	dayShortToken    = "short-token"
)

var badDays = []string{dayJobFails, dayEnrolleeFails, daySlow, dayEarlyExpiry, dayThrottled, dayUnavailable, dayCut, dayShortToken}

// How a client asks: by a header, or where it can change addresses only, by a
// parameter; several days are separated by commas.
const (
	practiceHeader = "AB2D-Practice"
	practiceParam  = "_practice"
)

// How long it takes.
const (
	practiceSlow   = 30 * time.Second // a job, at least
	practiceExpiry = 15 * time.Second // from a job's end to its expiry
	practiceToken  = 5 * time.Second  // a token's lifetime
	practiceRetry  = 2                // seconds of Retry-After
)

// practice is what an API that simulates bad days remembers.
type practice struct {
	lock sync.Mutex
	// met has the requests that were treated badly; the next time they are not.
	met map[string]bool
}

// Practise makes the API simulate bad days for clients that ask for them. It is
// called before Handler.
func (a *API) Practise() {
	jobs := &practiceJobs{a.Jobs, a.Now}
	a.Intake.Jobs, a.Jobs, a.List = jobs, jobs, practiceList{a.List, jobs}
	a.practice = &practice{met: map[string]bool{}}
}

type practiceKey struct{}

// daysOf are the bad days that a request asks for.
func daysOf(ctx context.Context) []string {
	days, _ := ctx.Value(practiceKey{}).([]string)
	return days
}

// practising reads which bad days a request asks for. What a single request can
// simulate is done here, what belongs to a job later.
func (a *API) practising(next http.Handler) http.Handler {
	if a.practice == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		asked := strings.Join(append(r.Header.Values(practiceHeader), query[practiceParam]...), ",")
		if asked == "" {
			next.ServeHTTP(w, r)
			return
		}
		var days []string
		for day := range strings.SplitSeq(asked, ",") {
			if day = strings.TrimSpace(day); !slices.Contains(badDays, day) {
				a.refuse(w, r, refuse(http.StatusBadRequest, fhir.CodeInvalid, "There is no bad day %s to practise on. There are: %s.", shown(day), strings.Join(badDays, ", ")))
				return
			}
			days = append(days, day)
		}
		r = r.WithContext(context.WithValue(r.Context(), practiceKey{}, days))
		if query.Has(practiceParam) { // the handlers know no such parameter
			query.Del(practiceParam)
			r.URL.RawQuery = query.Encode()
		}
		if f := a.practice.refusal(r, days); f != nil {
			a.refuse(w, r, f)
			return
		}
		if slices.Contains(days, dayCut) && strings.Contains(r.URL.Path, "/file/") && a.practice.first(r, dayCut) {
			w = &cut{ResponseWriter: w}
		}
		next.ServeHTTP(w, r)
	})
}

// refusal is what a request is refused with, every first time.
func (p *practice) refusal(r *http.Request, days []string) *refusal {
	var f *refusal
	switch {
	case slices.Contains(days, dayThrottled) && p.first(r, dayThrottled):
		f = refuse(http.StatusTooManyRequests, fhir.CodeThrottled, "A bad day to practise on: too many requests. Wait as long as Retry-After says, and ask again.")
	case slices.Contains(days, dayUnavailable) && p.first(r, dayUnavailable):
		f = refuse(http.StatusServiceUnavailable, fhir.CodeTransient, "A bad day to practise on: the service is not available. Wait as long as Retry-After says, and ask again.")
	default:
		return nil
	}
	f.headers = map[string]string{"Retry-After": strconv.Itoa(practiceRetry)}
	return f
}

// first tells whether a request comes for the first, third, fifth ... time.
func (p *practice) first(r *http.Request, day string) bool {
	key := strings.Join([]string{day, r.Method, r.URL.Path, r.Header.Get("Authorization")}, " ")
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.met[key] {
		delete(p.met, key)
		return false
	}
	const most = 10_000
	if len(p.met) >= most { // of clients that never came again
		clear(p.met)
	}
	p.met[key] = true
	return true
}

// cut breaks a download off in the middle.
type cut struct {
	http.ResponseWriter
	left int64
	cuts bool
}

// Unwrap is for http.ResponseController.
func (c *cut) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader notes where the middle is.
func (c *cut) WriteHeader(status int) {
	length, err := strconv.ParseInt(c.Header().Get("Content-Length"), 10, 64)
	c.left, c.cuts = length/2, err == nil && (status == http.StatusOK || status == http.StatusPartialContent)
	c.ResponseWriter.WriteHeader(status)
}

func (c *cut) Write(b []byte) (int, error) {
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

// tokensFor is the token endpoint, whose tokens may end soon.
func (a *API) tokensFor(r *http.Request) *auth.Server {
	if a.practice == nil || !slices.Contains(daysOf(r.Context()), dayShortToken) {
		return a.Tokens
	}
	short := *a.Tokens
	short.Lifetime = practiceToken
	return &short
}

// practiceJobs keeps the bad days of a job in its request, as the parameter,
// and shows the job as it is on such a day.
type practiceJobs struct {
	export.Jobs
	now func() time.Time
}

// Accept adds the parameter, unless it stands there.
func (p *practiceJobs) Accept(ctx context.Context, j *export.Job, limit int) error {
	if days := daysOf(ctx); len(days) > 0 {
		separator := "?"
		if strings.Contains(j.Request, "?") {
			separator = "&"
		}
		j.Request += separator + practiceParam + "=" + strings.Join(days, ",")
	}
	return p.Jobs.Accept(ctx, j, limit)
}

func (p *practiceJobs) Job(ctx context.Context, id string) (*export.Job, error) {
	j, err := p.Jobs.Job(ctx, id)
	if err == nil {
		p.show(j)
	}
	return j, err
}

// File gives none of a job that has failed or goes slowly.
func (p *practiceJobs) File(ctx context.Context, id, name string) (*export.File, error) {
	j, err := p.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(jobDays(j.Request)) > 0 && j.State != export.Completed {
		return nil, export.ErrNoFile
	}
	return p.Jobs.File(ctx, id, name)
}

// show makes a job look as on its bad days.
func (p *practiceJobs) show(j *export.Job) {
	days := jobDays(j.Request)
	if j.State != export.Completed || len(days) == 0 {
		return
	}
	slowUntil := j.TransactionTime.Add(practiceSlow)
	switch {
	case slices.Contains(days, daySlow) && p.now().Before(slowUntil):
		j.State, j.Expires = export.Running, time.Time{}
		j.Progress = j.Expected * int64(p.now().Sub(j.TransactionTime)) / int64(practiceSlow)
	case slices.Contains(days, dayJobFails):
		j.State, j.Reason = export.Failed, "This is a bad day to practise on, for which the request asked. Start the export again without it."
	case slices.Contains(days, dayEarlyExpiry):
		end := j.Finished
		if slices.Contains(days, daySlow) && end.Before(slowUntil) {
			end = slowUntil
		}
		if soon := end.Add(practiceExpiry); soon.Before(j.Expires) {
			j.Expires = soon
		}
	}
}

// jobDays are the bad days that a job's request asks for.
func jobDays(request string) []string {
	u, err := url.Parse(request)
	if err != nil || !strings.Contains(u.RawQuery, practiceParam) {
		return nil
	}
	return strings.Split(strings.Join(u.Query()[practiceParam], ","), ",")
}

// practiceList shows the jobs of a list likewise.
type practiceList struct {
	JobList
	jobs *practiceJobs
}

func (p practiceList) List(ctx context.Context, contract string, limit int) ([]*export.Job, error) {
	jobs, err := p.JobList.List(ctx, contract, limit)
	for _, j := range jobs {
		p.jobs.show(j)
	}
	return jobs, err
}

// PracticeClaims fails to read the claims of the first enrollee of each part
// of a job that asks for it.
type PracticeClaims struct{ export.Claims }

// Open readies the claims.
func (p PracticeClaims) Open(ctx context.Context, q export.Query) (export.Reader, error) {
	r, err := p.Claims.Open(ctx, q)
	if err != nil || !slices.Contains(jobDays(q.Request), dayEnrolleeFails) {
		return r, err
	}
	return &failingReader{r, q.First}, nil
}

type failingReader struct {
	export.Reader
	fails coverage.EnrolleeID
}

var errPractice = errors.New("a bad day to practise on, for which the request asked")

func (f *failingReader) Write(ctx context.Context, s *coverage.Selection, sink export.Sink) error {
	if s.Enrollee.ID == f.fails {
		return errPractice
	}
	return f.Reader.Write(ctx, s, sink)
}
