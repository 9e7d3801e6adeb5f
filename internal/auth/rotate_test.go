package auth

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestNoTokenIsRefusedBecauseOfARotation: two processes give and check tokens
// of each other, the clock runs, keys rotate on schedule and by command: at no
// moment is a token that has not expired refused.
func TestNoTokenIsRefusedBecauseOfARotation(t *testing.T) {
	w := newWorld(t)
	other, err := OpenKeyRing(t.Context(), w.store, seal(), w.clock.now)
	if err != nil {
		t.Fatal(err)
	}
	checkers := []*Checker{w.checker, {Issuer: issuer, Clients: w.store, Keys: other, Now: w.clock.now}}
	rings := []*KeyRing{w.server.Keys, other}
	type issued struct {
		header string
		until  time.Time
	}
	var live []issued
	signed := map[string]bool{}
	for step := range 800 { // of 50 seconds: 11 hours
		w.clock.move(50 * time.Second)
		ring := rings[step%2]
		if _, _, err := ring.Tend(t.Context(), 2*time.Hour, DefaultLifetime); err != nil {
			t.Fatal(err)
		}
		if step%311 == 0 {
			if _, err := ring.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if step%2 == 0 {
			k, err := ring.Signing(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			signed[k.ID] = true
			token, err := k.sign(newClaims(issuer, sandboxID, []string{Scope}, w.clock.now(), DefaultLifetime))
			if err != nil {
				t.Fatal(err)
			}
			live = append(live, issued{"Bearer " + token, w.clock.now().Add(DefaultLifetime)})
		}
		for len(live) > 0 && !w.clock.now().Before(live[0].until) {
			live = live[1:]
		}
		for _, i := range []int{0, len(live) / 2, len(live) - 1} { // the oldest, one between, the newest
			if _, _, err := checkers[(step+1)%2].Check(t.Context(), live[i].header); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
		}
	}
	if len(signed) < 6 || len(w.store.keys) > 4 {
		t.Errorf("%d keys signed, %d are left", len(signed), len(w.store.keys))
	}
}

// TestManyRotateAtOnce: on schedule, one new key comes of it.
func TestManyRotateAtOnce(t *testing.T) {
	w := newWorld(t)
	w.clock.move(time.Hour)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, _, err := w.server.Keys.Tend(t.Context(), time.Hour, DefaultLifetime); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(w.store.keys) != 2 {
		t.Errorf("%d keys", len(w.store.keys))
	}
}

func TestSeal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := OpenSeal(path, false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	var all sync.WaitGroup
	for range 8 { // that start at once have one key
		all.Go(func() {
			if _, err := OpenSeal(path, true); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s, err := OpenSeal(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(path + ".*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
	k := freshKey(t, newWorld(t))
	stored, err := k.Store(s)
	if err != nil || strings.Contains(stored.Sealed, "PRIVATE") {
		t.Fatal(stored, err)
	}
	if got, err := stored.open(s); err != nil || !got.Private.Equal(k.Private) {
		t.Error(err)
	}
	for what, wrong := range map[string]StoredKey{
		"another's id": {ID: "x", Sealed: stored.Sealed}, "changed": {ID: stored.ID, Sealed: stored.Sealed[:len(stored.Sealed)-8] + "AAAAAAA="},
		"garbage": {ID: stored.ID, Sealed: sealMark + "!"}, "short": {ID: stored.ID, Sealed: sealMark + "AAAA"},
	} {
		if _, err := wrong.open(s); !errors.Is(err, errSeal) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := stored.open(seal()); !errors.Is(err, errSeal) {
		t.Errorf("by another key: %v", err)
	}
	for _, text := range []string{"", "short", base64.StdEncoding.EncodeToString(make([]byte, 31)), "not Base64!"} {
		bad := filepath.Join(t.TempDir(), "bad")
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSeal(bad, true); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
}
