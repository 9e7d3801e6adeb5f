package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// errOddRange means that a server does not answer a request for a range as RFC
// 9110 has it. The file is then asked for without one.
var errOddRange = errors.New("the server sent another range than was asked for")

// probe asks for the first byte, which tells whether and of what there are
// ranges. Where there are none the answer is the file.
func (t *transfer) probe(ctx context.Context) (whole *http.Response, err error) {
	resp, err := t.ask(ctx, 0, 1)
	if errors.Is(err, errOddRange) { // also an empty file, which has no first byte
		return t.client.open(ctx, t.file, t.url)
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	r, err := contentRange(resp)
	if err != nil {
		return nil, err
	}
	etag := resp.Header.Get("ETag")
	encoding, err := encoding(resp)
	if err != nil || etag == "" || strings.HasPrefix(etag, "W/") || r.first != 0 || r.size > t.client.maxWire(t.file) {
		return t.client.open(ctx, t.file, t.url) // RFC 9110 §13.1.5: a resumed one could be another
	}
	first, err := io.ReadAll(io.LimitReader(wire{resp.Body}, 2))
	if err != nil {
		return nil, err
	}
	if len(first) != 1 {
		return t.client.open(ctx, t.file, t.url)
	}
	if err := os.WriteFile(t.path+received, first, 0o600); err != nil {
		return nil, err
	}
	return nil, t.set(func(h *arrival) { h.ETag, h.Size, h.Gzip = etag, r.size, encoding == "gzip" })
}

// ask asks for the bytes from one offset to before another. The answer is they,
// or the whole file.
func (t *transfer) ask(ctx context.Context, from, to int64) (*http.Response, error) {
	h := header("application/fhir+ndjson")
	h.Set("Accept-Encoding", "gzip")
	if t.arrival.ETag != "" && !t.arrival.Gzip {
		h.Set("Accept-Encoding", "identity")
	}
	h.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to-1))
	if t.arrival.ETag != "" {
		h.Set("If-Range", t.arrival.ETag)
	}
	resp, err := t.client.send(ctx, http.MethodGet, t.url, h, t.file.RequiresAccessToken)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		if err := notPage(resp); err != nil {
			resp.Body.Close()
			return nil, err
		}
		return resp, nil
	case http.StatusPartialContent:
		r, err := contentRange(resp)
		if err == nil && (r.first != from || r.last != to-1 || !t.continues(resp, r)) {
			err = errOddRange
		}
		if err != nil {
			resp.Body.Close()
			return nil, err
		}
		return resp, nil
	}
	defer resp.Body.Close()
	refused := t.client.refusal(resp)
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusRequestedRangeNotSatisfiable, http.StatusNotImplemented:
		// Perhaps for the Range header only: a proxy or a filter in between.
		return nil, fmt.Errorf("%w: %w", errOddRange, refused)
	}
	return nil, refused
}

// continues tells whether a part has the size and the encoding of the file that
// is being received, if any of it was.
func (t *transfer) continues(resp *http.Response, r span) bool {
	if t.arrival.ETag == "" {
		return true
	}
	encoding, err := encoding(resp)
	return err == nil && r.size == t.arrival.Size && (encoding == "gzip") == t.arrival.Gzip
}

// part is the body of a range. One that ends before the range does is not taken
// for the end of the file.
type part struct {
	r    io.Reader
	left int64
	came bool
}

func (p *part) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.left -= int64(n)
	p.came = p.came || n > 0
	switch {
	case err != io.EOF || p.left <= 0:
	case !p.came:
		err = errOddRange
	default: // the rest is asked for, as after a broken connection
		err = &transportError{doing: "receiving the file", err: io.ErrUnexpectedEOF}
	}
	return n, err
}

// span is a Content-Range (RFC 9110 §14.4).
type span struct{ first, last, size int64 }

func contentRange(resp *http.Response) (span, error) {
	var s span
	text := resp.Header.Get("Content-Range")
	if _, err := fmt.Sscanf(text, "bytes %d-%d/%d", &s.first, &s.last, &s.size); err != nil || s.first < 0 || s.last < s.first || s.size <= s.last {
		return s, fmt.Errorf("%w: its Content-Range is %q", errOddRange, Printable(text, 60))
	}
	return s, nil
}
