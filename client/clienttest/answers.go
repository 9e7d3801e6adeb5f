package clienttest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Answer is an answer with a status, a body and headers, each a name and a value.
func Answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// Content answers with a content, whatever range was asked for.
func Content(body string, headers ...string) http.HandlerFunc {
	return Answer(http.StatusOK, body, headers...)
}

// OtherRange answers a request for a range with another one, and a request without
// a range with the content.
func OtherRange(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "" {
			io.WriteString(w, body)
			return
		}
		at := len(body) / 2
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, len(body)-1, len(body)))
		w.WriteHeader(http.StatusPartialContent)
		io.WriteString(w, body[at:])
	}
}

// WholeRange answers any range with status 206 and the whole content.
func WholeRange(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(body)-1, len(body)))
			w.WriteHeader(http.StatusPartialContent)
		}
		io.WriteString(w, body)
	}
}

// NoRange refuses any range with status 416.
func NoRange(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		io.WriteString(w, body)
	}
}

// Stall sends a content and then nothing until the client hangs up.
func Stall(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, body)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		<-r.Context().Done()
	}
}

// Endless sends the same text again and again until the client hangs up. sent, which
// may be nil, is told how many bytes went out each time.
func Endless(text string, sent func(bytes int)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		block := strings.Repeat(text, 1+64<<10/len(text))
		for {
			n, err := io.WriteString(w, block)
			if sent != nil {
				sent(n)
			}
			if err != nil {
				return
			}
		}
	}
}

// SignedUntil answers 403 as a cloud's store does when a signed link has expired,
// unless the query is the valid one.
func SignedUntil(valid, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != valid {
			Answer(http.StatusForbidden, `<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`, "Content-Type", "application/xml")(w, r)
			return
		}
		io.WriteString(w, body)
	}
}
