package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"ab2d/internal/fhir"
)

// large gives enrollee 1 claims of 1.2 MB that cannot be compressed much: more
// than the buffers of a connection take.
func large(s *server) {
	random := rand.NewChaCha8([32]byte{1})
	facts, raw := s.source.Claims[1][0], make([]byte, 75_000)
	s.source.Claims[1] = nil
	for range 12 {
		random.Read(raw) // never fails
		facts.Line = `{"resourceType":"ExplanationOfBenefit","id":"` + base64.StdEncoding.EncodeToString(raw) + `"}`
		s.source.Claims[1] = append(s.source.Claims[1], facts)
	}
}

// raw is a download on a connection of its own, of which the test decides what
// it reads and when it goes.
type raw struct {
	net.Conn
	body   *bufio.Reader
	header http.Header
}

// dial asks for a file and reads the header of the answer.
func (s *server) dial(address, accept string) *raw {
	s.Helper()
	small := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) { // before it connects
		return errors.Join(c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 16<<10) }), err)
	}}
	c, err := small.DialContext(s.Context(), "tcp", s.listen.Addr().String())
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nAccept-Encoding: %s\r\n\r\n",
		strings.TrimPrefix(address, s.url), s.listen.Addr(), s.token(one, "clientCreds"), accept)
	if err != nil {
		s.Fatal(err)
	}
	b := bufio.NewReader(c)
	resp, err := http.ReadResponse(b, nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.Fatalf("%v, %v", resp, err)
	}
	return &raw{Conn: c, body: b, header: resp.Header}
}

// read reads n bytes of the file.
func (r *raw) read(t *testing.T, n int64) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(r.body, b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestABrokenDownloadDoesNotCount, and may be repeated as a whole.
func TestABrokenDownloadDoesNotCount(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"identity", "gzip"} {
		s := newServer(t, large)
		f := s.export().Output[0]
		for range 2 {
			c := s.dial(f.URL, accept)
			c.read(t, 1000)
			c.Close()
			if n := s.downloads(f.URL); n != 0 {
				t.Fatalf("%s: a broken download counts", accept)
			}
		}
		a := s.do(one, "GET", f.URL, "Accept-Encoding: "+accept)
		if a.status != http.StatusOK || a.length != int64(len(a.body)) {
			t.Errorf("%s: the second attempt is answered %d", accept, a.status)
		}
		if n := s.downloads(f.URL); n != 1 {
			t.Errorf("%s: counted %d downloads, want 1", accept, n)
		}
	}
}

// TestABrokenDownloadIsResumed where it broke off: both together count once.
func TestABrokenDownloadIsResumed(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"identity", "gzip"} {
		s := newServer(t, large)
		f := s.export().Output[0]
		c := s.dial(f.URL, accept)
		all := c.read(t, 300_000)
		c.Close()
		s.idle()
		a := s.do(one, "GET", f.URL, "Accept-Encoding: "+accept, fmt.Sprintf("Range: bytes=%d-", len(all)), "If-Range: "+c.header.Get("Etag"))
		if a.status != http.StatusPartialContent {
			t.Fatalf("%s: answered %d", accept, a.status)
		}
		all = append(all, a.body...)
		if accept == "gzip" {
			all = inflate(t, all)
		}
		if int64(len(all)) != *f.Extension[1].ValueDecimal || int64(bytes.Count(all, []byte("\n"))) != f.Count {
			t.Errorf("%s: the pieces have %d bytes", accept, len(all))
		}
		if n := s.downloads(f.URL); n != 1 {
			t.Errorf("%s: counted %d downloads, want 1", accept, n)
		}
		s.do(one, "GET", f.URL).is(t, http.StatusGone, fhir.CodeDeleted)
	}
}

// TestSentIsNotTaken: the whole file fits into the buffers of the connection,
// and the client leaves without having read it.
func TestSentIsNotTaken(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"identity", "gzip"} {
		s := newServer(t, large, func(s *server) { s.source.Claims[1] = s.source.Claims[1][:1] })
		f := s.export().Output[0]
		c := s.dial(f.URL, accept)
		c.read(t, 1000)
		c.Close()
		if n := s.downloads(f.URL); n != 0 {
			t.Errorf("%s: what was not read counts", accept)
		}
	}
}

// TestAClientThatWillSendNoMore has closed its half of the connection, but
// reads on: that is no broken download.
func TestAClientThatWillSendNoMore(t *testing.T) {
	t.Parallel()
	s := newServer(t, large)
	f := s.export().Output[0]
	c := s.dial(f.URL, "identity")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	c.read(t, *f.Extension[1].ValueDecimal)
	if n := s.downloads(f.URL); n != 1 {
		t.Errorf("counted %d downloads, want 1", n)
	}
}

// TestAClientThatHasGone is not answered as if all were well, should it still
// listen, nor logged as a fault.
func TestAClientThatHasGone(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	ctx, cancel := context.WithCancel(t.Context())
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", patientV1, nil)
	r.Header.Set("Authorization", "Bearer "+s.token(one, "clientCreds"))
	cancel()
	s.handler.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"transient"`) || strings.Contains(s.log.String(), "ERROR") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}
