package auth

import (
	"fmt"
	"net/http"
)

// The error codes of the token endpoint, RFC 6749 §5.2.
const (
	InvalidRequest       = "invalid_request"
	InvalidClient        = "invalid_client"
	InvalidScope         = "invalid_scope"
	UnsupportedGrantType = "unsupported_grant_type"
	// ServerError is not among those of §5.2, which foresees no fault of the
	// server; §4.1.2.1 has it for the same purpose.
	ServerError = "server_error"
	// TemporarilyUnavailable is of §4.1.2.1 too. It goes with 429 and 503.
	TemporarilyUnavailable = "temporarily_unavailable"
)

// Error is a refused token request, RFC 6749 §5.2.
type Error struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"` // printable ASCII without quotation marks and backslashes
	Status      int    `json:"-"`                           // of the HTTP answer
	RetryAfter  int    `json:"-"`                           // seconds; 0: not told
}

// Error gives the code and the description.
func (e *Error) Error() string { return e.Code + ": " + e.Description }

// invalid makes an error that the client can correct.
func invalid(code, format string, args ...any) *Error {
	status := http.StatusBadRequest
	if code == InvalidClient {
		status = http.StatusUnauthorized
	}
	return &Error{Code: code, Description: fmt.Sprintf(format, args...), Status: status}
}
