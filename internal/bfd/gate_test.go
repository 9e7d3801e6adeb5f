package bfd

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ab2d/internal/fhir"
)

func testGate(t *testing.T, c Config) (*gate, *atomic.Int64) {
	t.Helper()
	now := new(atomic.Int64) // nanoseconds
	c.Now = func() time.Time { return time.Unix(0, now.Load()) }
	c.Sleep = func(ctx context.Context, d time.Duration) error { return ctx.Err() }
	if c.Bases == nil {
		c.Bases = map[fhir.Version]string{fhir.V2: "https://bfd.example"}
	}
	if err := c.complete(); err != nil {
		t.Fatal(err)
	}
	return newGate(&c), now
}

// TestInFlight: there are never more calls at a time than are allowed, and all get
// their turn.
func TestInFlight(t *testing.T) {
	g, _ := testGate(t, Config{InFlight: 3})
	var inside, most, all atomic.Int64
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			leave, err := g.enter(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			n := inside.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			all.Add(1)
			inside.Add(-1)
			leave(good, 0)
		})
	}
	group.Wait()
	if most.Load() > 3 || all.Load() != 50 {
		t.Errorf("%d at a time, %d in all", most.Load(), all.Load())
	}
}

// TestFull: who waits for a turn stops waiting when the caller gives up.
func TestFull(t *testing.T) {
	g, _ := testGate(t, Config{InFlight: 1})
	leave, err := g.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.enter(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	leave(good, 0)
	if _, err := g.enter(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestOneProbe: when the time is up, one call at a time finds out whether the host
// is back. One that was given up leaves its place to the next, and Retry-After can
// make the time longer.
func TestOneProbe(t *testing.T) {
	g, now := testGate(t, Config{BreakAfter: 2, Cooldown: time.Second})
	enter := func(want error) func(health, time.Duration) {
		t.Helper()
		leave, err := g.enter(t.Context())
		if !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
		return leave
	}
	first, second := enter(nil), enter(nil)
	first(bad, 0)
	second(bad, 5*time.Second)
	now.Add(int64(4 * time.Second))
	enter(ErrOpen)
	now.Add(int64(time.Second))
	probe := enter(nil)
	enter(ErrOpen)
	probe(unknown, 0)
	probe = enter(nil)
	probe(good, 0)
	enter(nil)
	enter(nil)
}
