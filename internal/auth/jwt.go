package auth

import (
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

// Audience is the aud of the tokens.
const Audience = "AB2D"

// claims are what a token says, RFC 7519 §4.1 and, as AB2D's tokens do, cid
// and scp.
type claims struct {
	jwt.Claims
	ClientID string   `json:"cid"`
	Scopes   []string `json:"scp"`
	// Credential is what the client proved itself with, as Client.holds knows it. It is
	// empty in tokens of earlier releases, and in those of other issuers.
	Credential string `json:"cred,omitempty"`
}

// newClaims says that a client was let in.
func newClaims(issuer, client string, scopes []string, now time.Time, lifetime time.Duration) claims {
	return claims{
		Claims: jwt.Claims{
			Issuer: issuer, Audience: jwt.Audience{Audience}, Subject: client, ID: uuid.NewString(),
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(lifetime)),
		},
		ClientID: client, Scopes: scopes,
	}
}

// sign makes a token.
func (k Key) sign(c claims) (string, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: k.Private, KeyID: k.ID}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("signing a token with key %s: %w", k.ID, err)
	}
	token, err := jwt.Signed(signer).Claims(c).Serialize()
	if err != nil {
		return "", fmt.Errorf("signing a token with key %s: %w", k.ID, err)
	}
	return token, nil
}
