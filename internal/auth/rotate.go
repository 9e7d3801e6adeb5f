package auth

import (
	"context"
	"time"
)

// Rotation of signing keys. A new key signs a minute after it was stored, when
// every process has it; the old one is removed when the last token that it
// signed has expired. So no token is refused because of a rotation.

// removeLater is how much longer than a token's lifetime an old key is kept: for
// the minute in which it still signed, and for clocks that differ.
const removeLater = 10 * time.Minute

// Rotate stores a new key now, and gives its id.
func (r *KeyRing) Rotate(ctx context.Context) (string, error) {
	return r.add(ctx, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)) // whatever there is
}

// Tend stores a new key if the newest is older than every (0: never), and
// removes those whose tokens, of a lifetime, have all expired. To be called now
// and then by every process. It tells what it did.
func (r *KeyRing) Tend(ctx context.Context, every, lifetime time.Duration) (added string, removed []string, err error) {
	now := r.now()
	keys, err := r.read(ctx)
	if err != nil || len(keys) == 0 {
		return "", nil, err
	}
	if every > 0 && now.Sub(keys[0].Created) >= every {
		if added, err = r.add(ctx, now.Add(-every)); err != nil {
			return "", nil, err
		}
	}
	for i := 1; i < len(keys); i++ {
		// It has not signed since the next one was there for maxKeyAge.
		if now.Sub(keys[i-1].Created) >= maxKeyAge+lifetime+removeLater {
			removed = append(removed, keys[i].ID)
		}
	}
	if len(removed) > 0 {
		err = r.store.RemoveKeys(ctx, removed)
	}
	return added, removed, err
}
