package api

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

// refusal is an error that the caller is told.
type refusal struct {
	status  int
	issues  []fhir.Issue
	headers map[string]string
}

// Error gives the first sentence.
func (f *refusal) Error() string { return f.issues[0].Details.Text }

func refuse(status int, code fhir.Code, format string, args ...any) *refusal {
	return &refusal{status: status, issues: []fhir.Issue{fhir.Fault(code, fmt.Sprintf(format, args...))}}
}

var errNoRoute = refuse(http.StatusNotFound, fhir.CodeNotFound, "There is nothing at this address. The export starts at "+
	"/api/v1/fhir/Patient/$export (FHIR STU3) or /api/v2/fhir/Patient/$export (FHIR R4); /api/v2/fhir/metadata says what there is.")

// errGone is for a client that has closed the connection, or its half of it.
var errGone = refuse(http.StatusServiceUnavailable, fhir.CodeTransient, "The connection was closed before the answer was ready. Ask again.")

func methodNotAllowed(method, allowed string) *refusal {
	f := refuse(http.StatusMethodNotAllowed, fhir.CodeNotSupported, "This address does not take the method %s. It takes %s.", method, allowed)
	f.headers = map[string]string{"Allow": allowed}
	return f
}

// retryWhenBusy is what a client is told to wait while the jobs it may have are
// under way, in seconds.
const retryWhenBusy = 5

// retryWhenDown is how long a client is told to wait when the database or the
// file store does not answer, in seconds.
const retryWhenDown = 5

// isTransient tells that the network or the database is at fault, and may be
// back soon: classes 08, 53 and 57 of PostgreSQL are lost connections, too few
// resources and an operator who stops the server.
func isTransient(err error) bool {
	var network net.Error
	var state interface{ SQLState() string }
	var issuer *auth.Unreachable
	switch {
	case errors.As(err, &issuer):
		return true
	case errors.As(err, &network), errors.Is(err, driver.ErrBadConn), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	case errors.As(err, &state):
		class := (state.SQLState() + "  ")[:2]
		return class == "08" || class == "53" || class == "57"
	}
	return false
}

// refusalOf turns any error into what the caller is told. An error that is
// not meant for him becomes a sentence without its text.
func refusalOf(err error) *refusal {
	var f *refusal
	var bearer *auth.BearerError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &bearer):
		f := refuse(bearer.Status, bearer.Code, "%s", bearer.Text)
		if bearer.Challenge != "" {
			f.headers = map[string]string{"WWW-Authenticate": bearer.Challenge}
		}
		return f
	case errors.Is(err, export.ErrOtherRequest):
		return refuse(http.StatusUnprocessableEntity, fhir.CodeConflict, "The Idempotency-Key was sent with another request, whose job is still there. "+
			"Send a new key with each export that you start, for example a UUID.")
	case errors.Is(err, export.ErrNoContract), errors.Is(err, export.ErrNotAttested):
		return refuse(http.StatusForbidden, fhir.CodeForbidden, "The contract of this client has no attestation, and without one there is no data. "+
			"Attest the contract, then ask again.")
	}
	if isTransient(err) {
		f := refuse(http.StatusServiceUnavailable, fhir.CodeTransient, "The server cannot reach what it works on at the moment. Ask again in some seconds.")
		f.headers = map[string]string{"Retry-After": strconv.Itoa(retryWhenDown)}
		return f
	}
	return refuse(http.StatusInternalServerError, fhir.CodeException, "Something went wrong in the server. Ask again in a minute; "+
		"if it happens again, tell the operator the request id in diagnostics.")
}

// busy tells a client that its contract has jobs enough under way.
func (a *API) busy(r *http.Request, c call, b *export.Busy) *refusal {
	f := refuse(http.StatusTooManyRequests, fhir.CodeThrottled, "This contract has %d exports under way, and may have no more. "+
		"Wait until one completes, or cancel one: Content-Location names them.", len(b.Running))
	locations := ""
	for i, id := range b.Running {
		if i > 0 {
			locations += ", "
		}
		locations += a.statusURL(r, c.version, id)
	}
	f.headers = map[string]string{"Retry-After": strconv.Itoa(retryWhenBusy), "Content-Location": locations}
	return f
}

// refuse is the one place where an error is answered and logged.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		err = errGone
	}
	f := refusalOf(err)
	a.refused(r, f.status, string(f.issues[0].Code))
	id := obs.RequestID(r.Context())
	if told := (*refusal)(nil); f.status >= 500 && !errors.As(err, &told) { // not that of a job that failed
		a.Log.Error("request failed", "request", id, "error", err)
	}
	outcome := fhir.Outcome(append([]fhir.Issue(nil), f.issues...)...)
	for i := range outcome.Issue {
		outcome.Issue[i].Diagnostics = "request id " + id
	}
	for name, value := range f.headers {
		w.Header().Set(name, value)
	}
	if err := writeJSON(w, f.status, fhir.TypeFHIR, outcome); err != nil {
		a.Log.Error("write an error", "request", id, "error", err)
	}
}

// internalError answers a request whose handler panicked.
func (a *API) internalError(w http.ResponseWriter, r *http.Request) {
	a.refuse(w, r, errors.New("panic"))
}

// writeJSON sends a body of known length on one line.
func writeJSON(w http.ResponseWriter, status int, contentType string, body any) error {
	b, err := fhir.Encode(body)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("send an answer: %w", err)
	}
	return nil
}
