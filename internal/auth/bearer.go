package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"ab2d/internal/audit"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

// BearerError is a request that is not let in.
type BearerError struct {
	Status    int       // of the HTTP answer: 401 or 403
	Code      fhir.Code // of the issue in its OperationOutcome
	Text      string    // a sentence that tells the sponsor what to do
	Challenge string    // the WWW-Authenticate header; empty with 403
}

// Error gives the sentence.
func (e *BearerError) Error() string { return e.Text }

// Checker checks the access token of a request. All fields have to be set but
// Leeway and Outside. Safe for concurrent use.
type Checker struct {
	Issuer  string // the iss of the tokens
	Clients Clients
	Keys    *KeyRing
	Now     func() time.Time
	Leeway  time.Duration // how far the clocks of the processes may differ
	// Outside, if not nil, is whose tokens are taken instead of our own.
	Outside *Outside
}

// maxTokenBytes bounds what is read as a token; ours have about 500 bytes.
const maxTokenBytes = 8 << 10

// Check finds the client, and the scopes of its token, by a request's
// Authorization header. The client is looked up each time, so that one that
// was disabled is out at once, and so is a token by a secret or key that was
// removed. The error is a *BearerError, or wraps a fault of the stores.
func (c *Checker) Check(ctx context.Context, authorization string) (*Client, []string, error) {
	client, said, err := c.check(ctx, authorization, func(scopes []string) *BearerError {
		if mayRead(scopes) {
			return nil
		}
		return forbidden("The access token has no scope that lets it read claims: ask for " + Scope + " or system/*.read.")
	})
	if err != nil {
		return nil, nil, err
	}
	return client, said.Scopes, nil
}

// CheckAccount is Check for the account. It gives what the client proved itself with
// when it got the token, for people to read: "secret ID", "key KID" or "keys URL"; ""
// if that is not known.
func (c *Checker) CheckAccount(ctx context.Context, authorization string) (client *Client, by string, err error) {
	client, said, err := c.check(ctx, authorization, func(scopes []string) *BearerError {
		if slices.Contains(scopes, AccountScope) {
			return nil
		}
		return forbidden("The access token is not for the account: ask the token endpoint for the scope " + AccountScope + ", alone.")
	})
	if err != nil {
		return nil, "", err
	}
	return client, client.nameOf(said.Credential), nil
}

func (c *Checker) check(ctx context.Context, authorization string, permit func(scopes []string) *BearerError) (*Client, *claims, error) {
	token, refused := bearerToken(authorization)
	if refused != nil {
		return nil, nil, refused
	}
	said, err := c.verify(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	if refused := c.judge(said); refused != nil {
		return nil, nil, refused
	}
	if refused := permit(said.Scopes); refused != nil {
		return nil, nil, refused
	}
	client, err := find(ctx, c.Clients, said.Subject)
	switch {
	case errors.Is(err, ErrNoClient):
		return nil, nil, forbidden("The client of this access token is not known here any more.")
	case err != nil:
		return nil, nil, err
	}
	audit.FactsOf(ctx).SetClient(client.ID, client.Contract)
	obs.SetClient(ctx, client.ID)
	if why := client.barred(obs.CallerOf(ctx)); why != "" {
		return nil, nil, forbidden(why)
	}
	if !client.holds(said.Credential) {
		return nil, nil, invalidToken("The secret or key by which the access token was issued was removed")
	}
	return client, said, nil
}

// bearerToken takes the token from the header, RFC 6750 §2.1. The name of the
// scheme is case-insensitive, RFC 9110 §11.1.
func bearerToken(authorization string) (string, *BearerError) {
	scheme, token, _ := strings.Cut(strings.Trim(authorization, " \t"), " ")
	token = strings.Trim(token, " \t")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", &BearerError{
			Status: http.StatusUnauthorized, Code: fhir.CodeLogin, Challenge: "Bearer",
			Text: "There is no access token: get one from the token endpoint and send it in the header Authorization: Bearer {access_token}.",
		}
	}
	return token, nil
}

// verify reads what a token says, if it was signed with one of our keys. Only
// ES256 is believed, whatever the token's header asks for (RFC 8725 §3.1), and
// only keys of ours, whatever key the header brings along.
func (c *Checker) verify(ctx context.Context, token string) (*claims, error) {
	if len(token) > maxTokenBytes || !canonical(token) {
		return nil, invalidToken("The access token is malformed")
	}
	if c.Outside != nil {
		return c.Outside.verify(ctx, token)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, invalidToken("The access token is malformed")
	}
	key, err := c.Keys.Public(ctx, parsed.Headers[0].KeyID)
	if errors.Is(err, ErrNoKey) {
		return nil, invalidToken("The access token was not signed by this server")
	}
	if err != nil {
		return nil, err
	}
	said := new(claims)
	if err := parsed.Claims(key, said); err != nil {
		return nil, invalidToken("The access token was not signed by this server")
	}
	return said, nil
}

// canonical tells whether each part of a token is the only Base64url of its bytes
// (RFC 4648 §3.5): the bits that the last character has too many are zero. Otherwise
// one signature could be written in 16 ways, and a list of tokens that must not be
// accepted would miss 15.
func canonical(token string) bool {
	for part := range strings.SplitSeq(token, ".") {
		b, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || base64.RawURLEncoding.EncodedLen(len(b)) != len(part) { // Go skips line breaks
			return false
		}
	}
	return true
}

// judge decides about a token that is genuine.
func (c *Checker) judge(said *claims) *BearerError {
	now, issuer, audience, leeway := c.Now(), c.Issuer, Audience, c.Leeway
	if c.Outside != nil {
		issuer, audience, leeway = c.Outside.Issuer, c.Outside.Audience, c.Outside.Leeway
	}
	switch {
	case said.Issuer != issuer:
		return invalidToken("The access token has another issuer")
	case !said.Audience.Contains(audience):
		return invalidToken("The access token is for another audience")
	case said.Subject == "" || said.Expiry == nil:
		return invalidToken("The access token does not say whom it is for or when it expires")
	case said.NotBefore != nil && now.Add(leeway).Before(said.NotBefore.Time()):
		return invalidToken("The access token is not valid yet")
	case !now.Add(-leeway).Before(said.Expiry.Time()): // valid before exp, RFC 7519 §4.1.4
		return expired(said.Scopes)
	}
	return nil
}

// invalidToken refuses a token that we did not make like this, RFC 6750 §3.1.
func invalidToken(reason string) *BearerError {
	return &BearerError{
		Status: http.StatusUnauthorized, Code: fhir.CodeSecurity,
		Text:      reason + ": get one from the token endpoint and send it unchanged.",
		Challenge: `Bearer error="invalid_token", error_description="` + reason + `"`,
	}
}

// expired refuses a token that was good once. AB2D's clients get a new token
// when they see 403, and those of SMART Backend Services when they see 401.
func expired(scopes []string) *BearerError {
	e := invalidToken("The access token has expired")
	e.Code = fhir.CodeExpired
	e.Text = "The access token has expired: get a new one from the token endpoint and repeat the request."
	if slices.Contains(scopes, Scope) {
		e.Status, e.Challenge = http.StatusForbidden, ""
	}
	return e
}

func forbidden(text string) *BearerError {
	return &BearerError{Status: http.StatusForbidden, Code: fhir.CodeForbidden, Text: text}
}
