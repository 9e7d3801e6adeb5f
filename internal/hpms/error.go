package hpms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrNothing says that HPMS gives no organization. That is no reason to change anything.
var ErrNothing = errors.New("HPMS gives no organization that can be used; nothing was changed")

// Kind says how a call failed.
type Kind uint8

// How a call fails.
const (
	Lost      Kind = iota + 1 // no connection, or it broke
	Late                      // the deadline of the call passed
	Busy                      // 408, 429 or 503
	Failed                    // 500, 502, 504 and the like
	Cut                       // the body ends in the middle
	Malformed                 // the body is not what HPMS answers
	TooLong                   // the body is longer than it may be
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

// Error is the failure of a call. Its text has nothing that the server wrote.
type Error struct {
	Call   string // its path
	Kind   Kind
	Status int           // HTTP status code; 0 if no answer came
	Retry  time.Duration // that the server asks to wait; 0 when it does not say
	cause  error
}

// Error gives the call, the kind, the status, the cause, and what can be done.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "call %s of HPMS (%s)", e.Call, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HPMS answered %d", e.Status)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	switch {
	case e.Call == tokenPath && e.Kind == Denied && e.Status != 0:
		b.WriteString("; the key is wrong or has expired: get a new one from HPMS, and set its id and its secret")
	case e.Call == tokenPath && e.Kind == Failed:
		b.WriteString("; HPMS also answers so to a wrong key: check its id and its secret")
	}
	return b.String()
}

// Unwrap returns the cause; nil when the status says all.
func (e *Error) Unwrap() error { return e.cause }

// Temporary tells whether the same call may succeed a little later.
func (e *Error) Temporary() bool {
	switch e.Kind {
	case Lost, Late, Busy, Failed, Cut, Malformed:
		return true
	}
	return false
}

// statusError is what an answer other than 200 says.
func statusError(call string, resp *http.Response, now time.Time) *Error {
	e := &Error{Call: call, Status: resp.StatusCode, Retry: retryAfter(resp.Header, now)}
	switch s := resp.StatusCode; {
	case s == http.StatusRequestTimeout, s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
		e.Kind = Busy
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		e.Kind = Denied
	case s >= http.StatusInternalServerError && s != http.StatusNotImplemented && s != http.StatusHTTPVersionNotSupported:
		e.Kind = Failed
	default:
		e.Kind = Refused
	}
	return e
}

// lostError is what went wrong before an answer came. The text of err is not repeated
// where it could hold what the server wrote.
func lostError(call string, err error) *Error {
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Call: call, Kind: Late, cause: errors.New("no answer in time")}
	case errors.As(err, &certificate), errors.As(err, &unknown):
		return &Error{Call: call, Kind: Denied, cause: errors.New("the certificate of the server is not trusted")}
	case errors.As(err, &op):
		return &Error{Call: call, Kind: Lost, cause: op}
	}
	return &Error{Call: call, Kind: Lost, cause: errors.New("the connection broke, or the answer is not HTTP")}
}

// answerError is what is wrong with a body that came.
func answerError(call string, err error) *Error {
	e := &Error{Call: call, Kind: Malformed, cause: err}
	if errors.Is(err, ErrCut) {
		e.Kind = Cut
	}
	return e
}
