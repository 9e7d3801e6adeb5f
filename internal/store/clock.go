package store

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// clock is the database's clock, by which leases, expiry and retention go. With
// PostgreSQL it is the server's: measured, and carried on by this machine's
// monotonic clock. SQLite is in this process; its clock is this machine's as of
// the start, carried on likewise, so that it does not jump when somebody sets
// the machine's clock. Safe for concurrent use.
type clock struct {
	mu   sync.Mutex
	base time.Time     // the database's time, at
	at   time.Duration // what elapsed was then
}

// now returns the database's time.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base.Add(elapsed() - c.at)
}

// measured notes that the database read its clock, to the millisecond, between two
// moments. A slow answer leaves open when, so that what the clock says stays if it is
// possible, and otherwise becomes the nearest possible time: it must not jump because the
// database was away or busy.
func (c *clock) measured(read time.Time, before, after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, earliest, latest := c.base.Add(after-c.at), read, read.Add(after-before+time.Millisecond)
	switch {
	case now.Before(earliest):
		now = earliest
	case now.After(latest):
		now = latest
	}
	c.base, c.at = now, after
}

// set notes that the database's time was base when elapsed was at.
func (c *clock) set(base time.Time, at time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.at = base, at
}

// Now returns the database's time: that of tests, where Open was given one.
func (db *DB) Now() time.Time { return db.now() }

// MeasureClock asks the database for its time. Open does so first; PostgreSQL's
// clock and this machine's drift apart, so that it should be repeated.
func (db *DB) MeasureClock(ctx context.Context) error {
	if db.clock == nil || db.timeQuery == "" {
		return nil
	}
	before := elapsed()
	var ms int64
	if err := db.write.QueryRowContext(ctx, db.timeQuery).Scan(&ms); err != nil {
		return fmt.Errorf("read the database's clock: %w", err)
	}
	db.clock.measured(time.UnixMilli(ms), before, elapsed())
	return nil
}

// ClockOffset returns how far this machine's clock is ahead of the database's.
func (db *DB) ClockOffset() time.Duration {
	return time.Now().Round(0).Sub(db.now()) // Round drops the monotonic reading
}
