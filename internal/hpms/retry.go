package hpms

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// persevere tries until it works, fails for good, has failed so many times, or has
// taken too long.
func (c *Client) persevere(ctx context.Context, try func() error) error {
	began := c.config.Now()
	for n := 1; ; n++ {
		err := try()
		var e *Error
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case n >= c.config.Tries || !errors.As(err, &e) || !e.Temporary():
			return err
		}
		d := c.pause(e, n)
		if c.config.Now().Add(d).Sub(began) > c.config.RetryFor {
			return err
		}
		c.config.Log.LogAttrs(ctx, slog.LevelWarn, "a call of HPMS failed and will be tried again",
			slog.String("reason", err.Error()), slog.Int("try", n), slog.Duration("pause", d))
		if err := c.config.Sleep(ctx, d); err != nil {
			return err
		}
	}
}

// pause is the wait after the nth failure of a call: doubled from one to the next, and
// never shorter than the server asks for.
func (c *Client) pause(e *Error, n int) time.Duration {
	d := c.config.MinPause << min(n-1, 20)
	if d <= 0 || d > c.config.MaxPause {
		d = c.config.MaxPause
	}
	return max(d, e.Retry)
}

// retryAfter reads Retry-After, whole seconds or a date (RFC 9110 §10.2.3), which counts
// from the Date of the same answer. Zero when it is absent, unreadable or past; a day at
// most.
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

// sleep waits for d, or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
