package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Key signs tokens with ES256.
type Key struct {
	ID      string            // the kid of its tokens
	Private *ecdsa.PrivateKey `json:"-"` // on P-256
	Created time.Time
}

// NewKey makes a key. Its id is the key's thumbprint, RFC 7638.
func NewKey(now time.Time) (Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("making a signing key: %w", err)
	}
	public := jose.JSONWebKey{Key: private.Public()}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return Key{}, fmt.Errorf("naming a signing key: %w", err)
	}
	return Key{ID: base64.RawURLEncoding.EncodeToString(thumbprint), Private: private, Created: now}, nil
}

// String names the key without showing it.
func (k Key) String() string { return "key " + k.ID }

// GoString names the key without showing it.
func (k Key) GoString() string { return k.String() }

// StoredKey is a key as it is kept: encrypted.
type StoredKey struct {
	ID      string
	Sealed  string
	Created time.Time
}

// Store encrypts a key, to be stored.
func (k Key) Store(s *Seal) (StoredKey, error) {
	private, err := k.marshalPEM()
	if err != nil {
		return StoredKey{}, err
	}
	return StoredKey{ID: k.ID, Sealed: s.seal(k.ID, private), Created: k.Created}, nil
}

func (k StoredKey) isSealed() bool { return strings.HasPrefix(k.Sealed, sealMark) }

// open reads a stored key.
func (k StoredKey) open(s *Seal) (Key, error) {
	private, err := s.open(k.ID, k.Sealed)
	if err != nil {
		return Key{}, fmt.Errorf("reading signing key %s: %w", k.ID, err)
	}
	return parseKey(k.ID, k.Created, private)
}

// pemType is the label of a PKCS #8 private key, RFC 7468 §10.
const pemType = "PRIVATE KEY"

// marshalPEM writes the private key as PKCS #8 in PEM.
func (k Key) marshalPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, fmt.Errorf("encoding signing key %s: %w", k.ID, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// parseKey reads a stored key. The error does not show what was stored.
func parseKey(id string, created time.Time, private []byte) (Key, error) {
	block, _ := pem.Decode(private)
	if block == nil || block.Type != pemType {
		return Key{}, fmt.Errorf("reading signing key %s: it is not a private key in PEM", id)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("reading signing key %s: %w", id, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return Key{}, fmt.Errorf("reading signing key %s: it is not a key for ES256", id)
	}
	return Key{ID: id, Private: key, Created: created}, nil
}
