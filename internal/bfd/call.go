package bfd

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// request is what is asked of a host.
type request struct {
	url    *url.URL
	header http.Header
	// post sends the query in the body of a POST, so that no log of a server or a
	// proxy has it with the URL.
	post bool
}

// http makes the request of package http.
func (r *request) http(ctx context.Context) (*http.Request, error) {
	method, u, body := http.MethodGet, *r.url, io.Reader(nil)
	if r.post {
		method, body, u.RawQuery = http.MethodPost, strings.NewReader(u.RawQuery), ""
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, errors.New("the URL of the call cannot be written") // err quotes it
	}
	req.Header = r.header.Clone()
	if r.post {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		// A search changes nothing, so package http may send it again when an idle
		// connection turns out to be closed. The empty value is not sent.
		req.Header["Idempotency-Key"] = []string{}
	}
	return req, nil
}

// call sends a request once, when the gate of its host lets it. read reads the body
// of an answer 200.
func (c *Client) call(ctx context.Context, b *base, r *request, read func(io.Reader) error) error {
	leave, err := b.gate.enter(ctx)
	if err != nil {
		return err
	}
	state, asked := unknown, time.Duration(0)
	defer func() { leave(state, asked) }() // also when read panics
	err = c.send(ctx, r, read)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	state, asked = judge(err)
	return err
}

// send sends a request without asking the gate.
func (c *Client) send(ctx context.Context, r *request, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.Deadline)
	defer cancel()
	req, err := r.http(ctx)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return lostError(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return statusError(resp, c.config.Now())
	}
	if err := read(resp.Body); err != nil {
		if ctx.Err() != nil && !errors.As(err, new(seeError)) {
			err = context.DeadlineExceeded
		}
		return bodyError(err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1)) // to the end, so that the connection can be used again
	return nil
}

// judge returns what a call says about the health of its host, and how long the host
// asked the client to wait. A rejected request and a page that is too long do not count
// as failures of the host.
func judge(err error) (h health, asked time.Duration) {
	var e *Error
	switch {
	case err == nil:
		return good, 0
	case !errors.As(err, &e):
		return unknown, 0
	case e.Kind == Refused || e.Kind == TooLong:
		return good, 0
	}
	return bad, e.Retry
}

// header is that of a search.
func (c *Client) header(more ...string) http.Header {
	h := http.Header{"Accept": {"application/fhir+json"}, "User-Agent": {"ab2d"}}
	for _, pair := range [][2]string{{"BULK-CLIENTID", c.config.ClientID}, {"BULK-JOBID", c.config.JobID}} {
		if pair[1] != "" {
			h[http.CanonicalHeaderKey(pair[0])] = []string{pair[1]}
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}
