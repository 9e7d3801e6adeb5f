package auth

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrNoKey says that there is no key with such an id.
var ErrNoKey = errors.New("no such signing key")

// Keys keeps the signing keys. Safe for concurrent use, by several processes.
type Keys interface {
	// Keys reads all keys, newest first. None at all is not an error.
	Keys(ctx context.Context) ([]StoredKey, error)

	// AddKey stores a key, unless there is one that was created after newest:
	// of several processes that want a new one at once, one has its key
	// stored. It tells whether this one was. Durable when it returns.
	AddKey(ctx context.Context, k StoredKey, newest time.Time) (bool, error)

	// RemoveKeys removes keys; those that are absent are no error.
	RemoveKeys(ctx context.Context, ids []string) error

	// SealKeys stores keys encrypted otherwise: each, if it still is what it
	// was. May be repeated.
	SealKeys(ctx context.Context, was, is []StoredKey) error
}

const (
	// maxKeyAge is how long keys are used before they are read again. A new
	// key signs only after that time, when every process has it.
	maxKeyAge = time.Minute
	// minKeyAge is how long they are used even though a token names a key that
	// is not among them, so that made-up tokens do not become a load.
	minKeyAge = time.Second
)

// KeyRing holds the signing keys at hand. Safe for concurrent use.
type KeyRing struct {
	store   Keys
	seal    *Seal
	now     func() time.Time
	loading chan struct{} // full while somebody loads
	loaded  atomic.Pointer[loadedKeys]
}

type loadedKeys struct {
	keys []Key // newest first, at least one
	at   time.Time
}

// OpenKeyRing loads the keys, and makes the first one if there is none yet.
// Keys that were stored before there were seals are encrypted.
func OpenKeyRing(ctx context.Context, store Keys, seal *Seal, now func() time.Time) (*KeyRing, error) {
	r := &KeyRing{store: store, seal: seal, now: now, loading: make(chan struct{}, 1)}
	if _, err := r.All(ctx); err != nil {
		return nil, err
	}
	return r, r.sealAll(ctx)
}

func (r *KeyRing) sealAll(ctx context.Context) error {
	stored, err := r.store.Keys(ctx)
	if err != nil {
		return fmt.Errorf("loading the signing keys: %w", err)
	}
	var was, is []StoredKey
	for _, s := range stored {
		if s.isSealed() {
			continue
		}
		k, err := s.open(r.seal)
		if err != nil {
			return err
		}
		sealed, err := k.Store(r.seal)
		if err != nil {
			return err
		}
		was, is = append(was, s), append(is, sealed)
	}
	if len(was) == 0 {
		return nil
	}
	return r.store.SealKeys(ctx, was, is)
}

// All gives all keys, newest first, as they were at most a minute ago. The
// caller does not change them.
func (r *KeyRing) All(ctx context.Context) ([]Key, error) { return r.keys(ctx, maxKeyAge) }

// Signing gives the key to sign with: the newest that every process knows, or
// else the oldest.
func (r *KeyRing) Signing(ctx context.Context) (Key, error) {
	keys, err := r.All(ctx)
	if err != nil {
		return Key{}, err
	}
	for _, k := range keys {
		if r.now().Sub(k.Created) >= maxKeyAge {
			return k, nil
		}
	}
	return keys[len(keys)-1], nil
}

// Public gives the public key with this id; ErrNoKey when absent. A key that
// was stored more than a second ago is found.
func (r *KeyRing) Public(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	for _, age := range []time.Duration{maxKeyAge, minKeyAge} {
		keys, err := r.keys(ctx, age)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if k.ID == id {
				return &k.Private.PublicKey, nil
			}
		}
	}
	return nil, ErrNoKey
}

// keys gives the keys as they were less than age ago. One caller at a time
// loads them, and the others wait for it.
func (r *KeyRing) keys(ctx context.Context, age time.Duration) ([]Key, error) {
	if keys := r.cached(age); keys != nil {
		return keys, nil
	}
	select {
	case r.loading <- struct{}{}:
		defer func() { <-r.loading }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the signing keys: %w", ctx.Err())
	}
	if keys := r.cached(age); keys != nil {
		return keys, nil // somebody else has just loaded them
	}
	at := r.now()
	keys, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	r.loaded.Store(&loadedKeys{keys: keys, at: at})
	return keys, nil
}

func (r *KeyRing) cached(age time.Duration) []Key {
	if l := r.loaded.Load(); l != nil && r.now().Sub(l.at) < age {
		return l.keys
	}
	return nil
}

func (r *KeyRing) load(ctx context.Context) ([]Key, error) {
	keys, err := r.read(ctx)
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	if _, err := r.add(ctx, time.Time{}); err != nil {
		return nil, err
	}
	if keys, err = r.read(ctx); err == nil && len(keys) == 0 {
		err = errors.New("loading the first signing key: it is not there, though it was stored")
	}
	return keys, err
}

func (r *KeyRing) read(ctx context.Context) ([]Key, error) {
	stored, err := r.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the signing keys: %w", err)
	}
	var keys []Key
	for _, s := range stored {
		k, err := s.open(r.seal)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// add stores a new key, unless there is one that was created after newest.
func (r *KeyRing) add(ctx context.Context, newest time.Time) (string, error) {
	k, err := NewKey(r.now())
	if err != nil {
		return "", err
	}
	stored, err := k.Store(r.seal)
	if err != nil {
		return "", err
	}
	added, err := r.store.AddKey(ctx, stored, newest)
	if err != nil {
		return "", fmt.Errorf("storing a signing key: %w", err)
	}
	if !added {
		return "", nil
	}
	return k.ID, nil
}
