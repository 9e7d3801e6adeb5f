package obs

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// events are what this process did since it started.
type events struct {
	steps       *prometheus.CounterVec
	stepSeconds *prometheus.HistogramVec
	jobSeconds  *prometheus.HistogramVec
	enrollees   *prometheus.CounterVec
	claims      prometheus.Counter
	written     prometheus.Counter
	delivered   prometheus.Counter
	tokens      *prometheus.CounterVec
}

// What a step can end with.
const (
	StepDone       = "done"
	StepFailed     = "failed"
	StepLeaseLost  = "lease_lost"  // others may take it, or its job was canceled
	StepHandedBack = "handed_back" // the worker stops
)

// What a job can end with in a worker.
const (
	JobCompleted = "completed"
	JobFailed    = "failed"
)

// newEvents makes the metrics. Every label that is known has a value from the
// beginning, so that the first event is seen as an increase.
func newEvents() *events {
	e := &events{
		steps: counters("ab2d_steps_total", "Steps of jobs that ended in this process, by step and outcome.", "step", "outcome"),
		stepSeconds: histograms("ab2d_step_duration_seconds", "Time from the lease of a step to its end in this process.",
			[]float64{.01, .05, .1, .5, 1, 5, 15, 60, 300, 1800}, "step"),
		jobSeconds: histograms("ab2d_job_duration_seconds", "Time from the request of an export to its end, of jobs that ended in this process.",
			[]float64{1, 5, 15, 60, 300, 900, 3600, 14400, 43200, 86400}, "outcome"),
		enrollees: counters("ab2d_exported_enrollees_total", "Enrollees of exports that this process completed, by outcome.", "outcome"),
		claims:    prometheus.NewCounter(prometheus.CounterOpts{Name: "ab2d_exported_claims_total", Help: "Claims in exports that this process completed."}),
		written:   prometheus.NewCounter(prometheus.CounterOpts{Name: "ab2d_written_bytes_total", Help: "Bytes of result files that this process stored, as they are stored."}),
		delivered: prometheus.NewCounter(prometheus.CounterOpts{Name: "ab2d_delivered_bytes_total", Help: "Bytes of result files that clients got from this process."}),
		tokens:    counters("ab2d_token_requests_total", "Token requests, by result: granted, or the error code.", "result"),
	}
	for _, step := range stepNames {
		e.stepSeconds.WithLabelValues(step)
		for _, outcome := range []string{StepDone, StepFailed, StepLeaseLost, StepHandedBack} {
			e.steps.WithLabelValues(step, outcome)
		}
	}
	for _, outcome := range []string{JobCompleted, JobFailed} {
		e.jobSeconds.WithLabelValues(outcome)
	}
	for _, outcome := range enrolleeNames {
		e.enrollees.WithLabelValues(outcome)
	}
	for _, result := range tokenResults {
		e.tokens.WithLabelValues(result)
	}
	return e
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

func (e *events) collectors() []prometheus.Collector {
	return []prometheus.Collector{e.steps, e.stepSeconds, e.jobSeconds, e.enrollees, e.claims, e.written, e.delivered, e.tokens}
}

// The values of labels.
var (
	stepNames     = []string{"plan", "part", "finish", "sweep"}
	enrolleeNames = []string{"delivered", "no_claims", "opted_out", "no_identifier", "not_read"}
	tokenResults  = []string{"granted", "invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type", "server_error", "temporarily_unavailable"}
)

// StepEnded counts a step that ended with one of the Step constants. A nil Metrics
// counts nothing, here and in the other methods that count events.
func (m *Metrics) StepEnded(step, outcome string, took time.Duration) {
	if m != nil {
		m.events.steps.WithLabelValues(known(step, stepNames), outcome).Inc()
		m.events.stepSeconds.WithLabelValues(known(step, stepNames)).Observe(took.Seconds())
	}
}

// JobEnded counts a job that ended with one of the Job constants. took is since its
// request.
func (m *Metrics) JobEnded(outcome string, took time.Duration) {
	if m != nil {
		m.events.jobSeconds.WithLabelValues(outcome).Observe(took.Seconds())
	}
}

// Exported counts the enrollees of a completed job by outcome, and its claims.
type Exported struct {
	Delivered, NoClaims, OptedOut, NoIdentifier, NotRead, Claims int64
}

// JobExported counts what a completed job has.
func (m *Metrics) JobExported(e Exported) {
	if m == nil {
		return
	}
	for i, n := range []int64{e.Delivered, e.NoClaims, e.OptedOut, e.NoIdentifier, e.NotRead} {
		m.events.enrollees.WithLabelValues(enrolleeNames[i]).Add(float64(n))
	}
	m.events.claims.Add(float64(e.Claims))
}

// FileWritten counts the bytes of a result file that became part of a job.
func (m *Metrics) FileWritten(bytes int64) {
	if m != nil {
		m.events.written.Add(float64(bytes))
	}
}

// FileDelivered counts bytes of a result file that a client got.
func (m *Metrics) FileDelivered(bytes int64) {
	if m != nil {
		m.events.delivered.Add(float64(bytes))
	}
}

// TokenAnswered counts a token request: "granted", or the error code.
func (m *Metrics) TokenAnswered(result string) {
	if m != nil {
		m.events.tokens.WithLabelValues(known(result, tokenResults)).Inc()
	}
}

// known is a label's value if it is one of those that there are, so that nobody can
// make up others.
func known(value string, values []string) string {
	if slices.Contains(values, value) {
		return value
	}
	return "other"
}
