package export_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
)

// offsetClock is a database's clock from which this machine's differs.
type offsetClock time.Duration

func (offsetClock) MeasureClock(context.Context) error { return nil }
func (o offsetClock) ClockOffset() time.Duration       { return time.Duration(o) }

// TestClockWatch: a process whose clock is off by more than the limit takes no
// work, says so once, and takes work again when the clock is right.
func TestClockWatch(t *testing.T) {
	var log bytes.Buffer
	w := &export.ClockWatch{Limit: 15 * time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))}
	for _, c := range []struct {
		offset time.Duration
		want   string
	}{{0, ""}, {14 * time.Second, ""}, {80 * time.Hour, "80h0m0s ahead of"}, {81 * time.Hour, "81h0m0s ahead of"}, {-time.Minute, "1m0s behind"}, {-time.Second, ""}} {
		w.Clock = offsetClock(c.offset)
		err := w.Measure(t.Context())
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, export.ErrClock) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.offset, err, c.want)
		}
	}
	if got := strings.Count(log.String(), "level=ERROR"); got != 1 || strings.Count(log.String(), "right again") != 1 {
		t.Errorf("the log:\n%s", log.String())
	}
}

// TestWorker_ClockOff: a worker whose clock is off leaves jobs alone, and does
// them when it is right.
func TestWorker_ClockOff(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 5))
	var right atomic.Bool
	asked := make(chan struct{}, 1000)
	e.worker.Ready = func(context.Context) error {
		select {
		case asked <- struct{}{}:
		default:
		}
		if right.Load() {
			return nil
		}
		return export.ErrClock
	}
	j := e.accept()
	defer e.start(1)()
	for range 5 {
		<-asked
	}
	if got := e.job(j.ID); got.State != export.Accepted {
		t.Errorf("the job is %s", got.State)
	}
	right.Store(true)
	e.until("the job", func() bool { return e.job(j.ID).State == export.Completed })
}
