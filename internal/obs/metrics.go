package obs

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are what a Prometheus server reads at GET /metrics. They have no
// contract, client or person in them. Safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	bytes    prometheus.Counter
	damaged  prometheus.Counter
	refused  prometheus.Counter
	events   *events
}

// NewMetrics makes the metrics of a process.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ab2d_requests_total", Help: "Requests answered, by route, method and status."},
			[]string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "ab2d_request_seconds", Help: "Time from a request to the last byte of its answer, by route.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 120}}, []string{"route"}),
		bytes:   prometheus.NewCounter(prometheus.CounterOpts{Name: "ab2d_response_bytes_total", Help: "Bytes of the bodies of all answers."}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{Name: "ab2d_connections_refused_total", Help: "Connections that were refused, or closed for another, because there were too many."}),
		damaged: prometheus.NewCounter(prometheus.CounterOpts{Name: "ab2d_damaged_files_found_total", Help: "Downloads that found a stored result file damaged or gone."}),
	}
	m.events = newEvents()
	m.registry.MustRegister(m.events.collectors()...)
	m.registry.MustRegister(m.requests, m.seconds, m.bytes, m.damaged, m.refused, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// answered counts a request. Its route is the pattern of the mux that took it,
// and one for all that none took, so that nobody can make up others.
func (m *Metrics) answered(r *http.Request, rec *recorder, took time.Duration) {
	route := routeOf(r.Context())
	if route == "" || route == "/" {
		route = "none"
	}
	m.requests.WithLabelValues(route, knownMethod(r.Method), strconv.Itoa(rec.status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
	m.bytes.Add(float64(rec.bytes))
}

// FileDamaged counts a download that found its stored file damaged or gone.
func (m *Metrics) FileDamaged() { m.damaged.Inc() }

// ConnectionRefused counts a connection that was refused, or closed for another.
func (m *Metrics) ConnectionRefused() { m.refused.Inc() }

func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// ServeHTTP answers in Prometheus' text format.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true}).ServeHTTP(w, r)
}
