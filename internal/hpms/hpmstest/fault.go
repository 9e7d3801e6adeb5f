package hpmstest

import (
	"net/http"
	"strconv"
	"strings"
)

// Mode is a way in which the stand-in fails.
type Mode uint8

// The ways in which it fails.
const (
	None     Mode = iota
	Status        // answers with Fault.Status, and Retry-After if set
	Page          // 200 with a page of HTML, as gateways answer
	Reset         // breaks the connection before an answer
	Stop          // half a body, then the connection breaks
	Cut           // half a body, which ends as if it were whole
	Slow          // half a body, and then nothing until the client gives up
	Empty         // an empty list
	Other         // the status of another contract
	Big           // white space of 1 MiB before the body
	Redirect      // 307 to another host
	Forget        // 401: tokens that were given are not good any more
)

// Fault is what fails, and when. The zero value never fails.
type Fault struct {
	Mode  Mode
	Path  string // the calls whose path contains it; "": all
	Skip  int    // calls that are answered well before the first failure
	Times int    // failures; 0 is for ever
	// Status and RetryAfter are of the mode Status.
	Status     int
	RetryAfter string
}

// Set makes the calls from now on fail in one way. Fault{} heals the stand-in.
func (s *Server) Set(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.hits = f, 0
}

// due gives the fault of a call. s.mu must be held.
func (s *Server) due(path string) Fault {
	if !strings.Contains(path, s.fault.Path) {
		return Fault{}
	}
	s.hits++
	n := s.hits - s.fault.Skip
	if n < 1 || s.fault.Times > 0 && n > s.fault.Times {
		return Fault{}
	}
	return s.fault
}

// instead answers in place of the stand-in, if the fault is such.
func (f *Fault) instead(w http.ResponseWriter, r *http.Request) bool {
	switch f.Mode {
	case Status:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte("the text of the server"))
	case Page:
		_, _ = w.Write([]byte("<html><body>We will be back soon.</body></html>"))
	case Reset:
		panic(http.ErrAbortHandler)
	case Redirect:
		http.Redirect(w, r, "https://elsewhere.example"+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	default:
		return false
	}
	return true
}

// send sends a body, as far as the fault lets it.
func (f *Fault) send(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	switch f.Mode {
	case Stop:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:len(body)/2]
	case Cut:
		body = body[:len(body)/2]
	case Empty:
		body = []byte("[]")
	case Big:
		body = append([]byte(strings.Repeat(" ", 1<<20)), body...)
	case Slow:
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return
	}
	_, _ = w.Write(body) // a client that has gone needs no answer
}
