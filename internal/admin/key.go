package admin

import (
	"context"
	"slices"
	"time"

	"ab2d/internal/auth"
	"ab2d/internal/rest"
)

// SigningKeys are the keys that sign access tokens.
type SigningKeys interface {
	// Keys lists the keys, the newest first.
	Keys(ctx context.Context) ([]auth.StoredKey, error)
	RemoveKeys(ctx context.Context, ids []string) error
}

// Key describes a signing key without showing it.
type Key struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Newest  bool      `json:"newest"`
}

// Keys lists the signing keys.
func (s *Service) Keys(ctx context.Context) ([]Key, error) {
	keys, err := s.store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	list := []Key{}
	for i, k := range keys {
		list = append(list, Key{ID: k.ID, Created: k.Created, Newest: i == 0})
	}
	return list, nil
}

// RotateKey stores a new signing key, which signs from the next minute on. The
// old key is removed when its tokens have expired.
func (s *Service) RotateKey(ctx context.Context) (Key, error) {
	ring, err := s.keyRing(ctx)
	if err != nil {
		return Key{}, err
	}
	id, err := ring.Rotate(ctx)
	if err != nil {
		return Key{}, err
	}
	return Key{ID: id, Created: s.now().UTC(), Newest: true}, nil
}

// RemoveKey removes a key that others may know. Every token that it signed is
// rejected from then on.
func (s *Service) RemoveKey(ctx context.Context, id string, dryRun bool) (Effect, error) {
	keys, err := s.store.Keys(ctx)
	if err != nil {
		return Effect{}, err
	}
	if !slices.ContainsFunc(keys, func(k auth.StoredKey) bool { return k.ID == id }) {
		return Effect{}, rest.NotFound("There is no signing key %s.", rest.Quoted(id))
	}
	if len(keys) == 1 {
		return Effect{}, rest.Conflict("It is the only signing key. Rotate the key first, so that there is another one.")
	}
	return apply(dryRun, "remove key "+id+": every token that it signed is rejected within a minute", func() error {
		return s.store.RemoveKeys(ctx, []string{id})
	})
}
