package admin

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/rest"
)

// defaultOverlap is how long an old secret stays valid beside the new one.
const defaultOverlap = 14 * 24 * time.Hour

// expiredKept is how long an expired secret is known at least, so that the tokens that it
// was used for stay valid until they expire.
const expiredKept = 24 * time.Hour

// Rotation asks for a new secret.
type Rotation struct {
	Overlap  string `json:"overlap,omitempty"`  // how long old secrets stay valid, as a duration; default 336h; 0s removes them at once
	Lifetime string `json:"lifetime,omitempty"` // of the new secret; default: it does not expire
}

// newSecret makes a secret, of which only the hash is stored.
func (s *Service) newSecret(lifetime time.Duration) (string, auth.Secret) {
	secret, hash := auth.NewSecret()
	stored := auth.Secret{ID: rand.Text()[:6], Hash: hash, Created: s.now().UTC().Truncate(time.Millisecond)}
	if lifetime > 0 {
		stored.Expires = stored.Created.Add(lifetime)
	}
	return secret, stored
}

// RotateSecret gives a client a new secret. The old one stays valid for the
// overlap; its use is logged as a warning. Without an overlap all old ones are
// removed, and their tokens end.
func (s *Service) RotateSecret(ctx context.Context, id string, n Rotation) (Client, error) {
	overlap, err := duration("overlap", n.Overlap, defaultOverlap)
	if err != nil {
		return Client{}, err
	}
	lifetime, err := duration("lifetime", n.Lifetime, 0)
	if err != nil {
		return Client{}, err
	}
	c, err := s.findClient(ctx, id)
	if err != nil {
		return Client{}, err
	}
	secret, stored := s.newSecret(lifetime)
	_, err = s.store.ChangeClient(ctx, c.ID, audit.Entry{Event: audit.SecretAdded, Detail: "secret " + stored.ID}, func(c *auth.Client) error {
		now := stored.Created
		if overlap == 0 { // they leaked, and so may their tokens have
			c.Secrets = []auth.Secret{stored}
			return nil
		}
		live := c.Live(now)
		if len(live) >= auth.SecretsAtOnce {
			return rest.Conflict("The client has two valid secrets, %s and %s. Revoke one first.", live[0].ID, live[1].ID)
		}
		for i := range live {
			if end := now.Add(overlap); live[i].Expires.IsZero() || end.Before(live[i].Expires) {
				live[i].Expires = end
			}
		}
		expired := slices.DeleteFunc(slices.Clone(c.Secrets), func(s auth.Secret) bool { return s.Live(now) || now.Sub(s.Expires) > expiredKept })
		c.Secrets = slices.Concat(expired, live, []auth.Secret{stored})
		return nil
	})
	if err != nil {
		return Client{}, err
	}
	return s.withSecret(ctx, c.ID, secret)
}

// RevokeSecret removes a secret at once.
func (s *Service) RevokeSecret(ctx context.Context, client, id string, dryRun bool) (Effect, error) {
	c, err := s.findClient(ctx, client)
	if err != nil {
		return Effect{}, err
	}
	is := func(s auth.Secret) bool { return s.ID == id }
	live := c.Live(s.now())
	if !slices.ContainsFunc(live, is) {
		return Effect{}, rest.NotFound("The client has no valid secret %s.", rest.Quoted(id))
	}
	text := fmt.Sprintf("revoke secret %s of client %s of contract %s, which then has %d", id, c.ID, c.Contract, len(live)-1)
	return apply(dryRun, text, func() error {
		_, err := s.store.ChangeClient(ctx, c.ID, audit.Entry{Event: audit.SecretRevoked, Detail: "secret " + id}, func(c *auth.Client) error {
			c.Secrets = slices.DeleteFunc(c.Secrets, is)
			return nil
		})
		return err
	})
}
