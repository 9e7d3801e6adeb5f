package bfdtest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

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
	case Unproven:
		return unproven(w, r)
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
	case f.Mode == NoTime, f.Mode == NoPeriod, f.Mode == OtherPatient, f.Mode == Preauthorization:
		f.spoil(b)
	case f.Mode == Merged, f.Mode == Double, f.Mode == Stranger:
		f.patients(b)
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
		if f.Pause > 0 {
			body = body[len(body)/2:]
			wait(r, f.Pause)
			break
		}
		<-r.Context().Done()
		return
	case Big:
		body = bytes.Replace(body, []byte(`"type"`), []byte(`"text":"`+strings.Repeat("x", cmp.Or(f.Size, 1<<20))+`","type"`), 1)
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

// wait waits for d, or until the client has gone.
func wait(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}
