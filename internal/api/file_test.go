package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// many sets a limit of downloads that no test reaches.
func many(s *server) { s.config.MaxDownloads = 100 }

// TestDownloadHeaders: the ETag is the SHA-256 of the file, which differs from
// one representation to the other.
func TestDownloadHeaders(t *testing.T) {
	t.Parallel()
	s := newServer(t, many)
	f := s.export().Output[0]
	sum := strings.TrimPrefix(f.Extension[0].ValueString, "sha256:")
	for accept, etag := range map[string]string{"identity": `"` + sum + `"`, "gzip": `"` + sum + `-gzip"`} {
		a := s.do(one, "GET", f.URL, "Accept: application/json", "Accept-Encoding: "+accept)
		want := fixed(http.Header{
			"Content-Type": {fhir.TypeNDJSON}, "Content-Length": {fmt.Sprint(len(a.body))}, "Etag": {etag}, "Vary": {"Accept-Encoding"},
			"Accept-Ranges": {"bytes"}, "Content-Disposition": {`attachment; filename="Z0000_0001.ndjson"`},
		})
		if accept == "gzip" {
			want.Set("Content-Encoding", "gzip")
		}
		if diff := cmp.Diff(want, varying(a.header)); a.status != http.StatusOK || diff != "" {
			t.Errorf("%s: %d, headers (- want, + got):\n%s", accept, a.status, diff)
		}
		if head := s.do(one, "HEAD", f.URL, "Accept-Encoding: "+accept); cmp.Diff(want, varying(head.header)) != "" || len(head.body) != 0 {
			t.Errorf("%s: HEAD is answered %d %v", accept, head.status, head.header)
		}
		again := s.do(one, "GET", f.URL, "Accept-Encoding: "+accept, "If-None-Match: "+etag)
		if again.status != http.StatusNotModified || again.header.Get("Etag") != etag || len(again.body) != 0 {
			t.Errorf("%s: If-None-Match is answered %d %v", accept, again.status, again.header)
		}
	}
	if n := s.downloads(f.URL); n != 2 {
		t.Errorf("counted %d downloads, want 2: neither HEAD nor 304 is one", n)
	}
}

// TestGosClient asks for gzip by itself and inflates.
func TestGosClient(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.export().Output[0].URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token(one, "clientCreds"))
	var client http.Client
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || !resp.Uncompressed || !strings.HasPrefix(s.source.Expected("Z0000"), string(b)) || len(b) == 0 {
		t.Errorf("%v, inflated %v: %s", err, resp.Uncompressed, b)
	}
}

func TestAcceptEncoding(t *testing.T) {
	t.Parallel()
	s := newServer(t, many)
	f := s.export().Output[0].URL
	want := s.do(one, "GET", f).body
	for accept, gzipped := range map[string]bool{
		"gzip": true, "GZIP": true, "x-gzip": true, "deflate, gzip;q=1.0, *;q=0.5": true, "gzip, deflate, br, zstd": true, "gzip;q=0.001": true, "*": true,
		"*;q=0.1": true, "gzip ; q=0.5": true, "gzip;Q=1": true, "br;q=1.0, gzip;q=0.8, *;q=0.1": true,
		"": false, "identity": false, "br": false, "gzip;q=0": false, "gzip;q=0.000": false, "gzip;q=0, *": false, "*, gzip;q=0": false, "*;q=0": false,
		"gzip;q=x": false, "gzip;q=-1": false, "gzip;q=nan": false, "gzipped": false, "identity, *;q=0": false, ";q=1": false, "deflate;gzip": false,
	} {
		a := s.do(one, "GET", f, "Accept-Encoding: "+accept)
		b := a.body
		if encoding := a.header.Get("Content-Encoding"); (encoding == "gzip") != gzipped || a.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: Content-Encoding %q", accept, encoding)
		} else if gzipped {
			b = inflate(t, b)
		}
		if !bytes.Equal(b, want) {
			t.Errorf("%q gave other bytes", accept)
		}
	}
}

func TestAFileIsDownloadedOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.export()
	for _, accept := range []string{"gzip", "identity"} {
		f := m.Output[map[string]int{"gzip": 0, "identity": 1}[accept]].URL
		for range 3 {
			if a := s.do(one, "HEAD", f); a.status != http.StatusOK {
				t.Errorf("HEAD is answered %d", a.status)
			}
		}
		if a := s.do(one, "GET", f, "Accept-Encoding: "+accept); a.status != http.StatusOK {
			t.Errorf("%s: the download is answered %d", accept, a.status)
		}
		s.idle()
		for _, other := range []string{"gzip", "identity"} {
			s.do(one, "GET", f, "Accept-Encoding: "+other).is(t, http.StatusGone, fhir.CodeDeleted, "downloaded already", "only once", "start a new export")
		}
		if a := s.do(one, "HEAD", f); a.status != http.StatusGone {
			t.Errorf("HEAD of a file that is used up is answered %d", a.status)
		}
	}
	if a := s.do(one, "GET", m.Output[2].URL); a.status != http.StatusOK {
		t.Errorf("another file is answered %d", a.status)
	}
}

func TestAFileMayBeDownloadedTwice(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.config.MaxDownloads = 2 })
	f := s.export().Output[0].URL
	for range 2 {
		if a := s.do(one, "GET", f); a.status != http.StatusOK {
			t.Errorf("answered %d", a.status)
		}
		s.idle()
	}
	s.do(one, "GET", f).is(t, http.StatusGone, fhir.CodeDeleted, "2 times only")
}

// TestDownloadLimit_AtOnce: of eight requests at the same time one gets a file
// that may be downloaded once.
func TestDownloadLimit_AtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t, large)
	f := s.export().Output[0]
	first := s.dial(f.URL, "identity") // holds the file while the others ask
	var statuses []int
	for range 7 {
		statuses = append(statuses, s.do(one, "GET", f.URL, "Accept-Encoding: gzip").status)
	}
	for _, status := range statuses {
		if status != http.StatusTooManyRequests {
			t.Errorf("answered %v, want 429 each", statuses)
			break
		}
	}
	first.read(t, *f.Extension[1].ValueDecimal)
	if n := s.downloads(f.URL); n != 1 {
		t.Errorf("counted %d downloads, want 1", n)
	}
	s.do(one, "GET", f.URL).is(t, http.StatusGone, fhir.CodeDeleted)
}

// TestDownloadLimit_RangesInAnyOrder: all bytes by ranges are one download,
// whatever their order, and so is a client that asks for the last byte first.
func TestDownloadLimit_RangesInAnyOrder(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for i, ranges := range [][]string{{"bytes=100-", "bytes=0-99"}, {"bytes=-1", "bytes=0-"}, {"bytes=200-299", "bytes=0-199", "bytes=300-"}} {
		f := s.export().Output[0].URL
		for _, r := range ranges {
			if a := s.do(one, "GET", f, "Range: "+r); a.status != http.StatusPartialContent {
				t.Fatalf("%d: %s: %d", i, r, a.status)
			}
		}
		if n := s.downloads(f); n != 1 {
			t.Errorf("%v: counted %d downloads, want 1", ranges, n)
		}
	}
}

