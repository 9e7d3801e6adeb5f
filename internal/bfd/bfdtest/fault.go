package bfdtest

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Mode is a kind of failure.
type Mode uint8

// The kinds of failure.
const (
	None           Mode = iota
	Status              // answers with Fault.Status and a text, and Retry-After if set
	Reset               // closes the connection before the response
	Page                // 200 with a page of HTML, as gateways send
	Redirect            // 307 to another host
	Stop                // half a body, then the connection is closed
	Cut                 // half a body, which ends as a complete one does
	Tail                // a body without its last byte, which ends as a complete one does
	Slow                // half a body, then nothing until the client cancels
	Empty               // 200 with an empty Bundle, as BFD sends after an internal error
	ForeignLink         // the next link names another host
	ForeignPatient      // the next link names another patient
	SelfLink            // the next link leads to the same page
	FirstLink           // the next link leads to the first page
	EmptyPages          // pages without entries, each with a link to another one
	Bare                // the next link has none of the parameters but the offset
	Repeat              // the last entry of a page is the first of the next, too
	Gzip                // gzip, even if the client does not accept it
	Big                 // a text of 1 MiB in the Bundle
	Outcome             // an OperationOutcome among the entries
	OldYear             // people have a reference year before the requested one
)

// Fault says which calls fail, and how. The zero value never fails.
type Fault struct {
	Mode  Mode
	Skip  int // calls that succeed before the first failure
	Times int // failures; 0 for all calls
	// Status and RetryAfter are of the mode Status. Text is its body.
	Status     int
	RetryAfter string
	Text       string
}

// Set makes later calls fail as f says. Fault{} ends the failures.
func (s *Server) Set(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.calls = f, 0
}

// due returns the failure of a call. s.mu must be held.
func (s *Server) due() Fault {
	s.calls++
	n := s.calls - s.fault.Skip
	if n < 1 || s.fault.Times > 0 && n > s.fault.Times {
		return Fault{}
	}
	return s.fault
}

// instead answers in place of a Bundle, if the fault is such.
func (f *Fault) instead(w http.ResponseWriter, r *http.Request) bool {
	switch f.Mode {
	case Status:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		if strings.HasPrefix(f.Text, "{") {
			w.Header().Set("Content-Type", "application/fhir+json")
		}
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Text))
	case Reset:
		panic(http.ErrAbortHandler)
	case Page:
		_, _ = w.Write([]byte("<html><body>We will be back soon.</body></html>"))
	case Redirect:
		http.Redirect(w, r, "https://elsewhere.example"+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	default:
		return false
	}
	return true
}

// change changes a Bundle, if the fault is such.
func (f *Fault) change(b *bundle) {
	hasNext := func(l link) bool { return l.relation == "next" }
	at := slices.IndexFunc(b.links, hasNext)
	next := ""
	if at >= 0 {
		next = b.url(b.links[at].set)
	}
	instead := func(url string) {
		b.links = slices.DeleteFunc(b.links, hasNext)
		b.raw = append(b.raw, "next", url)
	}
	switch {
	case f.Mode == Empty:
		b.entries, b.links, b.total = nil, nil, 0
	case f.Mode == EmptyPages:
		n := whole(b.query, "startIndex", 0)
		b.entries, b.links, b.total = nil, []link{{"next", map[string]string{"startIndex": strconv.Itoa(n + 1)}}}, -1
	case f.Mode == SelfLink:
		instead(b.url(nil))
	case f.Mode == Outcome:
		b.entries = append(slices.Clone(b.entries), []byte(`{"resourceType":"OperationOutcome","issue":[]}`))
	case f.Mode == OldYear:
		for i, e := range b.entries {
			b.entries[i] = bytes.Replace(e, []byte(`"valueDate":"2`), []byte(`"valueDate":"1`), 1)
		}
	case at < 0:
	case f.Mode == ForeignLink:
		instead(strings.Replace(next, b.self.Host, "elsewhere.example", 1))
	case f.Mode == ForeignPatient:
		instead(strings.Replace(next, "patient="+b.query.Get("patient"), "patient=4711", 1))
	case f.Mode == FirstLink:
		set := b.links[at].set
		for name := range set {
			if name != "_count" {
				set[name] = "0"
			}
		}
		instead(b.url(set))
	case f.Mode == Bare:
		set := b.links[at].set
		instead("?startIndex=" + set["startIndex"] + set["_offset"])
	case f.Mode == Repeat:
		for _, name := range []string{"startIndex", "_offset"} {
			if n, err := strconv.Atoi(b.links[at].set[name]); err == nil && len(b.entries) > 1 {
				b.links[at].set[name] = strconv.Itoa(n - 1)
			}
		}
	}
}

// send sends a body, as far as the fault lets it.
func (f *Fault) send(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Type", "application/fhir+json")
	switch f.Mode {
	case Stop:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:len(body)/2]
	case Cut:
		body = body[:len(body)/2]
	case Tail:
		body = body[:len(body)-1]
	case Slow:
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return
	case Big:
		body = bytes.Replace(body, []byte(`"type"`), []byte(`"text":"`+strings.Repeat("x", 1<<20)+`","type"`), 1)
	case Gzip:
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body)
		_ = z.Close()
		w.Header().Set("Content-Encoding", "gzip")
		body = b.Bytes()
	}
	_, _ = w.Write(body) // a client that has gone needs no answer
}
