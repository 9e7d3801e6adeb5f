package auth

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
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

// TestGuessingByAddressIsBounded: many clients' ids do not help, nor tell which
// of them exist.
func TestGuessingByAddressIsBounded(t *testing.T) {
	w := newWorld(t)
	w.server.Guard.addresses.Burst = 5
	for i := range 5 {
		if resp := w.guess(t, "client"+strconv.Itoa(i), "wrong"); resp.StatusCode != http.StatusUnauthorized {
			t.Fatal(resp.Status)
		}
	}
	for _, id := range []string{"client9", sandboxID} {
		if resp := w.guess(t, id, "wrong"); resp.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%s: %s", id, resp.Status)
		}
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

// TestAFloodWaitsInLine: more hashes than slots are never compared at once, and
// those who cannot even wait are sent away.
func TestAFloodWaitsInLine(t *testing.T) {
	g := NewGuard(time.Now)
	for range cap(g.slots) {
		if _, refused := g.admit(t.Context(), "client", "address"); refused != nil {
			t.Fatal(refused)
		}
	}
	g.waiting.Store(maxWaiting)
	if _, refused := g.admit(t.Context(), "client", "address"); refused == nil || refused.Status != http.StatusTooManyRequests || refused.RetryAfter < 1 {
		t.Errorf("%v", refused)
	}
	g.waiting.Store(0)
	<-g.slots
	if done, refused := g.admit(t.Context(), "client", "address"); refused != nil {
		t.Error(refused)
	} else {
		done(true)
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
	for range cap(w.server.Guard.slots) { // nobody's turn comes
		w.server.Guard.slots <- struct{}{}
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if resp := w.guess(t, sandboxID, sandboxSecret); resp.StatusCode != http.StatusOK {
				t.Error(resp.Status)
			}
		})
	}
	for deadline := time.Now().Add(4 * time.Second); w.server.Guard.waiting.Load() < 8 && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	w.server.Guard.remember(&c.Secrets[0], sandboxSecret) // as the first one does
	<-w.server.Guard.slots
	all.Wait()
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
