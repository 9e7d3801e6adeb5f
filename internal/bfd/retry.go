package bfd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/fhir"
)

// persevere calls try until it succeeds, fails permanently, has failed Tries times, or
// RetryFor has passed.
func (c *Client) persevere(ctx context.Context, v fhir.Version, try func() error) error {
	began := c.config.Now()
	var last error
	for n := 1; ; n++ {
		err := try()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, ErrOpen) && last != nil:
			return fmt.Errorf("%w, the last time because %w", err, last)
		case n >= c.config.Tries || !again(err):
			return err
		}
		d := c.pause(err, n)
		if c.config.Now().Add(d).Sub(began) > c.config.RetryFor {
			return err // it has the wait that the server requested
		}
		c.config.Log.LogAttrs(ctx, slog.LevelWarn, "a call to BFD failed and will be tried again",
			slog.String("version", v.String()), slog.String("reason", err.Error()), slog.Int("try", n), slog.Duration("pause", d))
		if err := c.config.Sleep(ctx, d); err != nil {
			return err
		}
		last = err
	}
}

// again reports whether to request a page again at once. It is false for an open circuit
// breaker and for an error of the caller.
func again(err error) bool {
	var ours seeError
	return !errors.As(err, &ours) && !errors.Is(err, ErrOpen) && !errors.Is(err, ErrLoop) && Temporary(err)
}

// pause returns the wait after the nth failure of a page. It doubles each time, and is
// shortened at random by up to a half, so that calls that failed together are not
// repeated together. It is at least as long as the server requested.
func (c *Client) pause(err error, n int) time.Duration {
	d := c.config.MinPause << min(n-1, 20)
	if d <= 0 || d > c.config.MaxPause {
		d = c.config.MaxPause
	}
	d = d/2 + time.Duration(c.config.Random()*float64(d/2))
	var e *Error
	if errors.As(err, &e) {
		d = max(d, e.Retry)
	}
	return d
}

// retryAfter reads Retry-After, whole seconds or a date (RFC 9110 §10.2.3), which
// counts from the Date of the same answer. Zero when it is absent, unreadable or
// past; a day at most.
func retryAfter(h http.Header, now time.Time) time.Duration {
	const longest = 24 * time.Hour
	s := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Duration(min(max(n, 0), int64(longest/time.Second))) * time.Second
	}
	at, err := http.ParseTime(s)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), longest)
}
