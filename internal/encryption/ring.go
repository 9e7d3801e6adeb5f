package encryption

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// StoredKey is a data key as it is stored.
type StoredKey struct {
	ID      string
	Wrapped []byte // encrypted by a wrapping key
	By      string // the name of the wrapping key
	Created time.Time
}

// Store keeps data keys. What its methods change is durable when they return. Safe for
// concurrent use, by several processes.
type Store interface {
	// DataKeys reads all data keys, newest first.
	DataKeys(ctx context.Context) ([]StoredKey, error)
	// AddDataKey stores a data key, unless there is one that was created after newest.
	AddDataKey(ctx context.Context, k StoredKey, newest time.Time) (bool, error)
	// RewrapDataKeys replaces how keys are wrapped, if it still is what it was.
	RewrapDataKeys(ctx context.Context, was, is []StoredKey) error
}

const (
	// ringFresh is how long the data keys are taken for the newest: so long after a
	// rotation a process may still encrypt with the former key.
	ringFresh = 15 * time.Second
	// keyTime bounds how long it takes to read them.
	keyTime = 20 * time.Second
)

// Ring has the data keys of a database. Safe for concurrent use.
type Ring struct {
	store    Store
	wrapping WrappingKey
	now      func() time.Time

	mu     sync.Mutex
	keys   map[string]*DataKey
	newest *DataKey // that can be used
	read   time.Time
	fault  error // why not all keys can be used
}

// OpenRing reads the data keys, and makes the first one if there is none. It fails if
// one of them cannot be used: what it encrypted could not be read.
func OpenRing(ctx context.Context, store Store, wrapping WrappingKey, now func() time.Time) (*Ring, error) {
	r := &Ring{store: store, wrapping: wrapping, now: now, keys: map[string]*DataKey{}}
	stored, err := store.DataKeys(ctx)
	if err == nil && len(stored) == 0 {
		if _, err = r.add(ctx, time.Time{}); errors.Is(err, errOvertaken) {
			err = nil // another process has made it
		}
	}
	if err != nil {
		return nil, err
	}
	return r, r.Check(ctx)
}

// add makes a data key, unless there is one that was created after newest.
func (r *Ring) add(ctx context.Context, newest time.Time) (string, error) {
	key := make([]byte, keyBytes)
	rand.Read(key) // never fails
	id := strings.ToLower(rand.Text()[:12])
	wrapped, by, err := r.wrapping.Wrap(ctx, id, key)
	if err != nil {
		return "", fmt.Errorf("encrypt a new data key: %w", err)
	}
	added, err := r.store.AddDataKey(ctx, StoredKey{ID: id, Wrapped: wrapped, By: by, Created: r.now().UTC().Truncate(time.Millisecond)}, newest)
	if err == nil && !added {
		err = errOvertaken
	}
	return id, err
}

// errOvertaken says that another process has just made a data key.
var errOvertaken = errors.New("another process has just made a new data key")

// Current is the key to encrypt with.
func (r *Ring) Current(ctx context.Context) (*DataKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.newest == nil || r.now().Sub(r.read).Abs() > ringFresh {
		r.refresh(ctx)
	}
	if r.newest == nil {
		return nil, fmt.Errorf("there is no key to encrypt with: %w", r.fault)
	}
	return r.newest, nil
}

// Key finds the key that something was encrypted with; ErrNoKey if there is none.
func (r *Ring) Key(ctx context.Context, id string) (*DataKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.keys[id]; k != nil {
		return k, nil
	}
	r.refresh(ctx)
	switch k := r.keys[id]; {
	case k != nil:
		return k, nil
	case r.fault != nil:
		return nil, fmt.Errorf("find data key %s: %w", id, r.fault)
	}
	return nil, fmt.Errorf("the database has no data key %s: %w", id, ErrNoKey)
}

// Check tells whether all data keys can be used, for /health. Work goes on with those
// that can.
func (r *Ring) Check(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refresh(ctx)
	return r.fault
}

// refresh reads the data keys and opens those that are new. The lock is held.
func (r *Ring) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyTime) // others use what it reads, too
	defer cancel()
	stored, err := r.store.DataKeys(ctx)
	if err != nil {
		r.fault = err
		return
	}
	var faults []error
	var newest *DataKey
	for _, s := range stored {
		k := r.keys[s.ID]
		if k == nil {
			if k, err = r.unwrap(ctx, s); err != nil {
				faults = append(faults, err)
				continue
			}
			r.keys[s.ID] = k
		}
		if newest == nil {
			newest = k
		}
	}
	if r.fault = errors.Join(faults...); newest != nil {
		r.newest = newest
	}
	r.read = r.now()
}

func (r *Ring) unwrap(ctx context.Context, s StoredKey) (*DataKey, error) {
	key, err := r.wrapping.Unwrap(ctx, s.ID, s.Wrapped, s.By)
	if err != nil {
		return nil, err
	}
	return newDataKey(s.ID, key)
}

// Rotation says what a rotation did.
type Rotation struct {
	Key       string // the id of the new data key
	Rewrapped int    // older data keys that are encrypted anew
}

// Rotate makes a new data key, and encrypts all older ones by the wrapping key that is
// the first one now. It changes nothing if one of them cannot be opened. May be
// repeated, also after it was stopped.
func (r *Ring) Rotate(ctx context.Context) (Rotation, error) {
	was, err := r.store.DataKeys(ctx)
	if err != nil {
		return Rotation{}, err
	}
	is := make([]StoredKey, len(was))
	var newest time.Time
	for i, s := range was {
		key, err := r.wrapping.Unwrap(ctx, s.ID, s.Wrapped, s.By)
		if err != nil {
			return Rotation{}, err
		}
		is[i] = s
		if is[i].Wrapped, is[i].By, err = r.wrapping.Wrap(ctx, s.ID, key); err != nil {
			return Rotation{}, fmt.Errorf("encrypt data key %s: %w", s.ID, err)
		}
		if s.Created.After(newest) {
			newest = s.Created
		}
	}
	id, err := r.add(ctx, newest)
	if err != nil {
		return Rotation{}, err
	}
	if err := r.store.RewrapDataKeys(ctx, was, is); err != nil {
		return Rotation{}, err
	}
	return Rotation{Key: id, Rewrapped: len(is)}, r.Check(ctx)
}
