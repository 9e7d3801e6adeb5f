package bfd

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// call requests a page once, as soon as the gate of its host admits the call.
func (c *Client) call(ctx context.Context, b *base, u *url.URL, h http.Header, see func([]byte) error) (page, error) {
	leave, err := b.gate.enter(ctx)
	if err != nil {
		return page{}, err
	}
	state, asked := unknown, time.Duration(0)
	defer func() { leave(state, asked) }() // also when see panics
	p, err := c.get(ctx, u, h, see)
	if ctx.Err() != nil {
		return p, context.Cause(ctx)
	}
	state, asked = judge(err)
	return p, err
}

// get requests a page without passing the gate.
func (c *Client) get(ctx context.Context, u *url.URL, h http.Header, see func([]byte) error) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return page{}, errors.New("the URL of the request is invalid") // err quotes it
	}
	req.Header = h.Clone()
	resp, err := c.http.Do(req)
	if err != nil {
		return page{}, lostError(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return page{}, statusError(resp, c.config.Now())
	}
	p, err := readPage(resp.Body, c.config.MaxPageBytes, see)
	if err != nil {
		if ctx.Err() != nil && !errors.As(err, new(seeError)) {
			err = context.DeadlineExceeded
		}
		return p, bodyError(err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1)) // to the end, so that the connection can be used again
	return p, nil
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
