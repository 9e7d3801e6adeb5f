package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// bulk is a Bulk Data server with what this one does about files: gzip, ranges,
// and each file only once. A test makes it misbehave.
type bulk struct {
	t   *testing.T
	url string

	mu    sync.Mutex
	files map[string]string // content by name
	errs  map[string]string // the same, of the error list
	jobs  int               // started so far; the last one is there
	kicks []http.Header     // headers of the kick-offs
	query string            // of the last one, without allowPartialManifests
	whole string            // the same, with it
	at    string            // transactionTime
	sent  map[string]int64  // of a file, by job and name: the end of what was delivered in a row
	moved map[string]int64  // bytes written of each file, over all requests
	token int
	zips  map[string][]byte // deflated, by content

	kick   func(w http.ResponseWriter, r *http.Request) bool              // true: it has answered
	status func(w http.ResponseWriter, r *http.Request) bool              // true: it has answered
	file   func(w http.ResponseWriter, r *http.Request, name string) bool // true: it has answered
	change func(name string, gzipped []byte) []byte                       // what is sent instead
	sum    string                                                         // of all files, instead of theirs
	cut    func(name string, offset int64) int64                          // how many bytes until the connection breaks; 0: it does not
	plain  bool                                                           // no ranges, and no limit
}

func newBulk(t *testing.T) *bulk {
	b := &bulk{t: t, files: map[string]string{}, errs: map[string]string{}, at: "2026-11-24T08:00:00.000Z", sent: map[string]int64{}, moved: map[string]int64{}, zips: map[string][]byte{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.token++
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3600,"access_token":"token-%d"}`, b.token)
	})
	mux.HandleFunc("GET /fhir/Patient/$export", b.bearer(b.start))
	mux.HandleFunc("GET /fhir/Job/{job}/$status", b.bearer(b.poll))
	mux.HandleFunc("DELETE /fhir/Job/{job}/$status", b.bearer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) }))
	mux.HandleFunc("GET /fhir/Job/{job}/file/{name}", b.bearer(b.send))
	h := httptest.NewServer(mux)
	t.Cleanup(h.Close)
	b.url = h.URL
	return b
}

func (b *bulk) bearer(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		valid := fmt.Sprintf("Bearer token-%d", b.token)
		b.mu.Unlock()
		if r.Header.Get("Authorization") != valid {
			w.WriteHeader(http.StatusForbidden) // as AB2D for an expired one
			return
		}
		next(w, r)
	}
}

func (b *bulk) start(w http.ResponseWriter, r *http.Request) {
	if b.kick != nil && b.kick(w, r) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.jobs++
	b.kicks, b.query = append(b.kicks, r.Header), strings.TrimPrefix(strings.TrimSuffix(r.URL.RawQuery, "allowPartialManifests=true"), "&")
	b.query, b.whole = strings.TrimSuffix(b.query, "&"), r.URL.RawQuery
	if at, err := time.Parse(time.RFC3339, b.at); err == nil { // its clock is that of its transactionTime
		w.Header().Set("Date", at.Format(http.TimeFormat))
	}
	w.Header().Set("Content-Location", fmt.Sprintf("%s/fhir/Job/%d/$status", b.url, b.jobs))
	w.WriteHeader(http.StatusAccepted)
}

func (b *bulk) poll(w http.ResponseWriter, r *http.Request) {
	if b.status != nil && b.status(w, r) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.PathValue("job") != strconv.Itoa(b.jobs) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	list := func(files map[string]string, kind string) string {
		var out []string
		for name, content := range files {
			sum := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
			if b.sum != "" {
				sum = b.sum
			}
			out = append(out, fmt.Sprintf(`{"type":%q,"url":"%s/fhir/Job/%s/file/%s","count":%d,"extension":[{"url":"%s","valueString":"sha256:%s"},{"url":"%s","valueDecimal":%d}]}`,
				kind, b.url, r.PathValue("job"), name, strings.Count(content, "\n"), extChecksum, sum, extLength, len(content)))
		}
		return strings.Join(out, ",")
	}
	fmt.Fprintf(w, `{"transactionTime":%q,"request":"%s/fhir/Patient/$export?%s","requiresAccessToken":true,"output":[%s],"error":[%s]}`,
		b.at, b.url, b.query, list(b.files, "ExplanationOfBenefit"), list(b.errs, "OperationOutcome"))
}

func (b *bulk) send(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if b.file != nil && b.file(w, r, name) {
		return
	}
	b.mu.Lock()
	content, ok := b.zips[b.files[name]+b.errs[name]]
	if !ok {
		content = deflated(b.files[name] + b.errs[name])
		b.zips[b.files[name]+b.errs[name]] = content
	}
	content = bytes.Clone(content)
	key := r.PathValue("job") + "/" + name
	sent, size := b.sent[key], int64(len(content))
	b.mu.Unlock()
	if b.change != nil {
		content = b.change(name, content)
	}
	if sent >= size {
		w.WriteHeader(http.StatusGone)
		io.WriteString(w, `{"issue":[{"severity":"error","code":"deleted","details":{"text":"It was downloaded already."}}]}`)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Type", "application/fhir+ndjson")
	if b.plain {
		w.Write(content)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(content)))
	var from int64
	fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
	out := &breaking{ResponseWriter: w}
	if b.cut != nil {
		out.left = b.cut(name, from)
	}
	defer func() { // also when the connection breaks
		b.mu.Lock()
		defer b.mu.Unlock()
		b.moved[name] += out.written
		if from <= b.sent[key] {
			b.sent[key] = max(b.sent[key], from+out.written)
		}
	}()
	http.ServeContent(out, r, "", time.Time{}, bytes.NewReader(content))
}

// breaking breaks the connection after some bytes.
type breaking struct {
	http.ResponseWriter
	left    int64
	written int64
}

func (b *breaking) Write(p []byte) (int, error) {
	if b.left > 0 && int64(len(p)) >= b.left {
		n, _ := b.ResponseWriter.Write(p[:b.left])
		b.written += int64(n)
		http.NewResponseController(b.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	if b.left > 0 {
		b.left -= int64(len(p))
	}
	n, err := b.ResponseWriter.Write(p)
	b.written += int64(n)
	return n, err
}

func (b *bulk) client() *Client {
	b.t.Helper()
	oneShot := &http.Transport{DisableKeepAlives: true} // on a kept connection net/http repeats requests by itself
	c, err := New(Config{HTTP: &http.Client{Transport: oneShot}, BaseURL: b.url + "/fhir", TokenURL: b.url + "/token", ClientID: "id", ClientSecret: "secret",
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// open opens the folder for the test's duration.
func (b *bulk) open(dir string) *Folder {
	b.t.Helper()
	f, err := b.client().OpenFolder(dir, FolderOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { f.Close() })
	return f
}

// claimLines are n lines, which do not deflate to nothing.
func claimLines(n int, seed string) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, `{"resourceType":"ExplanationOfBenefit","id":"%x"}`+"\n", sha256.Sum256([]byte(seed+strconv.Itoa(i))))
	}
	return s.String()
}
