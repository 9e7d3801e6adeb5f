package bfd

import (
	"context"
	"sync"
	"time"
)

// gate limits the calls to a host: how many run at once, and how many start in a second.
// It is also a circuit breaker: after several failures in a row, it rejects all calls for
// a while. It is safe for concurrent use.
type gate struct {
	config   *Config
	slots    chan struct{}
	interval time.Duration // between the beginnings of calls

	mu       sync.Mutex
	next     time.Time // before which no call begins
	failures int       // in a row
	until    time.Time // calls are rejected
	probing  bool      // one call finds out whether the host is back
}

func newGate(c *Config) *gate {
	g := &gate{config: c, slots: make(chan struct{}, c.InFlight)}
	if c.PerSecond > 0 {
		g.interval = time.Duration(float64(time.Second) / c.PerSecond)
	}
	return g
}

// health is what a call shows about its host.
type health uint8

const (
	unknown health = iota // the caller gave up, for example
	good
	bad
)

// enter waits until a call can begin. Call leave when it has ended. The error is ErrOpen,
// or that of ctx.
func (g *gate) enter(ctx context.Context) (leave func(health, time.Duration), err error) {
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	wait, probe, ok := g.admit()
	if !ok {
		<-g.slots
		return nil, ErrOpen
	}
	leave = func(h health, asked time.Duration) {
		g.report(h, probe, asked)
		<-g.slots
	}
	if wait > 0 {
		if err := g.config.Sleep(ctx, wait); err != nil {
			leave(unknown, 0)
			return nil, err
		}
	}
	return leave, nil
}

// admit reports whether a call can begin, how long it must wait before, and whether it is
// the one that tests if the host works again.
func (g *gate) admit() (wait time.Duration, probe, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.config.Now()
	if g.failures >= g.config.BreakAfter {
		if g.probing || now.Before(g.until) {
			return 0, false, false
		}
		g.probing, probe = true, true
	}
	if g.interval > 0 {
		if g.next.Before(now) {
			g.next = now
		}
		wait = g.next.Sub(now)
		g.next = g.next.Add(g.interval)
	}
	return wait, probe, true
}

// report records how a call ended. asked is how long the host asked the client to wait.
func (g *gate) report(h health, probe bool, asked time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if probe {
		g.probing = false
	}
	switch h {
	case good:
		g.failures = 0
	case bad:
		if g.failures++; g.failures >= g.config.BreakAfter {
			g.until = g.config.Now().Add(max(g.config.Cooldown, asked))
		}
	}
}