// TestADownloadIsResumed: in pieces, which together count once.
func TestADownloadIsResumed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.export()
	for i, accept := range []string{"identity", "gzip"} {
		f := m.Output[i].URL
		head := s.do(one, "HEAD", f, "Accept-Encoding: "+accept)
		etag, third := head.header.Get("Etag"), head.length/3
		var all []byte
		for _, piece := range []string{fmt.Sprintf("bytes=0-%d", third-1), fmt.Sprintf("bytes=%d-%d", third, 2*third-1), fmt.Sprintf("bytes=%d-", 2*third)} {
			if n := s.downloads(f); n != 0 {
				t.Errorf("%s: counted %d before %s", accept, n, piece)
			}
			a := s.do(one, "GET", f, "Accept-Encoding: "+accept, "Range: "+piece, "If-Range: "+etag)
			want := fmt.Sprintf("bytes %d-%d/%d", len(all), len(all)+len(a.body)-1, head.length)
			if got := a.header.Get("Content-Range"); a.status != http.StatusPartialContent || got != want || a.length != int64(len(a.body)) || a.header.Get("Etag") != etag {
				t.Fatalf("%s: %d %v, want Content-Range %s", piece, a.status, a.header, want)
			}
			all = append(all, a.body...)
		}
		if accept == "gzip" {
			all = inflate(t, all)
		}
		if int64(len(all)) != *m.Output[i].Extension[1].ValueDecimal || !bytes.Contains([]byte(s.source.Expected("Z0000")), all) {
			t.Errorf("%s: the pieces do not make the file", accept)
		}
		if n := s.downloads(f); n != 1 {
			t.Errorf("%s: counted %d downloads, want 1", accept, n)
		}
		s.do(one, "GET", f, "Range: bytes=0-1").is(t, http.StatusGone, fhir.CodeDeleted)
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	s := newServer(t, many)
	f := s.export().Output[0].URL
	whole := s.do(one, "GET", f).body
	size := len(whole)
	for _, c := range []struct {
		headers  []string
		status   int
		from, to int
	}{
		{[]string{"Range: bytes=10-19"}, 206, 10, 20},
		{[]string{"Range: bytes=-5"}, 206, size - 5, size},
		{[]string{"Range: bytes=100-99999"}, 206, 100, size},
		{[]string{"Range: bytes=0-1,4-5"}, 200, 0, size},
		{[]string{"Range: bytes=0-0", `If-Range: "another"`}, 200, 0, size},
		{[]string{"Range: bytes=0-0", "If-Range: Thu, 01 Jan 2026 00:00:00 GMT"}, 200, 0, size},
		{[]string{"Range: bytes=0-0", "If-None-Match: *"}, 304, 0, 0},
	} {
		a := s.do(one, "GET", f, c.headers...)
		if a.status != c.status || !bytes.Equal(a.body, whole[c.from:c.to]) {
			t.Errorf("%s: %d with %d bytes, want %d with %d", c.headers, a.status, len(a.body), c.status, c.to-c.from)
		}
	}
	for _, impossible := range []string{fmt.Sprintf("bytes=%d-", size), "bytes=99999-100000", "bytes=x-y", "bytes=9-8", "furlongs=1-2", "bytes=-"} {
		for _, accept := range []string{"identity", "gzip"} {
			a := s.do(one, "GET", f, "Range: "+impossible, "Accept-Encoding: "+accept)
			a.is(t, http.StatusRequestedRangeNotSatisfiable, fhir.CodeInvalid, "Range: bytes=FIRST-")
			if got := a.header.Get("Content-Range"); !strings.HasPrefix(got, "bytes */") || a.header.Get("Content-Disposition") != "" || a.header.Get("Etag") != "" {
				t.Errorf("%s: %v", impossible, a.header)
			}
		}
	}
	s.do(one, "GET", f, `If-Match: "another"`).is(t, http.StatusPreconditionFailed, fhir.CodeInvalid, "If-Match", "its ETag is")
}

// strictJobs take bad UTF-8 and NUL for a fault, as PostgreSQL does.
type strictJobs struct{ export.Jobs }

func (s strictJobs) File(ctx context.Context, id, name string) (*export.File, error) {
	if !utf8.ValidString(name) || strings.Contains(name, "\x00") {
		return nil, errors.New("invalid byte sequence for encoding UTF8")
	}
	return s.Jobs.File(ctx, id, name)
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.config.Jobs = strictJobs{s.db} })
	job := "/api/v1/fhir/Job/" + jobID(s.export().Output[0].URL) + "/file/"
	for _, name := range []string{
		"..%2f..%2f..%2fetc%2fpasswd", "%2e%2e", "..%5c..%5cx", "Z0000_0001.ndjson%00", "%00", "%ff%fe", "Z0000_0001.ndjson.gz", "z0000_0001.ndjson", "Z0000_0004.ndjson",
		"Z0001_0001.ndjson", "part000001-1-0.ndjson.gz", "'%20or%20'1'='1", "%25", "*", "Z0000_000_.ndjson", strings.Repeat("x", 30_000), "%E2%80%AE", "%0d%0aX:%20y",
	} {
		a := s.do(one, "GET", job+name)
		a.is(t, http.StatusNotFound, fhir.CodeNotFound, "The job has no file", "output")
		if len(a.body) > 800 {
			t.Errorf("the answer to a name of %d bytes has %d", len(name), len(a.body))
		}
	}
}

// TestAConnectionThatCannotBeAskedAbout, as in a test without a network or
// behind a proxy of our own: what was sent counts.
func TestAConnectionThatCannotBeAskedAbout(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	f := s.export().Output[0].URL
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", f, nil)
	r.Header.Set("Authorization", "Bearer "+s.token(one, "clientCreds"))
	r.Header.Set("Accept-Encoding", "gzip")
	s.handler.ServeHTTP(w, r)
	if _, err := gzip.NewReader(w.Body); w.Code != http.StatusOK || err != nil || s.downloads(f) != 1 {
		t.Errorf("answered %d, %v; counted %d", w.Code, err, s.downloads(f))
	}
}
