package store

import (
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ab2d/internal/testserver"
)

// TestClock_OfTheDatabase: without a clock of a test, the store lives by the
// database's. It carries the time on, and tells how far this machine is off.
// TestClock_SlowAnswers: an answer that takes long moves the clock no further than it
// must, so that a database that was away does not make it jump.
func TestClock_SlowAnswers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start, drawn := time.UnixMilli(1e12), func(name string, most time.Duration) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, name))
		}
		c := clock{base: start.Add(drawn("ahead", time.Hour))} // of a database whose time is start when elapsed is 0
		before, worst := time.Duration(0), time.Duration(0)
		for i := range rapid.IntRange(1, 10).Draw(t, "answers") {
			before += drawn("pause", time.Minute)
			took := drawn("took", 20*time.Second)
			read := start.Add(before + drawn("read after", took)).Truncate(time.Millisecond)
			c.measured(read, before, before+took)
			before += took
			off := c.base.Add(before - c.at).Sub(start.Add(before)).Abs()
			if i == 0 {
				worst = took + time.Millisecond
			}
			if off > worst {
				t.Fatalf("after answer %d the clock is off by %s, before by at most %s", i, off, worst)
			}
			worst = min(worst, max(off, time.Millisecond))
		}
	})
}

func TestClock_OfTheDatabase(t *testing.T) {
	for name, address := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "ab2d.db"), "postgres": testserver.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			db, err := Open(t.Context(), address, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if off := db.ClockOffset(); off.Abs() > 5*time.Second { // both are this machine's
				t.Errorf("off by %s", off)
			}
			db.clock.set(time.Now().Add(-80*time.Hour), elapsed())
			if off := db.ClockOffset(); off < 79*time.Hour || off > 81*time.Hour {
				t.Errorf("off by %s, want 80h", off)
			}
			if now := db.Now(); time.Since(now) < 79*time.Hour {
				t.Errorf("the store's time is %s", now)
			}
			if err := db.MeasureClock(t.Context()); err != nil {
				t.Fatal(err)
			}
			if off := db.ClockOffset(); name == "postgres" && off.Abs() > 5*time.Second {
				t.Errorf("measured anew it is off by %s", off)
			}
		})
	}
}
