package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"ab2d/internal/obs"
)

// guess asks for a token with a secret.
func (w *world) guess(t *testing.T, id, secret string) *http.Response {
	t.Helper()
	c := tutorial()
	c.authorization = []string{encodeBasic(id + ":" + secret)}
	resp, _ := c.do(t, w.url+TokenPath)
	return resp
}

// TestGuessingIsBounded: after ten wrong secrets for a client the next is not
// looked at, and the client hears when to come back; but one that was let in a
// moment ago gets its tokens, whoever guesses at its secret.
func TestGuessingIsBounded(t *testing.T) {
	w := newWorld(t)
	if resp := w.guess(t, sandboxID, sandboxSecret); resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	for range 10 {
		if resp := w.guess(t, sandboxID, "wrong"); resp.StatusCode != http.StatusUnauthorized {
			t.Fatal(resp.Status)
		}
	}
	resp := w.guess(t, sandboxID, "wrong")
	wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if resp.StatusCode != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 6 {
		t.Fatalf("%s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	if resp := w.guess(t, sandboxID, sandboxSecret); resp.StatusCode != http.StatusOK {
		t.Errorf("the client itself: %s", resp.Status)
	}
	w.clock.move(rememberSecret) // by then guesses are possible again, too
	if resp := w.guess(t, sandboxID, sandboxSecret); resp.StatusCode != http.StatusOK {
		t.Errorf("later: %s", resp.Status)
	}
}

// from lets requests of the world come from an address.
func (w *world) from(t *testing.T, id, secret, address string) int {
	t.Helper()
	r := httptest.NewRequestWithContext(obs.WithCaller(t.Context(), netip.MustParseAddr(address)), http.MethodPost, TokenPath+"?grant_type=client_credentials", nil)
	r.Header.Set("Authorization", encodeBasic(id+":"+secret))
	rec := httptest.NewRecorder()
	w.server.ServeToken(rec, r)
	return rec.Code
}

// TestGuessersDoNotKeepASponsorOut: whatever others send from their networks, a
// client with a slow hash gets its token from its own, also if it was never seen; and
// a client whose secret the server made gets it from the network of the guesser, too.
func TestGuessersDoNotKeepASponsorOut(t *testing.T) {
	w := newWorld(t)
	secret, hash := NewSecret()
	w.store.put(Client{ID: "made", Contract: "Z0000", Enabled: true, Secrets: []Secret{{ID: "a", Hash: hash}}})
	for _, id := range []string{sandboxID, "made"} {
		refused := 0
		for i := range 30 {
			address := "192.0.2." + strconv.Itoa(1+i)
			if i%2 == 1 {
				address = "2001:db8::" + strconv.Itoa(i) // of one /64
			}
			if w.from(t, id, "wrong", address) == http.StatusTooManyRequests {
				refused++
			}
		}
		if refused != 10 {
			t.Errorf("%s: %d of 30 guesses from two networks were refused unseen, want 10", id, refused)
		}
	}
	if got := w.from(t, sandboxID, sandboxSecret, "198.51.100.1"); got != http.StatusOK {
		t.Errorf("from its own network: %d", got)
	}
	if got := w.from(t, "made", secret, "192.0.2.200"); got != http.StatusOK {
		t.Errorf("from the network of the guesser: %d", got)
	}
	if got := w.from(t, "made", secret+"x", "192.0.2.200"); got != http.StatusTooManyRequests {
		t.Errorf("a guess: %d", got)
	}
}

// TestAssertionsAreGuarded: wrong assertions use up the allowance of their client
// and network, right ones from another do not suffer.
func TestAssertionsAreGuarded(t *testing.T) {
	g := NewGuard(time.Now)
	p := pair{"c", "n"}
	for range g.pairs.Burst {
		try, refused := g.attempt(p, false)
		if refused != nil || try.wrong(errors.New("wrong")) == nil {
			t.Fatal(refused)
		}
	}
	if _, refused := g.attempt(p, false); refused == nil || refused.Status != http.StatusTooManyRequests {
		t.Errorf("%v", refused)
	}
	try, refused := g.attempt(pair{"c", "m"}, false)
	if refused != nil {
		t.Fatal(refused)
	}
	try.right()
	for range 3 * g.pairs.Burst { // it was let in, so that the next is looked at, whoever sent the last ones
		if try, refused = g.attempt(pair{"c", "m"}, false); refused != nil {
			t.Fatal(refused)
		}
	}
	if err := (*Error)(nil); !errors.As(try.wrong(invalid(InvalidClient, "wrong")), &err) || err.Status != http.StatusTooManyRequests {
		t.Errorf("%v", err)
	}
}

// TestARevokedSecretIsNotRemembered, nor one that expired or another client's.
func TestARevokedSecretIsNotRemembered(t *testing.T) {
	w := newWorld(t)
	if resp := w.guess(t, sandboxID, sandboxSecret); resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	c, err := w.store.Client(t.Context(), sandboxID)
	if err != nil {
		t.Fatal(err)
	}
	if w.server.Guard.recall(c, sandboxSecret) == nil || w.server.Guard.recall(c, sandboxSecret+"x") != nil {
		t.Fatal("remembered wrongly")
	}
	other, err := bcrypt.GenerateFromPassword([]byte("other"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	changed := *c
	changed.Secrets = []Secret{{ID: "second", Hash: string(other)}}
	w.store.put(changed)
	if resp := w.guess(t, sandboxID, sandboxSecret); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("revoked: %s", resp.Status)
	}
	changed.Secrets = []Secret{{ID: "first", Hash: c.Secrets[0].Hash, Expires: w.clock.now()}}
	w.store.put(changed)
	if resp := w.guess(t, sandboxID, sandboxSecret); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("expired: %s", resp.Status)
	}
}

// TestAFloodWaitsInLine: no more hashes are compared at once than there are slots,
// those who cannot even wait are sent away, and a flood for one client leaves room
// for others.
func TestAFloodWaitsInLine(t *testing.T) {
	l := newLine(1)
	if !l.enter(t.Context(), "a", pair{"a", "n"}, false) {
		t.Fatal("the line is full")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	wait := func(client, network string) {
		all.Go(func() { l.enter(ctx, client, pair{client, network}, false) })
	}
	waiting := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return *l.total
	}
	until := func(n int) {
		for deadline := time.Now().Add(4 * time.Second); waiting() < n && time.Now().Before(deadline); {
			runtime.Gosched()
		}
	}
	for i := range maxClientWaiting {
		wait("a", strconv.Itoa(i))
	}
	until(maxClientWaiting)
	if l.enter(ctx, "a", pair{"a", "another"}, false) {
		t.Error("more wait for one client than may")
	}
	for i := range maxWaiting - maxClientWaiting {
		wait(strconv.Itoa(i), "n")
	}
	until(maxWaiting)
	if got := waiting(); got != maxWaiting || l.queue("b", pair{"b", "n"}, false) {
		t.Errorf("%d wait, and others may", got)
	}
	if !l.queue("b", pair{"b", "n"}, true) {
		t.Error("one that was let in before may not wait")
	}
	cancel()
	all.Wait()
	l.unqueue("b", pair{"b", "n"})
	if waiting() != 0 || len(l.waiting) != 0 {
		t.Errorf("%d still wait", waiting())
	}
}

// TestOneHashForMany: of requests at once with the same secret one has its hash
// compared; the others are let in by that.
func TestOneHashForMany(t *testing.T) {
	w := newWorld(t)
	c, err := w.store.Client(t.Context(), sandboxID)
	if err != nil {
		t.Fatal(err)
	}
	c.Secrets = []Secret{{ID: "first", Hash: "a hash that cannot be compared"}}
	w.store.put(*c)
	for range cap(w.server.Guard.slow.slots) { // nobody's turn comes
		w.server.Guard.slow.slots <- struct{}{}
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if resp := w.guess(t, sandboxID, sandboxSecret); resp.StatusCode != http.StatusOK {
				t.Error(resp.Status)
			}
		})
	}
	for deadline := time.Now().Add(4 * time.Second); guardWaiting(w.server.Guard) < 8 && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	w.server.Guard.remember(&c.Secrets[0], sandboxSecret) // as the first one does
	<-w.server.Guard.slow.slots
	all.Wait()
}

func guardWaiting(g *Guard) int {
	g.slow.mu.Lock()
	defer g.slow.mu.Unlock()
	return *g.slow.total
}

// TestAnExpiringSecretWarns, in its last month.
func TestAnExpiringSecretWarns(t *testing.T) {
	w := newWorld(t)
	c, err := w.store.Client(t.Context(), sandboxID)
	if err != nil {
		t.Fatal(err)
	}
	for left, want := range map[time.Duration]bool{time.Hour: true, warnSecret: true, warnSecret + time.Second: false} {
		end := w.clock.now().Add(left)
		c.Secrets[0].Expires = end
		w.store.put(*c)
		resp := w.guess(t, sandboxID, sandboxSecret)
		if got := resp.Header.Get(SecretExpires); resp.StatusCode != http.StatusOK || (got == end.Format(http.TimeFormat)) != want || (got != "") != want {
			t.Errorf("%s before: %s, %q", left, resp.Status, got)
		}
	}
}
