package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"
)

// Progress is what a server says about an export under way.
type Progress struct {
	// Percent is how much is done, 0 to 100; -1 when the server does not say.
	Percent int
	// Text is what the server says in X-Progress, fit for a terminal.
	Text string
	// Wait is how long it is until the server is asked again.
	Wait time.Duration
	// Partial is what can be fetched while the export runs, of a server that tells:
	// see Request.AllowPartial. What it lists stays as it is, and more is added at the
	// end of Output. It is nil when there is nothing yet.
	Partial *Manifest
	// Err is a fault that passes, such as a server that is restarting; nil
	// when all is well. Percent and Text are then those of before.
	Err error
}

// Wait asks for a job's status until it has ended, and gives its manifest. It
// asks as often as the server's Retry-After tells, between one second and an
// hour, every five seconds without. A server that is busy or away is asked
// again, at growing distances, ten times in a row at most. progress, which may
// be nil, is called after each answer that is not the last one. A job that
// failed, was canceled or has expired is an *Error.
func (c *Client) Wait(ctx context.Context, job Job, progress func(Progress)) (*Manifest, error) {
	u, err := c.statusURL(job)
	if err != nil {
		return nil, fmt.Errorf("waiting for the export: %w", err)
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	m, err := c.wait(ctx, u, progress, job.Partial)
	if err != nil {
		return nil, fmt.Errorf("waiting for the export: %w", err)
	}
	return m, nil
}

func (c *Client) wait(ctx context.Context, u *url.URL, progress func(Progress), partial bool) (*Manifest, error) {
	last, soFar := Progress{Percent: -1}, pages{}
	fault := func(err error, d time.Duration) {
		progress(Progress{Percent: last.Percent, Text: last.Text, Wait: d, Err: err})
	}
	for {
		var done *Manifest
		err := c.persevere(ctx, pollTries, func() (err error) {
			last, done, err = c.poll(ctx, u, last)
			return err
		}, fault)
		if err != nil || done != nil {
			return done, err
		}
		if partial {
			last.Partial = soFar.read(ctx, c, last.Partial)
		}
		progress(last)
		if err := c.sleep(ctx, last.Wait); err != nil {
			return nil, err
		}
	}
}

// poll asks once. Of a job under way it gives the progress, of a finished one
// the manifest, and after a fault the progress of before.
func (c *Client) poll(ctx context.Context, u *url.URL, before Progress) (Progress, *Manifest, error) {
	resp, err := c.send(ctx, http.MethodGet, u, header("application/json"), true)
	if err != nil {
		return before, nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusAccepted:
		p := readProgress(resp.Header, c.now())
		p.Partial = c.manifestSoFar(resp)
		return p, nil, nil
	case http.StatusOK:
		m, err := c.readManifest(resp)
		if err != nil {
			return before, nil, err
		}
		return c.readPages(ctx, m, before)
	}
	return before, nil, c.pollError(resp)
}

// pollError reads an answer to a poll that is no progress and no manifest. An
// export that failed is 500 with an OperationOutcome; 500 without one is a
// server that stumbles, and is asked again.
func (c *Client) pollError(resp *http.Response) *Error {
	e := c.refusal(resp)
	if e.Status == http.StatusInternalServerError && !e.explained {
		e.transient = true
	}
	return e
}

// maxPages bounds the pages of a manifest.
const maxPages = 10_000

// readPages follows a manifest's link to its next page, to the last one. An
// export is complete only with all of them. A page that is not ready is
// progress: the status is then asked again from its start.
func (c *Client) readPages(ctx context.Context, m *Manifest, before Progress) (Progress, *Manifest, error) {
	seen := map[string]bool{}
	for m.next != "" {
		u, err := c.statusURL(Job{StatusURL: m.next})
		switch {
		case err != nil:
			return before, nil, fmt.Errorf("the manifest's next page: %w", err)
		case seen[m.next] || len(seen) >= maxPages:
			return before, nil, errors.New("the pages of the manifest do not end")
		}
		seen[m.next] = true
		progress, page, err := c.readPage(ctx, u, before)
		if err != nil || page == nil {
			return progress, nil, err
		}
		m.join(page)
	}
	return before, m, nil
}

// readPage asks for one page of a manifest.
func (c *Client) readPage(ctx context.Context, u *url.URL, before Progress) (Progress, *Manifest, error) {
	resp, err := c.send(ctx, http.MethodGet, u, header("application/json"), true)
	if err != nil {
		return before, nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusAccepted:
		return readProgress(resp.Header, c.now()), nil, nil
	case http.StatusOK:
		page, err := c.readManifest(resp)
		return before, page, err
	}
	return before, nil, c.pollError(resp)
}

// percent finds the number in "20% complete".
var percent = regexp.MustCompile(`(\d{1,3})(?:\.\d+)?\s*%`)

// maxProgress is the longest X-Progress the IG allows.
const maxProgress = 100

func readProgress(h http.Header, now time.Time) Progress {
	p := Progress{Percent: -1, Text: Printable(h.Get("X-Progress"), maxProgress), Wait: defaultPause}
	if m := percent.FindStringSubmatch(p.Text); m != nil {
		n, _ := strconv.Atoi(m[1]) // three digits at most
		p.Percent = min(n, 100)
	}
	if h.Get("Retry-After") != "" {
		p.Wait = asked(retryAfter(h, now))
	}
	return p
}
