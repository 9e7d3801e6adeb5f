package auth

import (
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"ab2d/internal/fhir"
)

// forge makes a token with a key and an algorithm of the test's choice.
func forge(t *testing.T, w *world, alg jose.SignatureAlgorithm, key any, kid string, o *jose.SignerOptions) string {
	t.Helper()
	if kid != "" {
		o = o.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(newClaims(issuer, sandboxID, []string{Scope}, w.clock.now(), DefaultLifetime)).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func freshKey(t *testing.T, w *world) Key {
	t.Helper()
	k, err := NewKey(w.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// replaced puts other JSON in the place of a part of the token.
func replaced(t *testing.T, token string, part int, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	parts[part] = base64.RawURLEncoding.EncodeToString(b)
	return strings.Join(parts, ".")
}

func TestBearerLetsIn(t *testing.T) {
	w := newWorld(t)
	token := w.token(t, asTheyAre)
	for _, header := range []string{"Bearer " + token, "bearer " + token, "BEARER   " + token + " "} {
		if client, _, err := w.checker.Check(t.Context(), header); err != nil || client.ID != sandboxID {
			t.Errorf("%.10s: %v, %v", header, client, err)
		}
	}
	notBefore := w.token(t, func(c *claims) { c.NotBefore = jwt.NewNumericDate(w.clock.now()) })
	if _, _, err := w.checker.Check(t.Context(), "Bearer "+notBefore); err != nil {
		t.Errorf("valid from now on: %v", err)
	}
	w.clock.move(DefaultLifetime - time.Millisecond)
	if _, _, err := w.checker.Check(t.Context(), "Bearer "+token); err != nil {
		t.Errorf("in the last moment: %v", err)
	}
	w.clock.move(time.Second)
	w.checker.Leeway = time.Second
	if _, _, err := w.checker.Check(t.Context(), "Bearer "+token); err != nil {
		t.Errorf("within the leeway: %v", err)
	}
}

// rejection is how a token is rejected.
type rejection struct {
	status    int
	code      fhir.Code
	challenge string // how it begins; empty: none
	says      string
}

const challengeLogin, challengeInvalid = "Bearer", `Bearer error="invalid_token"`

// malformed, foreign and missing are those of many tokens.
func malformed() rejection { return rejection{401, fhir.CodeSecurity, challengeInvalid, "malformed"} }
func foreign() rejection {
	return rejection{401, fhir.CodeSecurity, challengeInvalid, "not signed by this server"}
}
func missing() rejection { return rejection{401, fhir.CodeLogin, challengeLogin, "no access token"} }

// bearerCase is an Authorization header, made for the test, and what it gets.
type bearerCase struct {
	header func(*testing.T) string
	want   rejection
}

func (w *world) signed(change func(*claims)) func(*testing.T) string {
	return func(t *testing.T) string { return "Bearer " + w.token(t, change) }
}

func (w *world) wantRejected(t *testing.T, cases map[string]bearerCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client, _, err := w.checker.Check(t.Context(), c.header(t))
			got := (*BearerError)(nil)
			if !errors.As(err, &got) {
				t.Fatalf("%v, %v: not a BearerError", client, err)
			}
			if got.Status != c.want.status || got.Code != c.want.code || !strings.Contains(got.Text, c.want.says) ||
				!strings.HasPrefix(got.Challenge, c.want.challenge) || (got.Challenge == "") != (c.want.challenge == "") ||
				(c.want.challenge == challengeLogin && got.Challenge != challengeLogin) {
				t.Errorf("got %+v\nwant %+v", *got, c.want)
			}
		})
	}
}

// TestBearer_NoToken: what is no token is told from what is a bad one.
func TestBearer_NoToken(t *testing.T) {
	w := newWorld(t)
	header := func(s string) func(*testing.T) string { return func(*testing.T) string { return s } }
	w.wantRejected(t, map[string]bearerCase{
		"no header":       {header(""), missing()},
		"no token":        {header("Bearer "), missing()},
		"only the scheme": {header("Bearer"), missing()},
		"Basic":           {header(sandboxBasic), missing()},
		"scheme run on":   {header("Bearerx y"), missing()},
		"garbage":         {header("Bearer garbage"), malformed()},
		"three dots":      {header("Bearer a.b.c"), malformed()},
		"spaces within":   {func(t *testing.T) string { return "Bearer a " + w.token(t, asTheyAre) }, malformed()},
		"very long":       {w.signed(func(c *claims) { c.Scopes = []string{strings.Repeat("a", maxTokenBytes)} }), malformed()},
		"five of six":     {func(t *testing.T) string { s := w.token(t, asTheyAre); return "Bearer " + s[:len(s)*5/6] }, rejection{401, fhir.CodeSecurity, challengeInvalid, "The access token"}},
		"JSON, not JWS":   {header(`Bearer {"payload":"e30","signatures":[]}`), malformed()},
	})
}

// TestBearer_Forged: only this server's keys, by its algorithm, sign tokens.
func TestBearer_Forged(t *testing.T) {
	w := newWorld(t)
	ours := w.store.keys[0]
	w.wantRejected(t, map[string]bearerCase{
		"changed claims": {func(t *testing.T) string {
			return "Bearer " + replaced(t, w.token(t, asTheyAre), 1, map[string]any{"iss": issuer, "aud": "AB2D", "sub": "other", "exp": 1 << 40})
		}, foreign()},
		"alg none": {func(t *testing.T) string {
			s := replaced(t, w.token(t, asTheyAre), 0, map[string]any{"alg": "none", "kid": ours.ID})
			return "Bearer " + s[:strings.LastIndex(s, ".")+1]
		}, malformed()},
		"alg none, signed": {func(t *testing.T) string {
			return "Bearer " + replaced(t, w.token(t, asTheyAre), 0, map[string]any{"alg": "none", "kid": ours.ID})
		}, malformed()},
		"HS256 by the public key": {func(t *testing.T) string {
			der, err := x509.MarshalPKIXPublicKey(ours.Private.Public())
			if err != nil {
				t.Fatal(err)
			}
			return "Bearer " + forge(t, w, jose.HS256, der, ours.ID, new(jose.SignerOptions))
		}, malformed()},
		"HS256 by the point": {func(t *testing.T) string {
			point, err := ours.Private.PublicKey.Bytes()
			if err != nil || len(point) != 1+2*elliptic.P256().Params().BitSize/8 {
				t.Fatal(err)
			}
			return "Bearer " + forge(t, w, jose.HS256, point, ours.ID, new(jose.SignerOptions))
		}, malformed()},
		"other key, our kid": {func(t *testing.T) string {
			return "Bearer " + forge(t, w, jose.ES256, freshKey(t, w).Private, ours.ID, new(jose.SignerOptions))
		}, foreign()},
		"other key, other kid": {func(t *testing.T) string {
			k := freshKey(t, w)
			return "Bearer " + forge(t, w, jose.ES256, k.Private, k.ID, new(jose.SignerOptions))
		}, foreign()},
		"key brought along": {func(t *testing.T) string {
			return "Bearer " + forge(t, w, jose.ES256, freshKey(t, w).Private, "", &jose.SignerOptions{EmbedJWK: true})
		}, foreign()},
		"our key, no kid": {func(t *testing.T) string {
			return "Bearer " + forge(t, w, jose.ES256, ours.Private, "", new(jose.SignerOptions))
		}, foreign()},
		"unknown crit": {func(t *testing.T) string {
			return "Bearer " + forge(t, w, jose.ES256, ours.Private, ours.ID, new(jose.SignerOptions).WithHeader("crit", []string{"x"}).WithHeader("x", 1))
		}, foreign()},
	})
}

// TestBearer_BadClaims: a signed token is rejected for what it says.
func TestBearer_BadClaims(t *testing.T) {
	w := newWorld(t)
	w.wantRejected(t, map[string]bearerCase{
		"other issuer":         {w.signed(func(c *claims) { c.Issuer += "x" }), rejection{401, fhir.CodeSecurity, challengeInvalid, "another issuer"}},
		"no issuer":            {w.signed(func(c *claims) { c.Issuer = "" }), rejection{401, fhir.CodeSecurity, challengeInvalid, "another issuer"}},
		"other audience":       {w.signed(func(c *claims) { c.Audience = jwt.Audience{"ab2d"} }), rejection{401, fhir.CodeSecurity, challengeInvalid, "another audience"}},
		"no audience":          {w.signed(func(c *claims) { c.Audience = nil }), rejection{401, fhir.CodeSecurity, challengeInvalid, "another audience"}},
		"no sub":               {w.signed(func(c *claims) { c.Subject = "" }), rejection{401, fhir.CodeSecurity, challengeInvalid, "does not say whom"}},
		"no exp":               {w.signed(func(c *claims) { c.Expiry = nil }), rejection{401, fhir.CodeSecurity, challengeInvalid, "does not say whom"}},
		"not yet valid":        {w.signed(func(c *claims) { c.NotBefore = jwt.NewNumericDate(w.clock.now().Add(time.Second)) }), rejection{401, fhir.CodeSecurity, challengeInvalid, "not valid yet"}},
		"expired just now":     {w.signed(func(c *claims) { c.Expiry = jwt.NewNumericDate(w.clock.now()) }), rejection{403, fhir.CodeExpired, "", "expired"}},
		"expired a second ago": {w.signed(func(c *claims) { c.Expiry = jwt.NewNumericDate(w.clock.now().Add(-time.Second)) }), rejection{403, fhir.CodeExpired, "", "expired"}},
		"expired, SMART":       {w.signed(func(c *claims) { c.Expiry, c.Scopes = jwt.NewNumericDate(w.clock.now()), []string{"system/*.read"} }), rejection{401, fhir.CodeExpired, challengeInvalid, "expired"}},
		"expired, both": {w.signed(func(c *claims) {
			c.Expiry, c.Scopes = jwt.NewNumericDate(w.clock.now()), []string{"system/*.read", Scope}
		}), rejection{403, fhir.CodeExpired, "", "expired"}},
		"expired, other issuer": {w.signed(func(c *claims) { c.Expiry, c.Issuer = jwt.NewNumericDate(w.clock.now()), "x" }), rejection{401, fhir.CodeSecurity, challengeInvalid, "another issuer"}},
		"unknown client":        {w.signed(func(c *claims) { c.Subject = "nobody" }), rejection{403, fhir.CodeForbidden, "", "not known"}},
		"sub with a NUL":        {w.signed(func(c *claims) { c.Subject = "a\x00" }), rejection{403, fhir.CodeForbidden, "", "not known"}},
		"no scope":              {w.signed(func(c *claims) { c.Scopes = nil }), rejection{403, fhir.CodeForbidden, "", "no scope that lets it read claims"}},
		"a scope of writing":    {w.signed(func(c *claims) { c.Scopes = []string{"system/*.write"} }), rejection{403, fhir.CodeForbidden, "", "no scope that lets it read claims"}},
		"disabled client":       {w.signed(func(c *claims) { c.Subject = "disabled" }), rejection{403, fhir.CodeForbidden, "", "disabled"}},
	})
}

func TestDisablingWorksAtOnce(t *testing.T) {
	w := newWorld(t)
	header := "Bearer " + w.token(t, asTheyAre)
	if _, _, err := w.checker.Check(t.Context(), header); err != nil {
		t.Fatal(err)
	}
	w.store.put(Client{ID: sandboxID, Contract: "Z0000"})
	_, _, err := w.checker.Check(t.Context(), header)
	if got := (*BearerError)(nil); !errors.As(err, &got) || got.Status != 403 {
		t.Errorf("disabled meanwhile: %v", err)
	}
}

func TestCheckHandsOnFaults(t *testing.T) {
	w := newWorld(t)
	header := "Bearer " + w.token(t, asTheyAre)
	fault := errors.New("disk on fire")
	w.store.fail(fault)
	if _, _, err := w.checker.Check(t.Context(), header); !errors.Is(err, fault) {
		t.Errorf("looking up the client: %v", err)
	}
	w.clock.move(maxKeyAge)
	if _, _, err := w.checker.Check(t.Context(), header); !errors.Is(err, fault) {
		t.Errorf("loading the keys: %v", err)
	}
}

// FuzzCheck: whatever the header, the answer is the client of a genuine token
// or a refusal that can be sent as it is.
func FuzzCheck(f *testing.F) {
	w := newWorld(f)
	token := w.token(f, asTheyAre)
	f.Add("Bearer " + token)
	f.Add("Bearer " + w.token(f, func(c *claims) { c.Expiry = nil }))
	f.Add("Bearer " + token[:len(token)-4])
	f.Add("Bearer eyJhbGciOiJub25lIn0.e30.")
	f.Add(sandboxBasic)
	f.Add("")
	f.Fuzz(func(t *testing.T, header string) {
		client, scopes, err := w.checker.Check(t.Context(), header)
		if err == nil {
			if client.ID != sandboxID || len(scopes) != 1 || scopes[0] != Scope {
				t.Fatalf("let in %v with %v", client, scopes)
			}
			return
		}
		refused := (*BearerError)(nil)
		if !errors.As(err, &refused) {
			t.Fatalf("%v: not a BearerError", err)
		}
		if refused.Status != 401 && refused.Status != 403 || !printable(refused.Challenge) || !printable(refused.Text) {
			t.Fatalf("%+v", refused)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	w := newWorld(b)
	header := "Bearer " + w.token(b, asTheyAre)
	for b.Loop() {
		if _, _, err := w.checker.Check(b.Context(), header); err != nil {
			b.Fatal(err)
		}
	}
}
