package auth

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// A token says which credential its client proved itself with, so that it ends when
// that is removed: "secret:ID", "key:THUMBPRINT" of a registered key, or "url:DIGEST" of
// the address of the client's keys. A secret that has expired is not removed: tokens
// that it was used for stay valid until they expire, so that no request fails because of
// a rotation.
const (
	secretKind = "secret"
	keyKind    = "key"
	urlKind    = "url"
)

func secretMarkOf(id string) string { return secretKind + ":" + id }

// keyMarkOf names a key of a client.
func keyMarkOf(c *Client, k jose.JSONWebKey) (string, error) {
	if c.KeysURL != "" {
		return urlKind + ":" + digestOf(c.KeysURL), nil
	}
	digest, err := Thumbprint(k)
	return keyKind + ":" + digest, err
}

func digestOf(s string) string {
	d := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(d[:16])
}

// Thumbprint names a public key by its thumbprint, RFC 7638, in Base64url.
func Thumbprint(k jose.JSONWebKey) (string, error) {
	d, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("the thumbprint of a key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(d), nil
}

// holds tells whether a client still has the credential that a token names. Tokens
// that name none are of an earlier release or another issuer.
func (c *Client) holds(credential string) bool {
	if credential == "" {
		return true
	}
	return c.nameOf(credential) != ""
}

// nameOf writes a credential of the client for people; "" if the client does not have it.
func (c *Client) nameOf(credential string) string {
	kind, name, _ := strings.Cut(credential, ":")
	switch kind {
	case secretKind:
		if slices.ContainsFunc(c.Secrets, func(s Secret) bool { return s.ID == name }) {
			return "secret " + name
		}
	case keyKind:
		keys, err := c.RegisteredKeys()
		if err != nil {
			return ""
		}
		for _, k := range keys {
			if digest, err := Thumbprint(k); err == nil && digest == name {
				return "key " + k.KeyID
			}
		}
	case urlKind:
		if c.KeysURL != "" && digestOf(c.KeysURL) == name {
			return "keys " + c.KeysURL
		}
	}
	return ""
}

// RegisteredKeys are the keys of the client's KeySet; none if it is empty.
func (c *Client) RegisteredKeys() ([]jose.JSONWebKey, error) {
	if c.KeySet == "" {
		return nil, nil
	}
	set, err := ParseKeySet([]byte(c.KeySet))
	if err != nil {
		return nil, fmt.Errorf("read the keys of client %s: %w", c.ID, err)
	}
	return set.Keys, nil
}
