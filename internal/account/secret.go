package account

import (
	"context"
	"net/http"
	"slices"
	"time"

	"ab2d/internal/admin"
	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/rest"
)

// changes alter clients. Each appends its audit entry in the same transaction.
type changes interface {
	// ChangeClient applies change within a transaction and stores the result.
	ChangeClient(ctx context.Context, id string, e audit.Entry, change func(*auth.Client) error) (*auth.Client, error)
}

// Bounds of what a sponsor may choose for a new secret.
const (
	maxOverlap  = 30 * 24 * time.Hour
	minLifetime = 24 * time.Hour
	maxLifetime = 366 * 24 * time.Hour
)

// Rotation asks for a new secret.
type Rotation struct {
	// Overlap is how long the old secrets stay valid, as a duration of up to 720h. The
	// default is 336h. With 0s they are removed at once, and their tokens end.
	Overlap string `json:"overlap,omitempty"`
	// Lifetime is that of the new secret, as a duration from 24h to 8784h. By default
	// it has that of the secret which it replaces.
	Lifetime string `json:"lifetime,omitempty"`
}

// rotate gives the client a new secret.
func (h *handler) rotate(c call) (int, any, error) {
	n, err := read[Rotation](c)
	if err != nil {
		return 0, nil, err
	}
	if err := within("overlap", n.Overlap, 0, maxOverlap); err != nil {
		return 0, nil, err
	}
	if err := within("lifetime", n.Lifetime, minLifetime, maxLifetime); err != nil {
		return 0, nil, err
	}
	live := c.client.Live(h.Now())
	if len(live) == 0 {
		return 0, nil, rest.Conflict("The client has no valid secret that a new one could replace. Ask the operator of this server for one.")
	}
	newest := slices.MaxFunc(live, func(a, b auth.Secret) int { return a.Created.Compare(b.Created) })
	if !newest.Expires.IsZero() {
		most := newest.Expires.Sub(newest.Created).Round(time.Second)
		if n.Lifetime == "" {
			n.Lifetime = most.String()
		}
		if d, err := time.ParseDuration(n.Lifetime); err != nil || d > most {
			return 0, nil, rest.InvalidField("lifetime", "the secret that is replaced was given %s. A new one cannot be valid for longer.", most)
		}
	}
	changed, err := h.Admin.RotateSecret(c.Context(), c.client.ID, admin.Rotation{Overlap: n.Overlap, Lifetime: n.Lifetime})
	if err != nil {
		return 0, nil, err
	}
	a, err := h.account(c, c.client)
	a.Secret = changed.Secret
	return http.StatusCreated, a, err
}

// within checks a duration that may be left out.
func within(field, s string, least, most time.Duration) error {
	if s == "" {
		return nil
	}
	if d, err := time.ParseDuration(s); err != nil || d < least || d > most {
		return rest.InvalidField(field, "%s is not a duration from %s to %s, for example 168h.", rest.Quoted(s), least, most)
	}
	return nil
}

// revoke removes a secret at once. Its tokens end.
func (h *handler) revoke(c call) (int, any, error) {
	id := c.PathValue("secret")
	_, err := h.Store.ChangeClient(c.Context(), c.client.ID, audit.Entry{Event: audit.SecretRevoked, Detail: "secret " + known(c.client, id)}, func(client *auth.Client) error {
		had := len(client.Secrets)
		client.Secrets = slices.DeleteFunc(client.Secrets, func(s auth.Secret) bool { return s.ID == id })
		if len(client.Secrets) == had {
			return rest.NotFound("The client has no secret of this name. Give the name of a secret, not the secret.")
		}
		return h.keepsOne(client)
	})
	if err != nil {
		return 0, nil, err
	}
	return h.show(c)
}

// known is the name of a secret that the client has; what else was sent may be a secret.
func known(c *auth.Client, id string) string {
	if slices.ContainsFunc(c.Secrets, func(s auth.Secret) bool { return s.ID == id }) {
		return id
	}
	return "unknown"
}

// keepsOne refuses a change that leaves nothing with which the client can sign in.
func (h *handler) keepsOne(c *auth.Client) error {
	n, err := credentials(c, h.Now())
	if err == nil && n == 0 {
		return rest.Conflict("It is all that the client can sign in with. Make a new secret or register a key first.")
	}
	return err
}
