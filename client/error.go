package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Bounds of what is read into memory, and of what is told.
const (
	maxSmallBody = 1 << 20
	maxIssues    = 20
	maxText      = 500
)

// Error is a server's refusal.
type Error struct {
	// Status is the HTTP status code.
	Status int
	// Issues are the reasons the server gave, from an OperationOutcome, from
	// an OAuth2 error or from plain text; empty when it gave none.
	Issues []string
	// Retry is how long the server asks to wait before the next try; zero
	// when it does not say.
	Retry time.Duration
	// Jobs are the status URLs of the jobs under way, when an export was
	// refused because of them.
	Jobs []string

	transient bool // an issue says so
	explained bool // by an OperationOutcome
}

// hints say what to do where a server gave no reason.
var hints = map[int]string{
	http.StatusBadRequest:          "it does not understand the request",
	http.StatusUnauthorized:        "the client id or secret is wrong, or the access token was not accepted",
	http.StatusForbidden:           "this client may not do that; is it enabled, and its contract attested?",
	http.StatusNotFound:            "there is no such thing, or it is not this client's; check the base URL",
	http.StatusGone:                "it has expired, or was downloaded as often as is allowed; start a new export",
	http.StatusTooManyRequests:     "too many requests, or an export is already under way",
	http.StatusInternalServerError: "it failed; try again later, or ask its operator",
	http.StatusBadGateway:          "it cannot be reached at the moment",
	http.StatusServiceUnavailable:  "it is down for maintenance or too busy",
	http.StatusGatewayTimeout:      "it did not answer in time",
}

// Error says what the server answered, why, and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the server answered %d", e.Status)
	if s := http.StatusText(e.Status); s != "" {
		b.WriteString(" " + s)
	}
	switch why := strings.Join(e.Issues, "; "); {
	case why != "":
		b.WriteString(": " + why)
	case hints[e.Status] != "":
		b.WriteString(": " + hints[e.Status])
	}
	if e.Retry > 0 {
		fmt.Fprintf(&b, " (try again in %s)", e.Retry)
	}
	return b.String()
}

// Temporary tells whether the same request may succeed a little later.
func (e *Error) Temporary() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.transient || e.Status >= 520 && e.Status <= 527 // of gateways in front of a server
}

// failed tells whether the answer to a request for the status says that the export
// failed, and will not do better. An answer without a reason may be a gateway's.
func (e *Error) failed() bool {
	switch e.Status {
	case http.StatusInternalServerError, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return len(e.Issues) > 0 && !e.Temporary()
	}
	return false
}

// refusal reads an answer that is not the wanted one. Should the server repeat
// a credential, it is struck out; more are credentials that are not the
// client's secret nor in the request's header.
func (c *Client) refusal(resp *http.Response, more ...string) *Error {
	e := &Error{Status: resp.StatusCode, Retry: retryAfter(resp.Header, c.now())}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxSmallBody)) // what came of it will do
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if o, ok := parseOutcome(body); ok {
		e.Issues, e.transient, e.explained = o.texts(), o.transient(), len(o.Issue) > 0
	} else if kind == "text/plain" || kind == "text/html" && !bytes.ContainsRune(body, '<') { // frameworks name a sentence HTML
		e.Issues = []string{string(body)}
	}
	secrets := append(more, c.secret, url.QueryEscape(c.secret))
	if _, credential, ok := strings.Cut(resp.Request.Header.Get("Authorization"), " "); ok {
		secrets = append(secrets, credential)
	}
	e.Issues = tidy(e.Issues, secrets)
	return e
}

// outcome is an OperationOutcome, an OAuth2 error (RFC 6749 §5.2), or what
// gateways and identity providers answer instead.
type outcome struct {
	Issue []struct {
		Severity string `json:"severity"`
		Code     string `json:"code"`
		Details  struct {
			Text   string `json:"text"`
			Coding []struct {
				Display string `json:"display"`
			} `json:"coding"`
		} `json:"details"`
		Diagnostics string `json:"diagnostics"`
	} `json:"issue"`
	Error            string `json:"error"`
	ErrorDescription string `json:"error_description"`
	ErrorSummary     string `json:"errorSummary"`
	Message          string `json:"message"`
}

func parseOutcome(body []byte) (outcome, bool) {
	var o outcome
	err := json.Unmarshal(body, &o)
	_, partly := errors.AsType[*json.UnmarshalTypeError](err) // the other fields are read
	return o, err == nil || partly
}

// texts are the reasons in an outcome, one for each issue.
func (o *outcome) texts() []string {
	var out []string
	for _, i := range o.Issue {
		text := i.Details.Text
		if text == "" && len(i.Details.Coding) > 0 {
			text = i.Details.Coding[0].Display
		}
		switch {
		case text == "" && i.Diagnostics == "":
			text = i.Code
		case text == "":
			text = i.Diagnostics
		case i.Diagnostics != "" && i.Diagnostics != text:
			text += " (" + i.Diagnostics + ")"
		}
		out = append(out, text)
	}
	if len(out) > 0 {
		return out
	}
	return []string{o.Error, o.ErrorDescription, o.ErrorSummary, o.Message}
}

// transient tells whether an issue says that the fault passes
// (http://hl7.org/fhir/issue-type).
func (o *outcome) transient() bool {
	for _, i := range o.Issue {
		switch i.Code {
		case "transient", "lock-error", "timeout", "throttled":
			return true
		}
	}
	return false
}

// tidy makes what a server says fit for a terminal and a log: without
// credentials, without control characters, and short.
func tidy(issues, secrets []string) []string {
	var out []string
	for _, s := range issues[:min(len(issues), maxIssues)] {
		s = Printable(s, maxSmallBody) // first: it may put a scattered secret together
		for _, secret := range secrets {
			if secret != "" {
				s = strings.ReplaceAll(s, secret, "[removed]")
			}
		}
		if s = Printable(s, maxText); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Printable keeps a text's printable characters on one line, at most limit of
// them. What is left of a server's text then cannot act on a terminal.
func Printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}

// readBody reads a body that must not be longer than limit.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, &transportError{doing: "reading the answer", err: err}
	case int64(len(body)) > limit:
		return nil, fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	return body, nil
}

// header is a request's header with what it accepts.
func header(accept string) http.Header {
	return http.Header{"Accept": {accept}, "User-Agent": {"ab2d-client"}}
}
