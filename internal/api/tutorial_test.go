package api_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// golden compares with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	want, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Errorf("%v; got\n%s", err, got)
		return
	}
	if diff := cmp.Diff(strings.TrimSuffix(string(want), "\n"), got); diff != "" {
		t.Errorf("%s differs (- want, + got):\n%s", name, diff)
	}
}

// TestTutorial goes the way of the sandbox's tutorial, on every path that
// leads to it.
func TestTutorial(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ export, status string }{
		"v1":         {"/api/v1/fhir/Patient/$export?_outputFormat=application%2Ffhir%2Bndjson&_type=ExplanationOfBenefit", "/$status"},
		"v2":         {"/api/v2/fhir/Patient/$export?_type=ExplanationOfBenefit", "/$status"},
		"v1 escaped": {"/api/v1/fhir/Patient/%24export", "/%24status"},
		"v1 group":   {"/api/v1/fhir/Group/Z0000/$export", "/$status"},
		"v2 group":   {"/api/v2/fhir/Group/Z0000/%24export?_since=2020-02-13T00:00:00-05:00", "/%24status"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			walk(t, c.export, c.status)
		})
	}
}

// walk starts an export, follows it and downloads it.
func walk(t *testing.T, target, status string) {
	var there <-chan struct{}
	var release func()
	s := newServer(t, func(s *server) { there, release = s.hold(11) }) // the first of the second part of three
	version := target[5:7]
	a := s.do(one, "GET", target, "Accept: application/json", "Accept: application/fhir+json", "Prefer: respond-async")
	base := s.url + "/api/" + version + "/fhir"
	id := jobID(a.header.Get("Content-Location"))
	want := fixed(http.Header{"Content-Location": {base + "/Job/" + id + "/$status"}, "Content-Length": {"0"}})
	if diff := cmp.Diff(want, varying(a.header)); a.status != http.StatusAccepted || diff != "" || len(a.body) != 0 {
		t.Fatalf("kick-off: %d %s, headers (- want, + got):\n%s", a.status, a.body, diff)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("the job's id is %q", id)
	}
	<-there
	status = "/api/" + version + "/fhir/Job/" + id + status
	a = s.do(one, "GET", status, "Accept: application/json")
	progress, retry := a.header.Get("X-Progress"), a.header.Get("Retry-After")
	want = fixed(http.Header{"X-Progress": {progress}, "Retry-After": {retry}, "Content-Length": {"0"}})
	if diff := cmp.Diff(want, varying(a.header)); a.status != http.StatusAccepted || diff != "" || len(a.body) != 0 {
		t.Errorf("status: %d, headers (- want, + got):\n%s", a.status, diff)
	}
	if !regexp.MustCompile(`^[0-9]{1,2}% complete$`).MatchString(progress) || retry != "1" {
		t.Errorf("X-Progress %q, Retry-After %q", progress, retry)
	}
	release()
	m := s.finish(one, status)
	a = s.do(one, "GET", status)
	expires := s.clock.Now().Add(72 * time.Hour).Format(http.TimeFormat)
	want = fixed(http.Header{"Expires": {expires}, "Content-Type": {"application/json"}, "Content-Length": a.header["Content-Length"]})
	if diff := cmp.Diff(want, varying(a.header)); diff != "" || a.length != int64(len(a.body)) {
		t.Errorf("completed, headers (- want, + got):\n%s", diff)
	}
	if m.Request != s.url+target {
		t.Errorf("the request is %s, want it as it came: %s", m.Request, s.url+target)
	}
	if got := strings.Count(string(a.body), "\n"); got != 0 {
		t.Errorf("the manifest has %d newlines", got)
	}
	golden(t, "manifest.json", strings.NewReplacer(m.Request, "REQUEST", base, "BASE", id, "ID").Replace(string(a.body)))
	download(t, s, m)
}

// fixed are the headers that every answer has, with others beside them.
func fixed(more http.Header) http.Header {
	h := http.Header{
		"X-Content-Type-Options": {"nosniff"}, "X-Xss-Protection": {"1; mode=block"}, "X-Frame-Options": {"DENY"},
		"Cache-Control": {"no-cache, no-store, max-age=0, must-revalidate"}, "Pragma": {"no-cache"}, "Expires": {"0"},
	}
	for name, v := range more {
		h[name] = v
	}
	return h
}

