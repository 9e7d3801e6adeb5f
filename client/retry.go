package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How long to wait, and how often to try.
const (
	minPause      = time.Second
	maxPause      = 2 * time.Minute // of our own accord
	maxAsked      = time.Hour       // when the server asks for it
	defaultPause  = 5 * time.Second
	pollTries     = 10 // about ten minutes of a server that is away
	downloadTries = 5  // AB2D counts the downloads of a file, and allows six
)

// transportError says that no whole answer came: the network, the server or
// the context ended first.
type transportError struct {
	doing string
	err   error
}

func (e *transportError) Error() string { return e.doing + ": " + e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

// lost tells whether no whole answer came.
func lost(err error) bool {
	_, ok := errors.AsType[*transportError](err)
	return ok
}

// retryable tells whether trying again may help.
func retryable(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Temporary()
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	return lost(err)
}

// persevere tries until it works, fails for good, or has failed so many times
// in a row. told hears of each fault that is not the last, and how long the
// wait is.
func (c *Client) persevere(ctx context.Context, tries int, try func() error, told func(error, time.Duration)) error {
	for n := 1; ; n++ {
		err := try()
		if err == nil || ctx.Err() != nil || n == tries || !retryable(err) {
			return err
		}
		d := c.pause(err, n)
		told(err, d)
		if err := c.sleep(ctx, d); err != nil {
			return err
		}
	}
}

// pause is the wait after the nth fault in a row: what the server asks for, or
// doubled from one to the next, and then shortened by up to a half at random, so
// that clients which failed together do not come back together.
func (c *Client) pause(err error, n int) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok && e.Retry > 0 {
		return asked(e.Retry)
	}
	d := min(defaultPause<<min(n-1, 10), maxPause)
	return max(minPause, d/2+time.Duration(c.random()*float64(d/2)))
}

// asked keeps a wait that the server asks for between the shortest and the
// longest.
func asked(d time.Duration) time.Duration { return min(max(d, minPause), maxAsked) }

// retryAfter reads Retry-After, whole seconds or a date (RFC 9110 §10.2.3). A
// date is of the server's clock: it counts from the response's own Date, if it
// has one. Zero when it is absent, unreadable or past.
func retryAfter(h http.Header, now time.Time) time.Duration {
	s := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return max(0, time.Duration(n)*time.Second)
	}
	t, err := http.ParseTime(s)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(0, t.Sub(now).Round(time.Second))
}

// sleep waits for d.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Temporary tells whether a fault of this package may pass, so that the same
// call may succeed later: the network, or a server that is away or busy.
func Temporary(err error) bool { return retryable(err) }
