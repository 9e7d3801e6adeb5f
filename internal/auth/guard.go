package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"ab2d/internal/obs"
)

// Guard bounds what guessing secrets can do: how many guesses there are, by
// client and by address, and how much of the processor they take. Clients that
// were let in a short while ago are not in its way, so that one which fetches a
// token for every request pays for the slow hash once, and is not locked out by
// others who guess at its secret. Each process has its own. Safe for concurrent
// use.
type Guard struct {
	now       func() time.Time
	clients   obs.Limiter // of wrong secrets
	addresses obs.Limiter
	slots     chan struct{} // full while as many hashes are compared as may be
	waiting   atomic.Int32

	key   [sha256.Size]byte // of the process, for what it remembers
	mu    sync.Mutex
	known map[[sha256.Size]byte]time.Time // until when a secret is remembered
}

const (
	// rememberSecret is how long a secret that was right is known without
	// comparing its hash again. One that was revoked is not: its hash is gone.
	rememberSecret = 10 * time.Minute
	// maxRemembered bounds the secrets that are remembered.
	maxRemembered = 10_000
	// maxWaiting is how many may wait for their turn to have a hash compared.
	maxWaiting = 64
	// slotPatience is how long they wait.
	slotPatience = 5 * time.Second
)

// NewGuard makes a guard: a client may be named with a wrong secret 10 times and
// then once every 6 seconds; an address may send 60 and then one a second. Half
// of the processors compare hashes at most.
func NewGuard(now func() time.Time) *Guard {
	g := &Guard{
		now: now, clients: obs.Limiter{Burst: 10, Interval: 6 * time.Second}, addresses: obs.Limiter{Burst: 60, Interval: time.Second},
		slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), known: map[[sha256.Size]byte]time.Time{},
	}
	rand.Read(g.key[:]) // never fails
	return g
}

// admit lets a guess at a client's secret from an address be checked, when its
// turn has come. Right or wrong has to be told to done.
func (g *Guard) admit(ctx context.Context, client, address string) (done func(right bool), refused *Error) {
	now := g.now()
	if wait, ok := g.addresses.Take(address, now); !ok {
		return nil, tooMany(wait, "Too many wrong secrets came from this address.")
	}
	if wait, ok := g.clients.Take(client, now); !ok {
		g.addresses.Give(address)
		return nil, tooMany(wait, "Too many wrong secrets were sent for this client.")
	}
	back := func() {
		g.addresses.Give(address)
		g.clients.Give(client)
	}
	if !g.turn(ctx) {
		back()
		return nil, tooMany(slotPatience, "Too many token requests are being checked.")
	}
	return func(right bool) {
		<-g.slots
		if right {
			back()
		}
	}, nil
}

// turn waits for a slot.
func (g *Guard) turn(ctx context.Context) bool {
	if g.waiting.Add(1) > maxWaiting {
		g.waiting.Add(-1)
		return false
	}
	defer g.waiting.Add(-1)
	patience := time.NewTimer(slotPatience)
	defer patience.Stop()
	select {
	case g.slots <- struct{}{}:
		return true
	case <-patience.C:
	case <-ctx.Done():
	}
	return false
}

func tooMany(wait time.Duration, reason string) *Error {
	seconds := int((wait + time.Second - 1) / time.Second)
	e := invalid(TemporarilyUnavailable, "%s Try again in %d seconds.", reason, seconds)
	e.Status, e.RetryAfter = http.StatusTooManyRequests, seconds
	return e
}

// recall finds the live secret that this is, if it was right a short while ago.
func (g *Guard) recall(c *Client, secret string) *Secret {
	now := g.now()
	live := c.Live(now)
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range live {
		if now.Before(g.known[g.mark(&live[i], secret)]) {
			return &live[i]
		}
	}
	return nil
}

// remember notes that a secret was right.
func (g *Guard) remember(s *Secret, secret string) {
	now := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= maxRemembered {
		clear(g.known)
	}
	g.known[g.mark(s, secret)] = now.Add(rememberSecret)
}

// mark stands for a stored secret and a sent one that is right for it. Without
// the process's key nobody can make it, nor guess at the secret by it.
func (g *Guard) mark(s *Secret, secret string) (m [sha256.Size]byte) {
	h := hmac.New(sha256.New, g.key[:])
	h.Write([]byte(s.Hash + "\x00" + secret))
	h.Sum(m[:0])
	return m
}
