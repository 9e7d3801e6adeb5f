package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/audit"
)

// Server is the authorization server. All fields have to be set but Lifetime,
// Refused, Transient and Rate.
// Its handlers check the method themselves and are mounted below the path of
// Issuer: ServeToken at /v1/token, ServeKeys at /v1/keys, and ServeMetadata at
// /.well-known/oauth-authorization-server and /.well-known/openid-configuration.
// Safe for concurrent use.
type Server struct {
	Issuer   string        // its absolute URL, without a slash at the end; the iss of its tokens
	Realm    string        // names it in the Basic challenge
	Lifetime time.Duration // of a token, in whole seconds; 0 is DefaultLifetime
	Clients  Clients
	Keys     *KeyRing
	Now      func() time.Time
	Guard    *Guard
	// Assertions and Fetch serve private_key_jwt.
	Assertions Assertions
	Fetch      *Fetcher
	// Audit takes each token down before it is answered.
	Audit audit.Log
	// Refused is told of each request that is refused, before that is answered.
	Refused func(*http.Request, *Error)
	// Warn logs what the operator should see to: a message and its attributes.
	Warn func(message string, attributes ...any)
	// Fault is told of an error that is not the client's. The client only
	// hears that there was one.
	Fault func(*http.Request, error)
	// Transient tells whether an error may pass soon: then the answer is 503 with
	// Retry-After. nil: none does.
	Transient func(error) bool
	// Rate takes a token from what a client may have, or says how long until it may
	// have one. nil: no limit.
	Rate func(client string) (wait time.Duration, ok bool)
}

// retryTransient is the Retry-After, in seconds, of what may pass soon.
const retryTransient = 5

// DefaultLifetime of a token.
const DefaultLifetime = time.Hour

// allow answers requests with other methods, RFC 9110 §15.5.6.
func (s *Server) allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	allowed := strings.Join(methods, ", ")
	w.Header().Set("Allow", allowed)
	s.refuse(w, r, &Error{
		Code: InvalidRequest, Status: http.StatusMethodNotAllowed,
		Description: fmt.Sprintf("The method has to be %s.", allowed),
	})
	return false
}

// passing turns an error of the database into what the client hears while it may
// pass soon.
func (s *Server) passing(r *http.Request, err error) error {
	known := (*Error)(nil)
	if errors.As(err, &known) {
		return err
	}
	late := r.Context().Err() != nil // the request has taken too long, or its client has gone
	if !late && (s.Transient == nil || !s.Transient(err)) {
		return err
	}
	s.Fault(r, err)
	return &Error{Code: TemporarilyUnavailable, Status: http.StatusServiceUnavailable, RetryAfter: retryTransient,
		Description: "The server cannot read or write its database at the moment. Send the request again in a few seconds."}
}

// refuse writes an error, RFC 6749 §5.2. One that is not an *Error is a fault
// of ours.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused := (*Error)(nil)
	if !errors.As(err, &refused) {
		s.Fault(r, err)
		refused = &Error{Code: ServerError, Status: http.StatusInternalServerError}
	}
	if s.Refused != nil {
		s.Refused(r, refused)
	}
	if refused.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(refused.RetryAfter))
	}
	if refused.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Basic realm="+quoted(s.Realm))
	}
	s.write(w, r, refused.Status, refused)
}

// write sends a JSON body, which is a secret if it is a token and must not be
// stored on its way (RFC 6749 §5.1).
func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		s.Fault(r, fmt.Errorf("encoding an answer: %w", err))
		http.Error(w, `{"error":"`+ServerError+`"}`, http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(b) // fails only if the client has gone
}

// quoted writes a quoted-string, RFC 9110 §5.6.4.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
