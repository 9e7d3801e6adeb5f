package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// odd is a Bulk Data server without tokens that does not follow the contract: a
// test says what it answers.
type odd struct {
	t      *testing.T
	url    string
	mux    *http.ServeMux
	date   time.Time // of the kick-off; the zero value is aDay
	polled atomic.Int64
	status func(poll int64) string // the manifest; $URL is the server's
	hosts  []string                // Config.AllowHosts
	idle   time.Duration           // Config.IdleTimeout
}

func newOdd(t *testing.T, manifest string) *odd {
	o := &odd{t: t, mux: http.NewServeMux(), date: aDay, status: func(int64) string { return manifest }}
	h := httptest.NewServer(o.mux)
	t.Cleanup(h.Close)
	o.url = h.URL
	o.mux.HandleFunc("GET /fhir/Patient/$export", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", o.date.Format(http.TimeFormat))
		w.Header().Set("Content-Location", o.url+"/fhir/status")
		w.WriteHeader(http.StatusAccepted)
	})
	o.mux.HandleFunc("GET /fhir/status", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.ReplaceAll(o.status(o.polled.Add(1)), "$URL", o.url))
	})
	return o
}

// file answers a file with a content, whatever the range asked for.
func (o *odd) file(name, content string, headers ...string) {
	o.mux.HandleFunc("GET /"+name, answer(http.StatusOK, content, headers...))
}

// export exports into a new folder.
func (o *odd) export() (*Folder, *Run, error) {
	o.t.Helper()
	c, err := New(Config{BaseURL: o.url + "/fhir", AllowHosts: o.hosts, IdleTimeout: o.idle,
		Now: func() time.Time { return aDay }, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	if err != nil {
		o.t.Fatal(err)
	}
	f, err := OpenFolder(filepath.Join(o.t.TempDir(), "claims"), Source{Server: o.url + "/fhir"}, false)
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { f.Close() })
	run, err := f.Export(o.t.Context(), c, Request{}, Options{})
	return f, run, err
}

// manifest is one that promises files, each a name and possibly more fields.
func manifest(files ...string) string {
	var output []string
	for _, f := range files {
		name, more, _ := strings.Cut(f, " ")
		output = append(output, fmt.Sprintf(`{"type":"ExplanationOfBenefit","url":"$URL/%s"%s}`, name, more))
	}
	return `{"transactionTime":"2026-11-24T08:00:00Z","requiresAccessToken":false,"output":[` + strings.Join(output, ",") + `],"error":[]}`
}

const (
	oneClaim  = `{"resourceType":"ExplanationOfBenefit","id":"1"}` + "\n"
	twoClaims = oneClaim + `{"resourceType":"ExplanationOfBenefit","id":"2"}` + "\n"
)

// TestFilesThatWereNotPromised: what comes with status 200 and is not the file does
// not count as one, and the folder's end stays where it is.
func TestFilesThatWereNotPromised(t *testing.T) {
	for name, content := range map[string]string{
		"an error":           `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception"}]}`,
		"errors over lines":  "{\n  \"resourceType\": \"OperationOutcome\"\n}\n",
		"XML":                `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`,
		"another type":       `{"resourceType":"Patient","id":"1"}` + "\n",
		"a Binary":           `{"resourceType":"Binary","contentType":"application/fhir+ndjson","data":"e30="}`,
		"cut in a claim":     oneClaim + `{"resourceType":"ExplanationOfBenefit","id`,
		"cut before the end": strings.TrimSuffix(oneClaim, "\n") + "\n" + `{"resourceType":"ExplanationOfBenefit","item":[{}`,
	} {
		t.Run(name, func(t *testing.T) {
			o := newOdd(t, manifest("a.ndjson"))
			o.file("a.ndjson", content)
			f, run, err := o.export()
			if !errors.Is(err, ErrNotPromised) || run != nil || !f.Since().IsZero() || len(f.Runs()) != 0 {
				t.Errorf("got %+v, %v, since %s", run, err, f.Since())
			}
		})
	}
}

// TestLinesThatCannotBeRead: one bad line does not keep the others back.
func TestLinesThatCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		count         int64
		rejected      []int64
	}{
		{"not JSON", oneClaim + "{\"resourceType\":\"ExplanationOfBenefit\",]}\n" + oneClaim, 3, []int64{2}},
		{"not UTF-8", "{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"\xe9\"}\n" + twoClaims, 3, []int64{1}},
		{"a byte order mark", "\xef\xbb\xbf" + twoClaims, 2, nil},
		{"blank lines", "\n" + oneClaim + " \r\n\n" + oneClaim + "\n", 2, nil},
		{"no end of line", strings.TrimSuffix(twoClaims, "\n"), 2, nil},
		{"gzip without a header", string(deflated(twoClaims)), 2, nil},
		{"empty", "", 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOdd(t, manifest("a.ndjson"))
			o.file("a.ndjson", tt.content, "Content-Type", "application/octet-stream")
			_, run, err := o.export()
			if err != nil {
				t.Fatal(err)
			}
			var lines []int64
			for _, r := range run.Files[0].Rejected {
				lines = append(lines, r.Line)
			}
			if run.Files[0].Count != tt.count || !slices.Equal(lines, tt.rejected) {
				t.Errorf("got %+v, want %d resources and rejected %v", run.Files[0], tt.count, tt.rejected)
			}
		})
	}
}

