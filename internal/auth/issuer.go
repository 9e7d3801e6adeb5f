package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Outside is an authorization server of somebody else, whose tokens are taken
// instead of our own: Okta and the like. All fields have to be set. Safe for
// concurrent use.
type Outside struct {
	Issuer   string // its URL, exactly as its tokens say it
	Audience string // what the aud of its tokens has to hold
	// ClientClaim is the claim that names the client, by the id under which it
	// is known here.
	ClientClaim string
	Leeway      time.Duration // how far its clock may be off ours
	Fetch       *Fetcher
	Now         func() time.Time

	mu       sync.Mutex
	metadata *outsideMetadata
	tried    time.Time
	failed   error
}

// outsideMetadata is what RFC 8414 and OpenID Connect Discovery tell.
type outsideMetadata struct {
	Issuer        string `json:"issuer"`
	KeysURI       string `json:"jwks_uri"`
	TokenEndpoint string `json:"token_endpoint"`
	read          time.Time
}

// metadataFresh is how long the metadata are used before they are read again.
const metadataFresh = time.Hour

// outsideAlgs are the algorithms that are believed: signatures only.
func outsideAlgs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	}
}

// TokenEndpoint is where clients get their tokens; for the documents that say so.
func (o *Outside) TokenEndpoint(ctx context.Context) (string, error) {
	m, err := o.discover(ctx)
	if err != nil {
		return "", err
	}
	return m.TokenEndpoint, nil
}

// discover reads the metadata, from either of the well-known places. While they
// cannot be read again, those that were stay good.
func (o *Outside) discover(ctx context.Context) (*outsideMetadata, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.Now()
	if o.metadata != nil && now.Sub(o.metadata.read) < metadataFresh {
		return o.metadata, nil
	}
	if o.tried.IsZero() || now.Sub(o.tried) >= keysPause {
		o.tried = now
		o.failed = o.read(context.WithoutCancel(ctx), now)
	}
	if o.metadata == nil {
		return nil, o.failed
	}
	return o.metadata, nil
}

func (o *Outside) read(ctx context.Context, now time.Time) error {
	var faults []error
	for _, place := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		var m outsideMetadata
		b, err := o.Fetch.get(ctx, strings.TrimRight(o.Issuer, "/")+place)
		if err == nil {
			err = json.Unmarshal(b, &m)
		}
		if err == nil && m.Issuer != o.Issuer {
			err = fmt.Errorf("its issuer is %q, not %q: give --issuer exactly as it calls itself", m.Issuer, o.Issuer)
		}
		if err == nil {
			err = CheckURL(m.KeysURI)
		}
		if err == nil {
			m.read = now
			o.metadata = &m
			return nil
		}
		faults = append(faults, fmt.Errorf("the metadata at %s: %w", place, err))
	}
	return fmt.Errorf("the issuer %s: %w", o.Issuer, errors.Join(faults...))
}

// verify reads what a token says, if the issuer signed it. Its subject is the
// client, and its scopes are read from scope or scp.
func (o *Outside) verify(ctx context.Context, token string) (*claims, error) {
	parsed, err := jwt.ParseSigned(token, outsideAlgs())
	if err != nil || len(parsed.Headers) != 1 {
		return nil, invalidToken("The access token is malformed")
	}
	m, err := o.discover(ctx)
	if err != nil {
		return nil, &Unreachable{err}
	}
	header := parsed.Headers[0]
	keys, err := o.Fetch.keys(m.KeysURI).find(ctx, header.KeyID, header.Algorithm)
	if err != nil {
		return nil, &Unreachable{err}
	}
	for _, k := range keys {
		var said jwt.Claims
		more := map[string]any{}
		if parsed.Claims(k.Key, &said, &more) == nil {
			client, _ := more[o.ClientClaim].(string)
			said.Subject = client
			return &claims{Claims: said, ClientID: client, Scopes: append(words(more["scope"]), words(more["scp"])...)}, nil
		}
	}
	return nil, invalidToken("The access token was not signed by the issuer that this server trusts")
}

// words reads a list, or a text of words.
func words(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.Fields(v)
	case []any:
		var all []string
		for _, w := range v {
			if s, ok := w.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// mayRead tells whether one of the scopes lets a client read claims.
func mayRead(asked []string) bool {
	return slices.ContainsFunc(asked, func(s string) bool { return slices.Contains(scopes(), s) })
}

// Unreachable is an issuer that cannot be asked at the moment.
type Unreachable struct{ error }

// Unwrap gives the reason.
func (u *Unreachable) Unwrap() error { return u.error }
