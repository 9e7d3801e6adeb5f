package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestKeySurvivesStorage(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	k, err := NewKey(at)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := k.Store(seal())
	if err != nil {
		t.Fatal(err)
	}
	got, err := stored.open(seal())
	if err != nil || got.ID != k.ID || !got.Created.Equal(at) || !got.Private.Equal(k.Private) {
		t.Errorf("%v, %v", got, err)
	}
	private, err := k.Private.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprintf("%v", k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), string(asJSON)} {
		if strings.Contains(s, new(big.Int).SetBytes(private).String()) || strings.Contains(s, fmt.Sprintf("%x", private)) || strings.Contains(s, "Curve") {
			t.Errorf("shows the key: %s", s)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "no PEM": []byte("x"), "no PKCS 8": pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: []byte("x")}),
		"label": encode("EC PRIVATE KEY", p384), "Ed25519": encode(pemType, edwards), "P-384": encode(pemType, p384),
	} {
		if _, err := parseKey("k1", time.Time{}, b); err == nil || !strings.Contains(err.Error(), "k1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeyRingNeedsItsStore(t *testing.T) {
	fault := errors.New("disk on fire")
	if _, err := OpenKeyRing(t.Context(), &memory{fault: fault}, seal(), time.Now); !errors.Is(err, fault) {
		t.Errorf("opened: %v", err)
	}
}

// TestProcessesAgreeOnTheFirstKey opens many key rings at once on one store.
func TestProcessesAgreeOnTheFirstKey(t *testing.T) {
	store, clock := new(memory), &clock{at: time.Unix(1e9, 0)}
	ids := make([]string, 8)
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() {
			ring, err := OpenKeyRing(t.Context(), store, seal(), clock.now)
			if err != nil {
				t.Error(err)
				return
			}
			key, err := ring.Signing(t.Context())
			if err != nil {
				t.Error(err)
			}
			ids[i] = key.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		if id != store.keys[0].ID || len(store.keys) != 1 {
			t.Errorf("signs with %q, stored is %v", id, store.keys)
		}
	}
}

func TestUnknownKeysDoNotHammerTheStore(t *testing.T) {
	w := newWorld(t)
	ring := w.server.Keys
	w.store.loads = 0
	ask := func(id string, wantLoads int) {
		t.Helper()
		if _, err := ring.Public(t.Context(), id); !errors.Is(err, ErrNoKey) {
			t.Errorf("key %q: %v", id, err)
		}
		if w.store.loads != wantLoads {
			t.Errorf("loaded %d times, want %d", w.store.loads, wantLoads)
		}
	}
	for range 100 {
		ask("made-up", 0)
	}
	w.clock.move(minKeyAge)
	for range 100 {
		ask("made-up", 1)
	}
	if _, err := ring.Public(t.Context(), w.store.keys[0].ID); err != nil || w.store.loads != 1 {
		t.Errorf("known key: %v, loaded %d times", err, w.store.loads)
	}
}

// TestNewKey: a new key is found as soon as a token names it, signs once every
// process has it, and a key that was removed is forgotten.
func TestNewKey(t *testing.T) {
	w := newWorld(t)
	ring, old := w.server.Keys, w.store.keys[0]
	signs := func(want Key) {
		t.Helper()
		if got, err := ring.Signing(t.Context()); err != nil || got.ID != want.ID {
			t.Errorf("signs with %v, %v; want %v", got, err, want)
		}
	}
	signs(old)
	w.clock.move(maxKeyAge / 2)
	next := freshKey(t, w)
	w.store.add(next)
	if _, err := ring.Public(t.Context(), next.ID); err != nil {
		t.Errorf("the new key: %v", err)
	}
	w.clock.move(maxKeyAge / 2) // now the old one is ripe
	signs(old)
	w.clock.move(maxKeyAge / 2)
	signs(next)

	w.store.keys = []Key{next}
	w.clock.move(maxKeyAge)
	if _, err := ring.Public(t.Context(), old.ID); !errors.Is(err, ErrNoKey) {
		t.Errorf("the removed key: %v", err)
	}
}

func TestKeyRingUnderLoad(t *testing.T) {
	w := newWorld(t)
	id := w.store.keys[0].ID
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				w.clock.move(maxKeyAge / 20)
				if _, err := w.server.Keys.Public(t.Context(), id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// TestWaitingEndsWithTheRequest: one who waits while another loads gives up
// when its own request ends.
func TestWaitingEndsWithTheRequest(t *testing.T) {
	w := newWorld(t)
	w.clock.move(maxKeyAge)
	w.server.Keys.loading <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.server.Keys.All(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting: %v", err)
	}
}
