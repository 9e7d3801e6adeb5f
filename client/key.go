package client

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// assertionLife is how long a signed assertion may be used: SMART Backend
// Services allows five minutes, and clocks differ.
const assertionLife = 4 * time.Minute

// minRSA is the shortest RSA key that RFC 7518 §3.3 allows.
const minRSA = 2048

// Key is a private key that a client proves itself with, instead of a secret
// (private_key_jwt of RFC 7523, as SMART Backend Services wants it). Formatted
// with package fmt it shows its id only. Safe for concurrent use.
type Key struct {
	id     string
	signer jose.Signer
	public jose.JSONWebKey
}

// ParseKey reads an RSA key of 2048 bits or more, for RS384, or an elliptic
// one on P-384, for ES384. It takes PEM (PKCS #8, PKCS #1 or SEC 1, not
// encrypted), a JWK, or a JWK set with one private key. id is the kid that the
// server knows the key by; when it is empty, the JWK's kid, or the key's
// thumbprint (RFC 7638). Its errors never quote the input.
func ParseKey(data []byte, id string) (*Key, error) {
	k, err := parsePrivate(data, id)
	if err != nil {
		return nil, fmt.Errorf("reading the private key: %w", err)
	}
	alg, err := algorithm(k.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the private key: %w", err)
	}
	if id != "" {
		k.KeyID = id
	}
	if k.KeyID == "" {
		public := k.Public()
		sum, err := public.Thumbprint(crypto.SHA256)
		if err != nil {
			return nil, errors.New("reading the private key: it has no thumbprint")
		}
		k.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: k.Key, KeyID: k.KeyID}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, errors.New("reading the private key: it cannot be used to sign")
	}
	public := jose.JSONWebKey{Key: k.Public().Key, KeyID: k.KeyID, Algorithm: string(alg), Use: "sig"}
	return &Key{id: k.KeyID, signer: signer, public: public}, nil
}

// ID is the key's kid.
func (k *Key) ID() string { return k.id }

// PublicJWK is the public half as a JWK (RFC 7517), in JSON, to register it at a server.
func (k *Key) PublicJWK() ([]byte, error) {
	b, err := json.Marshal(k.public)
	if err != nil {
		return nil, fmt.Errorf("writing the public key: %w", err)
	}
	return b, nil
}

// Prove signs that a client has the key, for the server that is to register it: a JWT
// like that of private_key_jwt, but for another audience, that can be used for four
// minutes from now.
func (k *Key) Prove(client, audience string, now time.Time) (string, error) {
	proof, err := k.assertion(client, audience, now)
	if err != nil {
		return "", errors.New("the proof could not be signed")
	}
	return proof, nil
}

// Format shows the key's id.
func (k *Key) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "key %q", k.id) }

// parsePrivate reads the key in whichever form it has.
func parsePrivate(data []byte, id string) (jose.JSONWebKey, error) {
	if block, _ := pem.Decode(data); block != nil {
		return parsePEM(block)
	}
	var set jose.JSONWebKeySet
	if json.Unmarshal(data, &set) == nil && len(set.Keys) > 0 {
		var found []jose.JSONWebKey
		for _, k := range set.Keys {
			if !k.IsPublic() && k.Valid() && (id == "" || k.KeyID == id) {
				found = append(found, k)
			}
		}
		if len(found) != 1 {
			return jose.JSONWebKey{}, fmt.Errorf("the set has %d private keys that fit; name one by its kid", len(found))
		}
		return found[0], nil
	}
	var k jose.JSONWebKey
	if err := json.Unmarshal(data, &k); err != nil {
		return k, errors.New("it is neither PEM nor a JWK")
	}
	if k.IsPublic() {
		return k, errors.New("it is a public key")
	}
	return k, nil
}

func parsePEM(block *pem.Block) (jose.JSONWebKey, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		err = errors.New("it is encrypted; decrypt it first, for example with openssl pkey")
	default:
		err = fmt.Errorf("the PEM block is a %s, not a private key", Printable(block.Type, 40))
	}
	return jose.JSONWebKey{Key: key}, err
}

// algorithm is what SMART Backend Services has every server understand.
func algorithm(key any) (jose.SignatureAlgorithm, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() < minRSA {
			return "", fmt.Errorf("it is an RSA key of %d bits; %d or more are needed", k.N.BitLen(), minRSA)
		}
		return jose.RS384, nil
	case *ecdsa.PrivateKey:
		if k.Curve != elliptic.P384() {
			return "", fmt.Errorf("it is on the curve %s; use P-384 (openssl ecparam -name secp384r1 -genkey)", k.Curve.Params().Name)
		}
		return jose.ES384, nil
	}
	return "", errors.New("it is neither RSA nor elliptic on P-384")
}

// assertion says, signed, that this client asks an endpoint for a token now
// (SMART Backend Services, "Authentication JWT Claims").
func (k *Key) assertion(client, endpoint string, now time.Time) (string, error) {
	id := make([]byte, 16)
	if _, err := io.ReadFull(rand.Reader, id); err != nil {
		return "", err
	}
	return jwt.Signed(k.signer).Claims(map[string]any{
		"iss": client, "sub": client, "aud": endpoint, "iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
		"jti": base64.RawURLEncoding.EncodeToString(id),
	}).Serialize()
}
