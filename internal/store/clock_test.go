package store

import (
	"path/filepath"
	"testing"
	"time"

	"ab2d/internal/testserver"
)

// TestClock_OfTheDatabase: without a clock of a test, the store lives by the
// database's. It carries the time on, and tells how far this machine is off.
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
