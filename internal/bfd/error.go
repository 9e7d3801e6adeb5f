package bfd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Errors of a search that the client does not try again.
var (
	// ErrEmpty says that the response is empty although the caller knows that there
	// are results. BFD also returns an empty Bundle after an internal error, so the
	// response does not mean that there is nothing.
	ErrEmpty = errors.New("the server returned an empty result, although this search has results")
	// ErrOpen says that the host failed so often that calls to it are paused.
	ErrOpen = errors.New("the server has failed too often, so calls to it are paused")
	// ErrLink says that a link to a next page has another host, resource or patient.
	ErrLink = errors.New("the link to the next page does not belong to this search")
	// ErrLoop says that a search returned to an earlier page, or that a page has only
	// resources of earlier pages.
	ErrLoop = errors.New("the next pages repeat what earlier pages had")
	// ErrPages says that a search has too many pages.
	ErrPages = errors.New("the search has more pages than are allowed")
	// ErrPatients says that a search for one person found several, and that no link
	// tells which of them replaces the others.
	ErrPatients = errors.New("the answer does not say which one person has the identifier")
	// ErrStranger says that a search for one person found somebody else.
	ErrStranger = errors.New("the answer is a person who does not have the identifier")
)

// Kind says how a call failed.
type Kind uint8

// How a call fails.
const (
	Lost      Kind = iota + 1 // no connection, or it broke
	Late                      // the deadline of the call passed
	Busy                      // 408, 429 or 503
	Failed                    // 500, 502, 504 and the like
	Cut                       // the body ends in the middle
	Malformed                 // the body is no Bundle: of a gateway, for example
	TooLong                   // the body is longer than a page may be
	Denied                    // 401, 403, or TLS failed
	Refused                   // any other status
)

// String names the kind, for logs.
func (k Kind) String() string {
	names := [...]string{"none", "lost", "late", "busy", "failed", "cut", "malformed", "too long", "denied", "refused"}
	if int(k) < len(names) {
		return names[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Error is the failure of a call. Its text contains nothing that the server wrote.
type Error struct {
	Kind   Kind
	Status int           // HTTP status code; 0 if no answer came
	Code   string        // the issue code of an OperationOutcome, for example "processing"; empty if there is none
	Retry  time.Duration // that the server asks to wait; 0 when it does not say
	cause  error
}

// Error returns the kind, the status and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the call failed (%s)", e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": the server answered %d", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, " (%s)", e.Code)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	return b.String()
}

// Unwrap returns the cause. It is nil if the status is the whole error.
func (e *Error) Unwrap() error { return e.cause }

// Temporary reports whether the same call can succeed a little later.
func (e *Error) Temporary() bool {
	switch e.Kind {
	case Lost, Late, Busy, Failed, Cut, Malformed:
		return true
	}
	return false
}

// Temporary reports whether the search that failed with err can succeed later without
// a change by a person: the server is unavailable or busy, returned nothing, or
// changed its data during the search.
func Temporary(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Temporary()
	}
	return errors.Is(err, ErrEmpty) || errors.Is(err, ErrOpen) || errors.Is(err, ErrLoop)
}

// statusError is what an answer other than 200 says.
func statusError(resp *http.Response, now time.Time) *Error {
	e := &Error{Status: resp.StatusCode, Retry: retryAfter(resp.Header, now), Code: issueCode(resp.Body)}
	switch s := resp.StatusCode; {
	case s == http.StatusRequestTimeout, s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
		e.Kind = Busy
	case s == http.StatusInternalServerError, s == http.StatusBadGateway, s == http.StatusGatewayTimeout, s >= 520 && s <= 527: // the last of gateways
		e.Kind = Failed
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		e.Kind = Denied
	default:
		e.Kind = Refused
	}
	return e
}

// issueCode reads the code of the first issue of an OperationOutcome, which is of
// a fixed list. Its text may name a person, and is not read.
func issueCode(r io.Reader) string {
	var outcome struct{ Issue []struct{ Code string } }
	const enough = 64 << 10
	if json.NewDecoder(io.LimitReader(r, enough)).Decode(&outcome) != nil || len(outcome.Issue) == 0 {
		return ""
	}
	code := outcome.Issue[0].Code
	other := func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') }
	if len(code) > 20 || strings.ContainsFunc(code, other) {
		return ""
	}
	return code
}

// bodyError is what went wrong while a body was read.
func bodyError(err error) error {
	var ours seeError
	var already *Error
	switch {
	case errors.As(err, &ours):
		return err
	case errors.As(err, &already):
		return already
	case errors.Is(err, errTooLong):
		return &Error{Kind: TooLong, Status: http.StatusOK, cause: errTooLong}
	case errors.Is(err, errMalformed):
		return &Error{Kind: Malformed, Status: http.StatusOK, cause: errMalformed}
	case errors.Is(err, errCut), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Kind: Cut, Status: http.StatusOK, cause: errCut}
	}
	return lostError(err)
}

// lostError is the error of a call without a complete response. The errors of package
// http quote the URL and parts of the response, so only the errors of the network
// inside them are kept.
func lostError(err error) *Error {
	var (
		verify *tls.CertificateVerificationError
		signer x509.UnknownAuthorityError
		host   x509.HostnameError
		op     *net.OpError
		name   *net.DNSError
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: Late, cause: context.DeadlineExceeded}
	case errors.As(err, &verify):
		return &Error{Kind: Denied, cause: verify}
	case errors.As(err, &signer):
		return &Error{Kind: Denied, cause: signer}
	case errors.As(err, &host):
		return &Error{Kind: Denied, cause: host}
	case errors.As(err, &name):
		return &Error{Kind: Lost, cause: name}
	case errors.As(err, &op) && op.Op == "remote error": // a TLS alert: it wants another certificate
		return &Error{Kind: Denied, cause: op}
	case errors.As(err, &op):
		return &Error{Kind: Lost, cause: op}
	}
	return &Error{Kind: Lost, cause: errors.New("the connection was lost, or the response is not HTTP")}
}
