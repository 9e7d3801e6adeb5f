package rest

import (
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

// Responder writes responses for errors and audits rejected requests. Safe for
// concurrent use.
type Responder struct {
	log        *slog.Logger
	now        func() time.Time
	rejections *rejectionLimiter // nil: rejected requests are not audited
}

// NewResponder returns a Responder. It audits rejected requests to rejections;
// with nil it does not audit them.
func NewResponder(log *slog.Logger, now func() time.Time, rejections audit.Log) *Responder {
	p := &Responder{log: log, now: now}
	if rejections != nil {
		p.rejections = newRejectionLimiter(rejections)
	}
	return p
}

// Handler turns a handler that returns its error into an http.Handler.
func (p *Responder) Handler(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		obs.SetRoute(r.Context(), r.Pattern)
		if err := h(w, r); err != nil {
			p.WriteError(w, r, err)
		}
	})
}

// WriteError is the one place where an error becomes a response and a log line.
func (p *Responder) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	if p.unsent(r, err) {
		return
	}
	err = aborted(r, err)
	e := asError(err)
	p.AuditRejection(r, e.Status, string(e.Issues[0].Code))
	id := obs.RequestID(r.Context())
	if known := (*Error)(nil); e.Status >= 500 && !errors.As(err, &known) { // a job that failed was logged by its worker
		p.log.ErrorContext(r.Context(), "request failed", "request", id, "error", err)
	}
	outcome := fhir.Outcome(append([]fhir.Issue(nil), e.Issues...)...)
	for i := range outcome.Issue {
		outcome.Issue[i].Diagnostics = "request id " + id
		if trace := obs.TraceID(r.Context()); trace != "" {
			outcome.Issue[i].Diagnostics += ", trace id " + trace
		}
	}
	for name, value := range e.Header {
		w.Header().Set(name, value)
	}
	if err := WriteJSON(w, e.Status, errorType(r), outcome); err != nil && !p.unsent(r, err) {
		p.log.ErrorContext(r.Context(), "send an error response", "request", id, "error", err)
	}
}

// unsent notes that a client did not take its response, if err says so. It is no fault
// of the server, so the log has it for debugging only.
func (p *Responder) unsent(r *http.Request, err error) bool {
	unsent := (*unsentError)(nil)
	if !errors.As(err, &unsent) {
		return false
	}
	p.log.Debug("the client did not take the response", "request", obs.RequestID(r.Context()), "error", unsent.err)
	return true
}

// errorType is the Content-Type of an error: FHIR's, or that of JSON if the request
// accepts nothing else.
func errorType(r *http.Request) string {
	accept := r.Header.Values("Accept")
	if len(accept) != 1 {
		return fhir.TypeFHIR
	}
	if kind, _, err := mime.ParseMediaType(accept[0]); err != nil || kind != "application/json" {
		return fhir.TypeFHIR
	}
	return "application/json"
}