// TestPagesOfAManifest: an export is complete with all of them.
func TestPagesOfAManifest(t *testing.T) {
	page := func(url, file string) string {
		return strings.TrimSuffix(manifest(file), "}") + fmt.Sprintf(`,"link":[{"relation":"next","url":%q}]}`, url)
	}
	for name, tt := range map[string]struct {
		first string
		files int // 0: an error
	}{
		"two pages":    {page("$URL/fhir/page2", "a.ndjson"), 2},
		"relative":     {page("page2", "a.ndjson"), 2},
		"a loop":       {page("$URL/fhir/loop", "a.ndjson"), 0},
		"another host": {page("http://elsewhere.example/page2", "a.ndjson"), 0},
		"not there":    {page("$URL/fhir/none", "a.ndjson"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOdd(t, tt.first)
			o.file("a.ndjson", oneClaim)
			o.file("b.ndjson", twoClaims)
			for path, content := range map[string]string{"page2": manifest("b.ndjson"), "loop": page("loop", "b.ndjson")} {
				o.mux.HandleFunc("GET /fhir/"+path, func(w http.ResponseWriter, _ *http.Request) {
					io.WriteString(w, strings.ReplaceAll(content, "$URL", o.url))
				})
			}
			f, run, err := o.export()
			switch {
			case tt.files == 0:
				if err == nil || !f.Since().IsZero() {
					t.Errorf("got %+v, since %s", run, f.Since())
				}
			case err != nil || len(run.Files) != tt.files:
				t.Errorf("got %+v, %v", run, err)
			}
		})
	}
}

// TestTransactionTimeAfterTheStart: a server that writes when its job ended may
// lack what changed while the job ran.
func TestTransactionTimeAfterTheStart(t *testing.T) {
	o := newOdd(t, strings.ReplaceAll(manifest("a.ndjson"), "08:00:00Z", "09:30:00Z"))
	o.file("a.ndjson", oneClaim)
	f, _, err := o.export()
	if want := aDay.Add(-dateMargin); err != nil || !f.Since().Equal(want) {
		t.Errorf("since %s, want %s, %v", f.Since(), want, err)
	}
}

// TestOddTransport: what servers of the world do to a file on its way.
func TestOddTransport(t *testing.T) {
	for name, send := range map[string]http.HandlerFunc{
		"aws-chunked": answer(http.StatusOK, twoClaims, "Content-Encoding", "aws-chunked"),
		"206 for all": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				io.WriteString(w, twoClaims)
				return
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(twoClaims)-1, len(twoClaims)))
			w.WriteHeader(http.StatusPartialContent)
			io.WriteString(w, twoClaims)
		},
		"another range": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				io.WriteString(w, twoClaims)
				return
			}
			w.Header().Set("Content-Range", "bytes 40-59/60")
			w.WriteHeader(http.StatusPartialContent)
			io.WriteString(w, "nothing that was asked for"[:20])
		},
		"416": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			io.WriteString(w, twoClaims)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOdd(t, manifest("a.ndjson"))
			o.mux.HandleFunc("GET /a.ndjson", send)
			_, run, err := o.export()
			if err != nil || run.Files[0].Count != 2 || run.Files[0].Length != int64(len(twoClaims)) {
				t.Errorf("got %+v, %v", run, err)
			}
		})
	}
}

