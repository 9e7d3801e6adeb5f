package rest

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"ab2d/internal/fhir"
)

// unsentError says that a response could not be sent: its client has gone, or took
// nothing for too long. Nobody can be told, and nothing is wrong with the server.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return "send a response: " + e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

// WriteJSON sends body on one line, with its length. Its error is for the Responder.
func WriteJSON(w http.ResponseWriter, status int, contentType string, body any) error {
	b, err := fhir.Encode(body)
	if err != nil {
		return fmt.Errorf("encode a response: %w", err)
	}
	return Send(w, status, contentType, b)
}

// Send sends a whole response, with its length. Its error is for the Responder,
// which sends no other response after it.
func Send(w http.ResponseWriter, status int, contentType string, body []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	switch _, err := w.Write(body); {
	case errors.Is(err, http.ErrContentLength), errors.Is(err, http.ErrBodyNotAllowed): // faults of ours
		return fmt.Errorf("send a response: %w", err)
	case err != nil:
		return &unsentError{err}
	}
	return nil
}
