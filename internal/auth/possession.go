package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// ErrKeysUnread says that the keys at an address cannot be fetched or used. What it
// wraps is for the log: it says what is to be found in the network.
var ErrKeysUnread = errors.New("the keys at this address cannot be fetched, or are no JWK Set with keys for RS384 or ES384")

// FetchKeys fetches the JWK Set at an address now, and holds it to what ParseKeySet
// asks. The error is ErrKeysUnread, or wraps it.
func (f *Fetcher) FetchKeys(ctx context.Context, address string) (*jose.JSONWebKeySet, error) {
	b, err := f.get(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeysUnread, err)
	}
	set, err := ParseKeySet(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeysUnread, err)
	}
	return set, nil
}

// ProveKey checks that whoever sends a key has its private half: proof is a JWT that
// the key signed, like a client assertion (RFC 7523 §3) but for audience, so that neither
// passes for the other. It can be used once. ProveKey gives the key of the set that
// signed it. The error is an *Error for the caller, or a fault of the database.
func (s *Server) ProveKey(ctx context.Context, client, audience string, set *jose.JSONWebKeySet, proof string) (*jose.JSONWebKey, error) {
	if proof == "" || len(proof) > maxAssertion {
		return nil, notAsserted("is missing or too long")
	}
	parsed, err := jwt.ParseSigned(proof, assertionAlgs())
	if err != nil || len(parsed.Headers) != 1 {
		return nil, notAsserted("is not a JWT signed with RS384 or ES384")
	}
	header := parsed.Headers[0]
	var said jwt.Claims
	for _, k := range keysFor(set, header.KeyID, header.Algorithm) {
		if parsed.Claims(k.Key, &said) != nil {
			continue
		}
		if said.Issuer != client || said.Subject != client {
			return nil, notAsserted("has to name the client's id as iss and as sub")
		}
		if err := s.useOnce(ctx, client, &said, audience); err != nil {
			return nil, err
		}
		return &k, nil
	}
	return nil, notAsserted("was not signed with the key that its kid names")
}

// AddKey gives a JWK Set with one more key. text may be empty. The error is for the
// caller.
func AddKey(text string, key jose.JSONWebKey) (string, error) {
	var set jose.JSONWebKeySet
	if text != "" {
		parsed, err := ParseKeySet([]byte(text))
		if err != nil {
			return "", err
		}
		set = *parsed
	}
	digest, err := Thumbprint(key)
	if err != nil {
		return "", err
	}
	for _, k := range set.Keys {
		if other, err := Thumbprint(k); err != nil || other == digest {
			return "", errors.New("the key is registered already")
		}
		if k.KeyID == key.KeyID {
			return "", errors.New("another key with this kid is registered: choose another kid")
		}
	}
	set.Keys = append(set.Keys, key)
	if err := checkSize(&set); err != nil {
		return "", err
	}
	b, err := json.Marshal(set)
	return string(b), err
}

// RemoveKey gives a JWK Set without the key of a thumbprint, "" without any key left;
// false if it has no such key.
func RemoveKey(text, thumbprint string) (string, bool, error) {
	set, err := ParseKeySet([]byte(text))
	if err != nil {
		return "", false, err
	}
	var left jose.JSONWebKeySet
	for _, k := range set.Keys {
		if p, err := Thumbprint(k); err != nil || p != thumbprint {
			left.Keys = append(left.Keys, k)
		}
	}
	switch len(left.Keys) {
	case len(set.Keys):
		return text, false, nil
	case 0:
		return "", true, nil
	}
	b, err := json.Marshal(left)
	return string(b), true, err
}
