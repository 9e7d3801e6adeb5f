package web

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"ab2d/internal/obs"
)

// maxFault bounds the errors that become pages, in bytes; longer ones stay as they are.
const maxFault = 64 << 10

// fault is what an error page shows.
type fault struct {
	Status  int
	Name    string // of the status
	Texts   []string
	Request string // its id
	Retry   string // seconds
	Admin   bool   // it is of the administration
}

// errorPages lets people who open an address of the API in a browser read what is
// wrong. Programs, and scripts of pages, do not say that they take HTML.
func (s *Site) errorPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || !wantsPage(r) {
			next.ServeHTTP(w, r)
			return
		}
		held := &held{ResponseWriter: w}
		next.ServeHTTP(held, r)
		if held.status == 0 {
			return // it was no error, and is on its way
		}
		fault := readFault(held, r)
		if origin, ok := s.origin(r); ok && len(held.body) < maxFault && len(fault.Texts) > 0 {
			if b, err := s.page(r, origin, page{template: "fault", title: fault.Name, body: func(*http.Request, view) any { return fault }}); err == nil {
				s.sendFault(w, r, held.status, b)
				return
			}
		}
		held.release()
	})
}

// sendFault sends an error as a page. Its other headers stay.
func (s *Site) sendFault(w http.ResponseWriter, r *http.Request, status int, b []byte) {
	w.Header().Del("Content-Length")
	w.Header().Add("Vary", "Accept")
	pageHeaders(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", htmlType)
		w.WriteHeader(status)
		if r.Method == http.MethodHead {
			return
		}
		if _, err := w.Write(b); err != nil {
			s.Log.Debug("send an error page", "request", obs.RequestID(r.Context()), "error", err)
		}
	})).ServeHTTP(w, r)
}

// readFault takes the sentences out of an OperationOutcome.
func readFault(h *held, r *http.Request) fault {
	var outcome struct {
		Issue []struct {
			Details struct {
				Text string `json:"text"`
			} `json:"details"`
		} `json:"issue"`
	}
	f := fault{Status: h.status, Name: http.StatusText(h.status), Request: h.Header().Get("X-Request-Id"), Retry: h.Header().Get("Retry-After"), Admin: strings.HasPrefix(r.URL.Path, "/admin/")}
	if err := json.Unmarshal(h.body, &outcome); err == nil {
		for _, i := range outcome.Issue {
			f.Texts = append(f.Texts, i.Details.Text)
		}
	}
	return f
}

// held is a response that waits if it is an error in JSON.
type held struct {
	http.ResponseWriter
	status int // 0: it is no such error
	sent   bool
	body   []byte
}

// Unwrap is for http.ResponseController.
func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// WriteHeader holds an error back, and lets everything else go.
func (h *held) WriteHeader(status int) {
	isError := status >= http.StatusBadRequest && strings.Contains(h.Header().Get("Content-Type"), "json") && h.Header().Get("Content-Encoding") == ""
	if !h.sent && isError {
		h.status = status
		return
	}
	if status >= http.StatusOK { // what is below says that the answer is to come
		h.sent = true
	}
	h.ResponseWriter.WriteHeader(status)
}

// Write keeps what belongs to an error.
func (h *held) Write(b []byte) (int, error) {
	if h.status == 0 {
		h.sent = true
		return h.ResponseWriter.Write(b)
	}
	h.body = append(h.body, b[:min(len(b), maxFault)]...)
	return len(b), nil
}

// release sends an error as it was.
func (h *held) release() {
	h.ResponseWriter.WriteHeader(h.status)
	if _, err := bytes.NewReader(h.body).WriteTo(h.ResponseWriter); err != nil {
		return // who asked is gone
	}
}
