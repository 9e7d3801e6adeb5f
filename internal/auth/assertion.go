package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"ab2d/internal/obs"
)

// assertionType is the client_assertion_type of private_key_jwt, RFC 7523 §2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

const (
	// assertionLife is how far ahead the exp of an assertion may be: five
	// minutes, SMART App Launch 2.2, "Client Authentication: Asymmetric".
	assertionLife = 5 * time.Minute
	// assertionLeeway is how far the client's clock may be off.
	assertionLeeway = 30 * time.Second
	maxAssertion    = 16 << 10
)

// Assertions remembers which assertions were used.
type Assertions interface {
	// UseAssertion notes that a client used an assertion, named by a digest of
	// its jti, which expires then. It is false when it was used before.
	// Durable when it returns. Safe for concurrent use, by several processes.
	UseAssertion(ctx context.Context, client, digest string, expires time.Time) (bool, error)
}

// assertionAlgs are the algorithms that SMART wants servers to take.
func assertionAlgs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS384, jose.ES384}
}

// asserted tells whether the client authenticates itself by private_key_jwt.
func asserted(form url.Values) bool {
	return form.Get("client_assertion") != "" || form.Get("client_assertion_type") != ""
}

// byAssertion lets a client in that signed an assertion with its key, RFC 7523
// §3 and SMART App Launch 2.2, "Client Authentication: Asymmetric". What is
// wrong with it is told: the reason is of no use to somebody without the key.
func (s *Server) byAssertion(ctx context.Context, form url.Values) (client *Client, holding string, err error) {
	text := form.Get("client_assertion")
	switch {
	case form.Get("client_assertion_type") != assertionType:
		return nil, "", invalid(InvalidRequest, "client_assertion_type has to be %s.", assertionType)
	case form.Get("client_secret") != "":
		return nil, "", invalid(InvalidRequest, "The client authenticates itself in more than one way: send either client_assertion or client_secret.")
	case text == "" || len(text) > maxAssertion:
		return nil, "", notAsserted("is missing or too long")
	}
	parsed, err := jwt.ParseSigned(text, assertionAlgs())
	if err != nil || len(parsed.Headers) != 1 {
		return nil, "", notAsserted("is not a JWT signed with RS384 or ES384")
	}
	var said jwt.Claims
	if err := parsed.UnsafeClaimsWithoutVerification(&said); err != nil { // to find whose keys to verify it with
		return nil, "", notAsserted("does not hold claims")
	}
	if said.Issuer == "" || said.Issuer != said.Subject || form.Get("client_id") != "" && form.Get("client_id") != said.Subject {
		return nil, "", notAsserted("has to name the client's id as iss and as sub, and as client_id if that is sent")
	}
	attempt, refused := s.Guard.attempt(pair{said.Subject, obs.Network(obs.CallerOf(ctx))}, false)
	if refused != nil {
		return nil, "", refused
	}
	client, holding, err = s.verifyAssertion(ctx, parsed, said.Subject, &said)
	if err != nil {
		return nil, "", attempt.wrong(err)
	}
	attempt.right() // the client has its key, whatever else is wrong
	if err := s.useOnce(ctx, client.ID, &said, s.Issuer+TokenPath, s.Issuer); err != nil {
		return nil, "", err
	}
	return client, holding, nil
}

// useOnce decides about an assertion that is genuine, and notes that it was used.
func (s *Server) useOnce(ctx context.Context, client string, said *jwt.Claims, audiences ...string) error {
	if refused := s.judgeAssertion(said, audiences); refused != nil {
		return refused
	}
	digest := sha256.Sum256([]byte(said.ID))
	fresh, err := s.Assertions.UseAssertion(ctx, client, hex.EncodeToString(digest[:]), said.Expiry.Time().Add(assertionLeeway))
	if err != nil {
		return fmt.Errorf("note an assertion: %w", err)
	}
	if !fresh {
		return notAsserted("was used before: make a new one, with another jti, for each request")
	}
	return nil
}

// verifyAssertion finds the client's key and checks the signature. To whoever
// has none of its keys, a client without keys looks like one that does not exist.
func (s *Server) verifyAssertion(ctx context.Context, parsed *jwt.JSONWebToken, id string, said *jwt.Claims) (client *Client, holding string, err error) {
	unknown := notAsserted("names a client that is unknown here or has registered no key of this kid")
	header := parsed.Headers[0]
	client, err = find(ctx, s.Clients, id)
	if isNoClient(err) || err == nil && header.KeyID == "" {
		return nil, "", unknown
	}
	if err != nil {
		return nil, "", err
	}
	if jku, ok := header.ExtraHeaders["jku"]; ok && jku != client.KeysURL {
		return nil, "", notAsserted("has a jku that is not the address registered for the client's keys")
	}
	keys, err := s.clientKeys(ctx, client, header.KeyID, header.Algorithm)
	if err != nil {
		s.Warn("client keys", "client", client.ID, "error", err)
		return nil, "", notAsserted("cannot be checked: the client's keys cannot be fetched from where they are registered")
	}
	for _, k := range keys {
		if checkClientKey(k) == nil && parsed.Claims(k.Key, said) == nil {
			holding, err = keyMarkOf(client, k)
			return client, holding, err
		}
	}
	if len(keys) == 0 {
		return nil, "", unknown
	}
	return nil, "", notAsserted("was not signed with the key that its kid names")
}

func (s *Server) clientKeys(ctx context.Context, c *Client, kid, alg string) ([]jose.JSONWebKey, error) {
	switch {
	case c.KeysURL != "":
		return s.Fetch.keys(c.KeysURL).find(ctx, kid, alg)
	case c.KeySet != "":
		set, err := ParseKeySet([]byte(c.KeySet))
		if err != nil {
			return nil, err
		}
		return keysFor(set, kid, alg), nil
	}
	return nil, nil
}

// judgeAssertion decides about an assertion that is genuine.
func (s *Server) judgeAssertion(said *jwt.Claims, audiences []string) *Error {
	now := s.Now()
	switch {
	case !slices.ContainsFunc(audiences, said.Audience.Contains):
		return notAsserted("is for another audience: aud has to be %s", audiences[0])
	case said.Expiry == nil || said.ID == "" || len(said.ID) > 512:
		return notAsserted("has no exp or no jti")
	case !now.Add(-assertionLeeway).Before(said.Expiry.Time()):
		return notAsserted("has expired")
	case said.Expiry.Time().After(now.Add(assertionLife + assertionLeeway)):
		return notAsserted("expires more than five minutes from now")
	case said.NotBefore != nil && now.Add(assertionLeeway).Before(said.NotBefore.Time()):
		return notAsserted("is not valid yet")
	}
	return nil
}

func notAsserted(format string, args ...any) *Error {
	return invalid(InvalidClient, "The client assertion "+format+".", args...)
}
