package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// ErrClock means that this machine's clock differs too much from the database's.
var ErrClock = errors.New("the clock of this machine is wrong")

// DatabaseClock is the clock by which leases and expiry go.
type DatabaseClock interface {
	// MeasureClock asks the database for its time.
	MeasureClock(ctx context.Context) error
	// ClockOffset returns how far this machine's clock is ahead.
	ClockOffset() time.Duration
}

// ClockWatch compares this machine's clock with the database's. While they
// differ by more than Limit, Check fails, and this process takes no work: what
// it logs and signs would bear wrong times, and a machine that is so far off is
// not one to rely on. Safe for concurrent use.
type ClockWatch struct {
	Clock DatabaseClock
	Limit time.Duration
	Log   *slog.Logger

	off atomic.Int64 // the offset beyond the limit; 0: within
}

// Run measures every so often until ctx is done.
func (w *ClockWatch) Run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := w.Measure(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrClock) {
			w.Log.Warn("compare the clocks", "error", err)
		}
	}
}

// Measure compares the clocks. It returns ErrClock if they differ too much, and
// logs when that begins and ends.
func (w *ClockWatch) Measure(ctx context.Context) error {
	if err := w.Clock.MeasureClock(ctx); err != nil {
		return err
	}
	offset := w.Clock.ClockOffset()
	if offset.Abs() <= w.Limit {
		offset = 0
	}
	before := time.Duration(w.off.Swap(int64(offset)))
	switch {
	case offset != 0 && before == 0:
		w.Log.Error("this process takes no work: set the clock of this machine, or restart if its new time is right", "ahead", offset.Round(time.Millisecond).String())
	case offset == 0 && before != 0:
		w.Log.Info("the clock of this machine is right again")
	}
	return w.Check(ctx)
}

// Check returns ErrClock while the clocks differ too much.
func (w *ClockWatch) Check(context.Context) error {
	offset := time.Duration(w.off.Load())
	if offset == 0 {
		return nil
	}
	direction := "ahead of"
	if offset < 0 {
		direction = "behind"
	}
	return fmt.Errorf("%w: it is %s %s the database's", ErrClock, offset.Abs().Round(time.Millisecond), direction)
}
