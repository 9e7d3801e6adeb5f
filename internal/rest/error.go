package rest

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"

	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// Error is an error whose text is meant for the caller. It becomes an
// OperationOutcome with the given status, issues and headers.
type Error struct {
	Status int // HTTP status, 400 or higher
	Issues []fhir.Issue
	Header map[string]string
}

// Error returns the text of the first issue.
func (e *Error) Error() string { return e.Issues[0].Details.Text }

// Errorf returns an Error with one issue.
func Errorf(status int, code fhir.Code, format string, args ...any) *Error {
	return &Error{Status: status, Issues: []fhir.Issue{fhir.ErrorIssue(code, fmt.Sprintf(format, args...))}}
}

// InvalidField returns an Error with status 400 that names the field.
func InvalidField(field, format string, args ...any) *Error {
	return Errorf(http.StatusBadRequest, fhir.CodeInvalid, "%s: %s", field, fmt.Sprintf(format, args...))
}

// NotFound returns an Error with status 404.
func NotFound(format string, args ...any) *Error {
	return Errorf(http.StatusNotFound, fhir.CodeNotFound, format, args...)
}

// Conflict returns an Error with status 409.
func Conflict(format string, args ...any) *Error {
	return Errorf(http.StatusConflict, fhir.CodeConflict, format, args...)
}

// ErrNoRoute is the error for an address that no route matches.
var ErrNoRoute = NotFound("Nothing is at this address. Exports start at " +
	"/api/v1/fhir/Patient/$export (FHIR STU3), /api/v2/fhir/Patient/$export or /api/v3/fhir/Patient/$export (FHIR R4). /api/v2/fhir/metadata lists what this server supports.")

// errClientGone answers a client that has closed the connection, or its half of it.
var errClientGone = Errorf(http.StatusServiceUnavailable, fhir.CodeTransient, "The connection was closed before the response was ready. Send the request again.")

func methodNotAllowed(method, allowed string) *Error {
	e := Errorf(http.StatusMethodNotAllowed, fhir.CodeNotSupported, "This address does not support the method %s. It supports %s.", method, allowed)
	e.Header = map[string]string{"Allow": allowed}
	return e
}

// retryWhenUnavailable is the Retry-After, in seconds, while the database or
// the file store does not answer.
const retryWhenUnavailable = 5

// asError turns any error into what the caller is told. An error that is not
// meant for the caller becomes a sentence without its text.
func asError(err error) *Error {
	var known *Error
	var bearer *auth.BearerError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &bearer):
		e := Errorf(bearer.Status, bearer.Code, "%s", bearer.Text)
		if bearer.Challenge != "" {
			e.Header = map[string]string{"WWW-Authenticate": bearer.Challenge}
		}
		return e
	case errors.Is(err, export.ErrOtherRequest):
		return Errorf(http.StatusUnprocessableEntity, fhir.CodeConflict, "This Idempotency-Key was already sent with a different request, and the job of that request still exists. "+
			"Send a new key with each export that you start, for example a UUID.")
	case errors.Is(err, export.ErrNoContract), errors.Is(err, export.ErrNotAttested):
		return Errorf(http.StatusForbidden, fhir.CodeForbidden, "The contract of this client has no attestation. Without one it gets no claims. "+
			"Attest the contract, then send the request again.")
	case IsTransient(err):
		e := Errorf(http.StatusServiceUnavailable, fhir.CodeTransient, "The server cannot read or write its database or its files at the moment. Send the request again in a few seconds.")
		e.Header = map[string]string{"Retry-After": strconv.Itoa(retryWhenUnavailable)}
		return e
	}
	return Errorf(http.StatusInternalServerError, fhir.CodeException, "An internal error occurred. Send the request again in a minute. "+
		"If it fails again, report the request id in diagnostics to the operator.")
}

// IsTransient reports whether the network, the database or the disk failed in a
// way that may pass soon.
func IsTransient(err error) bool {
	var network net.Error
	var state interface{ SQLState() string }
	var code interface{ Code() int }
	var passing interface{ Transient() }
	var issuer *auth.Unreachable
	switch {
	case errors.As(err, &issuer), errors.As(err, &network), errors.Is(err, driver.ErrBadConn), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	case errors.As(err, &passing), errors.Is(err, errTooLong), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EIO):
		return true
	case errors.As(err, &state):
		return transientState(state.SQLState())
	case errors.As(err, &code):
		return transientCode(code.Code())
	}
	return false
}

// transientState knows PostgreSQL's classes 08, 40, 53 and 57, which are lost
// connections, rollbacks, insufficient resources and operator intervention; and the
// limits of time for locks and for idle transactions.
func transientState(state string) bool {
	switch (state + "  ")[:2] {
	case "08", "40", "53", "57":
		return true
	}
	return state == "55P03" || state == "25P03"
}

// transientCode knows SQLite's primary codes SQLITE_BUSY, LOCKED, READONLY, IOERR,
// FULL and CANTOPEN: other processes, and the disk.
func transientCode(code int) bool {
	switch code & 0xff {
	case 5, 6, 8, 10, 13, 14:
		return true
	}
	return false
}

// aborted replaces err where the client has gone away, or the request took too long.
func aborted(r *http.Request, err error) error {
	ctx := r.Context()
	switch {
	case errors.Is(context.Cause(ctx), errTooLong):
		return errors.Join(err, errTooLong) // whatever became of the error on its way
	case ctx.Err() == nil || !errors.Is(err, context.Canceled):
		return err
	}
	return errClientGone
}

// Quoted returns a value of the caller's in quotes, cut to 80 bytes.
func Quoted(s string) string {
	const most = 80
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}