// TestSignedLinksExpire: the status is asked again, which signs them anew.
func TestSignedLinksExpire(t *testing.T) {
	o := newOdd(t, "")
	o.status = func(poll int64) string { return manifest(fmt.Sprintf("a.ndjson?signed=%d", poll)) }
	o.mux.HandleFunc("GET /a.ndjson", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("signed") != "2" {
			answer(http.StatusForbidden, `<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`)(w, r)
			return
		}
		io.WriteString(w, oneClaim)
	})
	_, run, err := o.export()
	if err != nil || run.Files[0].Count != 1 || o.polled.Load() != 2 {
		t.Errorf("got %+v, %v, asked %d times", run, err, o.polled.Load())
	}
}

// TestSignedLinksThatStayRefused: the refusal is told, and the status is not asked
// without end.
func TestSignedLinksThatStayRefused(t *testing.T) {
	o := newOdd(t, "")
	o.status = func(poll int64) string { return manifest(fmt.Sprintf("a.ndjson?signed=%d", poll)) }
	o.mux.HandleFunc("GET /a.ndjson", answer(http.StatusForbidden, ""))
	if _, _, err := o.export(); answered(err) == nil || o.polled.Load() > 2 {
		t.Errorf("%v, asked %d times", err, o.polled.Load())
	}
}

// TestAllowHosts: a file on another host gets the token only where that was
// allowed.
func TestAllowHosts(t *testing.T) {
	other := httptest.NewServer(answer(http.StatusOK, oneClaim))
	defer other.Close()
	promised := strings.ReplaceAll(manifest("a.ndjson"), "$URL", other.URL)
	promised = strings.ReplaceAll(promised, `"requiresAccessToken":false`, `"requiresAccessToken":"true"`)
	for _, allowed := range []bool{false, true} {
		o := newOdd(t, promised)
		if allowed {
			o.hosts = []string{strings.TrimPrefix(other.URL, "http://")}
		}
		if _, _, err := o.export(); (err == nil) != allowed {
			t.Errorf("allowed %v: %v", allowed, err)
		}
	}
}

// TestHostileBodies: time and space are bounded by what was promised.
func TestHostileBodies(t *testing.T) {
	for name, send := range map[string]func(w http.ResponseWriter, r *http.Request, sent *atomic.Int64){
		"stalls": func(w http.ResponseWriter, r *http.Request, _ *atomic.Int64) {
			io.WriteString(w, oneClaim)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"does not end": func(w http.ResponseWriter, _ *http.Request, sent *atomic.Int64) {
			for {
				n, err := w.Write(bytes.Repeat([]byte(oneClaim), 1000))
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		},
		"is one line without end": func(w http.ResponseWriter, _ *http.Request, sent *atomic.Int64) {
			for {
				n, err := w.Write(make([]byte, 64<<10))
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOdd(t, manifest(`a.ndjson ,"extension":[{"url":"`+extLength+`","valueDecimal":5000}]`))
			o.idle = 50 * time.Millisecond
			var sent atomic.Int64
			o.mux.HandleFunc("GET /a.ndjson", func(w http.ResponseWriter, r *http.Request) { send(w, r, &sent) })
			f, run, err := o.export()
			if err == nil || !f.Since().IsZero() {
				t.Errorf("got %+v", run)
			}
			if sent.Load() > 200<<20 {
				t.Errorf("it sent %d bytes of 5000", sent.Load())
			}
		})
	}
}

// TestReach: a server that is not there is told at once; one that refuses is there.
func TestReach(t *testing.T) {
	o := newOdd(t, "")
	if err := Reach(t.Context(), o.url+"/fhir", nil); err != nil {
		t.Error(err)
	}
	h := httptest.NewServer(nil)
	h.Close()
	if err := Reach(t.Context(), h.URL+"/fhir", nil); !errors.Is(err, ErrNotThere) || !strings.Contains(err.Error(), "Is it running?") {
		t.Errorf("got %v", err)
	}
}
