package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"ab2d/internal/obs"
)

// Guard bounds what guessing secrets and assertions can do: how many wrong ones
// there are, by client and network, and how much of the processor they take. A guess
// from one network takes nothing from a client that comes from another, and a client
// that was let in before is checked whatever others send from its network. Secrets
// that the server made with enough randomness are checked at once, so that none of
// this keeps them out. Each process has its own. Safe for concurrent use.
type Guard struct {
	now   func() time.Time
	pairs obs.Limiter // of wrong secrets and assertions, by client and network
	slow  line        // those whose slow hashes are compared
	none  line        // those who name no client with a slow hash, and wait as long

	mu       sync.Mutex
	key      [sha256.Size]byte               // of the process, for what it remembers
	known    map[[sha256.Size]byte]time.Time // until when a secret is remembered
	let      map[pair]time.Time              // until when a pair counts as one that was let in
	compared [16]time.Duration               // how long slow hashes took, lately
	next     int
	first    sync.Once // the first comparison, of nobody's secret
}

// pair is a client, which need not exist, and the network that a request for it
// comes from.
type pair struct{ client, network string }

func (p pair) String() string { return p.client + " " + p.network }

const (
	// rememberSecret is how long a secret that was right is known without
	// comparing its hash again. One that was revoked is not: its hash is gone.
	rememberSecret = 10 * time.Minute
	// rememberPair is how long a client that was let in is preferred.
	rememberPair = 30 * 24 * time.Hour
	// maxRemembered bounds the secrets and the pairs that are remembered.
	maxRemembered = 10_000
	// maxWaiting is how many may wait for their turn to have a hash compared: in
	// all, for one client, and for one client from one network.
	maxWaiting, maxClientWaiting, maxPairWaiting = 64, 32, 16
	// slotPatience is how long they wait.
	slotPatience = 5 * time.Second
	// noneAtOnce is how many wait at once as long as a comparison takes.
	noneAtOnce = 32
)

// NewGuard makes a guard: a client may be named with a wrong secret 10 times from a
// network, and then once every 6 seconds. Half of the processors compare slow hashes
// at most.
func NewGuard(now func() time.Time) *Guard {
	g := &Guard{
		now: now, pairs: obs.Limiter{Burst: 10, Interval: 6 * time.Second},
		slow: newLine(max(1, runtime.GOMAXPROCS(0)/2)), none: newLine(noneAtOnce),
		known: map[[sha256.Size]byte]time.Time{}, let: map[pair]time.Time{},
	}
	rand.Read(g.key[:]) // never fails
	return g
}

// attempt is one secret or assertion that is to be checked.
type attempt struct {
	g       *Guard
	pair    pair
	refusal *Error // what a wrong one hears, if the allowance is used up
}

// attempt counts a secret or assertion. It refuses one whose allowance is used up,
// unless the client was let in from the same network before, or checking it is free:
// such a one is checked, and only a wrong one is refused.
func (g *Guard) attempt(p pair, free bool) (*attempt, *Error) {
	now := g.now()
	t := &attempt{g: g, pair: p}
	if wait, ok := g.pairs.Take(p.String(), now); !ok {
		t.refusal = tooMany(wait, "Too many wrong secrets were sent for this client.")
		if !free && !g.wasLet(p, now) {
			return nil, t.refusal
		}
	}
	return t, nil
}

// right notes that the client is let in: nothing was used up.
func (t *attempt) right() {
	if t.refusal == nil {
		t.g.pairs.Give(t.pair.String())
	}
	t.g.mu.Lock()
	defer t.g.mu.Unlock()
	if len(t.g.let) >= maxRemembered {
		clear(t.g.let)
	}
	t.g.let[t.pair] = t.g.now().Add(rememberPair)
}

// wrong is the answer to a wrong secret or assertion: err, or that there were too
// many.
func (t *attempt) wrong(err error) error {
	if t.refusal != nil {
		return t.refusal
	}
	return err
}

// undone notes that nothing was checked.
func (t *attempt) undone() {
	if t.refusal == nil {
		t.g.pairs.Give(t.pair.String())
	}
}

func (g *Guard) wasLet(p pair, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return now.Before(g.let[p])
}

// check has a secret compared with the slow hashes of a client, in its turn. To
// refuse takes the same time for every client, and for one that does not exist.
func (t *attempt) check(ctx context.Context, c *Client, secret string) (*Secret, error) {
	g, now := t.g, t.g.now()
	at, name := &g.none, t.pair.network // those who name nobody share by network
	if len(c.slow(now)) > 0 {
		at, name = &g.slow, t.pair.client
	}
	if !at.enter(ctx, name, t.pair, g.wasLet(t.pair, now)) {
		t.undone()
		return nil, tooMany(slotPatience, "Too many token requests are being checked.")
	}
	defer at.leave()
	if used := g.recall(c, secret); used != nil { // another request may have had it compared meanwhile
		return used, nil
	}
	began := time.Now()
	used, n, err := c.CheckSecret(secret, now)
	if n > 0 {
		g.took(time.Since(began) / time.Duration(n))
	}
	if used != nil {
		g.remember(used, secret)
	}
	if used != nil || err != nil {
		return used, err
	}
	return nil, g.pass(ctx, SecretsAtOnce-n)
}

// took notes how long a comparison took.
func (g *Guard) took(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.compared[g.next%len(g.compared)] = d
	g.next++
}

// pass waits as long as n comparisons lately took, without their work.
func (g *Guard) pass(ctx context.Context, n int) error {
	g.first.Do(func() { // nobody knows how long that is
		began := time.Now()
		_ = bcrypt.CompareHashAndPassword([]byte(nobodysSecret), nil)
		g.took(time.Since(began))
	})
	for range n {
		g.mu.Lock()
		d := g.compared[mathrand.IntN(min(g.next, len(g.compared)))]
		g.mu.Unlock()
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return fmt.Errorf("check a secret: %w", context.Cause(ctx))
		}
	}
	return nil
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