// varying takes away what differs from answer to answer.
func varying(h http.Header) http.Header {
	h = h.Clone()
	h.Del("Date")
	h.Del("X-Request-Id")
	return h
}

// download downloads all files, by turns plain and gzipped, and compares them
// with the manifest and with what the contract has.
func download(t *testing.T, s *server, m fhir.Manifest) {
	t.Helper()
	var all bytes.Buffer
	for i, f := range m.Output {
		accept := []string{"identity", "gzip"}[i%2]
		a := s.do(one, "GET", f.URL, "Accept: application/json", "Accept: application/fhir+json", "Accept-Encoding: "+accept)
		if a.status != http.StatusOK || a.header.Get("Content-Type") != fhir.TypeNDJSON || a.length != int64(len(a.body)) {
			t.Fatalf("%s: %d %v", f.URL, a.status, a.header)
		}
		b := a.body
		if accept == "gzip" {
			b = inflate(t, b)
		}
		sum := sha256.Sum256(b)
		want := []fhir.Extension{fhir.Checksum(sum[:]), fhir.Count(fhir.ExtensionFileLength, int64(len(b)))}
		if diff := cmp.Diff(want, f.Extension); diff != "" || f.Count != int64(bytes.Count(b, []byte("\n"))) || f.Type != "ExplanationOfBenefit" {
			t.Errorf("%s, %s, does not match the manifest: count %d\n%s", f.URL, hex.EncodeToString(sum[:]), f.Count, diff)
		}
		all.Write(b)
	}
	if got, want := all.String(), s.source.Expected("Z0000"); got != want {
		t.Errorf("the files hold\n%s\nwant\n%s", got, want)
	}
}

// inflate reads one gzip member, and nothing may follow it: curl would lose it.
func inflate(t *testing.T, b []byte) []byte {
	t.Helper()
	r := bytes.NewReader(b)
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	plain, err := io.ReadAll(z)
	if err != nil || r.Len() != 0 {
		t.Fatalf("inflate: %v, %d bytes behind the first member", err, r.Len())
	}
	return plain
}

func TestNotesAreAnErrorFile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.finish(one, s.kickOff(one, patientV1+"?_count=5", "Prefer: respond-async, handling=lenient"))
	if len(m.Error) != 1 || m.Error[0].Type != "OperationOutcome" || m.Error[0].Count != 1 {
		t.Fatalf("the errors are %+v", m.Error)
	}
	a := s.do(one, "GET", m.Error[0].URL)
	if !strings.Contains(string(a.body), `"severity":"information"`) || !strings.Contains(string(a.body), `_count`) || a.header.Get("Content-Type") != fhir.TypeNDJSON {
		t.Errorf("the error file is %s", a.body)
	}
}

func TestAnEmptyContract(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.source.Enrollees["Z0000"] = nil })
	status := s.kickOff(one, patientV2)
	s.finish(one, status)
	a := s.do(one, "GET", status)
	if !strings.Contains(string(a.body), `"output":[],"deleted":[],"error":[]`) {
		t.Errorf("the manifest is %s", a.body)
	}
}

// TestTheSameJobInBothVersions: a job can be looked at in either, and its URLs
// follow.
func TestTheSameJobInBothVersions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	status := s.kickOff(one, patientV1)
	m := s.finish(one, strings.Replace(status, "/v1/", "/v2/", 1))
	if want := s.url + "/api/v2/fhir/Job/" + jobID(status) + "/file/Z0000_0001.ndjson"; m.Output[0].URL != want {
		t.Errorf("the address is %s, want %s", m.Output[0].URL, want)
	}
}

// TestADownloadMovesTheNextSince: in v2 a complete download is where the next
// export starts.
func TestADownloadMovesTheNextSince(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.finish(one, s.kickOff(one, patientV2))
	for _, f := range m.Output {
		s.do(one, "GET", f.URL)
	}
	s.idle()
	id := jobID(s.kickOff(one, patientV2))
	j, err := s.db.Job(t.Context(), id)
	if err != nil || j.SinceSource != export.SinceDefault || fhir.FormatInstant(j.Since) != m.TransactionTime {
		t.Errorf("the next export starts at %v (%s), %v", j.Since, j.SinceSource, err)
	}
}
