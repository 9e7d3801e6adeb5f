package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ab2d/internal/rest"
	"ab2d/internal/store"
)

// Tokens are the admin tokens.
type Tokens interface {
	// AdminToken returns store.ErrNoAdminToken if there is none with the id.
	AdminToken(ctx context.Context, id string) (*store.AdminToken, error)
	AdminTokens(ctx context.Context) ([]*store.AdminToken, error)
	AddAdminToken(ctx context.Context, t store.AdminToken) error
	RemoveAdminToken(ctx context.Context, id string) error
}

// Scope is what an admin token allows.
type Scope string

// The scopes. Each but the last can be given to a token; no other scope
// includes ScopeRead.
const (
	ScopeRead        Scope = "read"
	ScopeContract    Scope = "contract"
	ScopeClient      Scope = "client"
	ScopeJob         Scope = "job"
	ScopeKey         Scope = "key"
	ScopeMaintenance Scope = "maintenance"
	scopeToken       Scope = "token" // to add tokens: only on the machine that has the database
)

// Scopes returns those that can be given to a token.
func Scopes() []string {
	return []string{string(ScopeRead), string(ScopeContract), string(ScopeClient), string(ScopeJob), string(ScopeKey), string(ScopeMaintenance)}
}

// Token describes an admin token without showing it.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Scopes  []string  `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// Token is the new token. It is shown only once.
	Token string `json:"token,omitempty"`
}

// NewToken asks for an admin token.
type NewToken struct {
	Name     string   `json:"name"`
	Scopes   []string `json:"scopes"`
	Lifetime string   `json:"lifetime,omitempty"` // default 2160h
}

// tokenMark begins an admin token, so that one that leaked is found.
const tokenMark = "ab2d_admin_"

// newToken makes a token: its mark, its id and 260 random bits. Nobody can
// guess these, so a fast hash of the token is stored.
func newToken() (id, token, digest string) {
	id = rand.Text()[:10]
	token = tokenMark + id + "_" + rand.Text() + rand.Text()
	return id, token, digestOf(token)
}

func digestOf(token string) string {
	d := sha256.Sum256([]byte(token))
	return hex.EncodeToString(d[:])
}

func isTokenID(id string) bool {
	return len(id) == 10 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// Tokens lists the admin tokens.
func (s *Service) Tokens(ctx context.Context) ([]Token, error) {
	tokens, err := s.store.AdminTokens(ctx)
	if err != nil {
		return nil, err
	}
	list := []Token{}
	for _, t := range tokens {
		list = append(list, Token{ID: t.ID, Name: t.Name, Scopes: t.Scopes, Created: t.Created, Expires: t.Expires})
	}
	return list, nil
}

// defaultTokenLifetime is how long an admin token is valid.
const defaultTokenLifetime = 90 * 24 * time.Hour

// AddToken adds an admin token and returns it.
func (s *Service) AddToken(ctx context.Context, n NewToken) (Token, error) {
	if n.Name == "" || !oneLine.MatchString(n.Name) {
		return Token{}, rest.InvalidField("name", "give 1 to 100 characters on one line.")
	}
	for _, scope := range n.Scopes {
		if !slices.Contains(Scopes(), scope) {
			return Token{}, rest.InvalidField("scopes", "%s is none of %v.", rest.Quoted(scope), Scopes())
		}
	}
	if len(n.Scopes) == 0 {
		return Token{}, rest.InvalidField("scopes", "give one or more of %v.", Scopes())
	}
	lifetime, err := duration("lifetime", n.Lifetime, defaultTokenLifetime)
	if err != nil {
		return Token{}, err
	}
	if lifetime < time.Minute || lifetime > 366*24*time.Hour {
		return Token{}, rest.InvalidField("lifetime", "give a minute to a year, for example 2160h.")
	}
	id, token, digest := newToken()
	t := store.AdminToken{ID: id, Name: n.Name, Digest: digest, Scopes: n.Scopes, Created: s.now(), Expires: s.now().Add(lifetime)}
	if err := s.store.AddAdminToken(ctx, t); err != nil {
		return Token{}, err
	}
	return Token{ID: id, Name: t.Name, Scopes: t.Scopes, Created: t.Created, Expires: t.Expires, Token: token}, nil
}

// RemoveToken removes an admin token at once.
func (s *Service) RemoveToken(ctx context.Context, id string, dryRun bool) (Effect, error) {
	if !isTokenID(id) {
		return Effect{}, rest.NotFound("There is no admin token %s.", rest.Quoted(id))
	}
	t, err := s.store.AdminToken(ctx, id)
	if errors.Is(err, store.ErrNoAdminToken) {
		return Effect{}, rest.NotFound("There is no admin token %s.", rest.Quoted(id))
	}
	if err != nil {
		return Effect{}, err
	}
	return apply(dryRun, fmt.Sprintf("remove admin token %s of %s", t.ID, t.Name), func() error { return s.store.RemoveAdminToken(ctx, id) })
}
