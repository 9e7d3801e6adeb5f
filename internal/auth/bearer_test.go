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

func TestBearerKeepsOut(t *testing.T) {
	w := newWorld(t)
	ours := w.store.keys[0]
	const login, invalid = "Bearer", `Bearer error="invalid_token"`
	type refusal struct {
		status    int
		code      fhir.Code
		challenge string // how it begins; empty: none
		says      string
	}
	malformed := refusal{401, fhir.CodeSecurity, invalid, "malformed"}
	foreign := refusal{401, fhir.CodeSecurity, invalid, "not signed by this server"}
	missing := refusal{401, fhir.CodeLogin, login, "no access token"}
	signed := func(change func(*claims)) func(*testing.T) string {
		return func(t *testing.T) string { return "Bearer " + w.token(t, change) }
	}
	header := func(s string) func(*testing.T) string { return func(*testing.T) string { return s } }

	for name, c := range map[string]struct {
		header func(*testing.T) string
		want   refusal
	}{
		"no header":       {header(""), missing},
		"no token":        {header("Bearer "), missing},
		"only the scheme": {header("Bearer"), missing},
		"Basic":           {header(sandboxBasic), missing},
		"scheme run on":   {header("Bearerx y"), missing},
		"garbage":         {header("Bearer garbage"), malformed},
		"three dots":      {header("Bearer a.b.c"), malformed},
		"spaces within":   {func(t *testing.T) string { return "Bearer a " + w.token(t, asTheyAre) }, malformed},
		"very long":       {signed(func(c *claims) { c.Scopes = []string{strings.Repeat("a", maxTokenBytes)} }), malformed},
		"five of six":     {func(t *testing.T) string { s := w.token(t, asTheyAre); return "Bearer " + s[:len(s)*5/6] }, refusal{401, fhir.CodeSecurity, invalid, "The access token"}},
		"JSON, not JWS":   {header(`Bearer {"payload":"e30","signatures":[]}`), malformed},
		"changed claims": {func(t *testing.T) string {
			return "Bearer " + replaced(t, w.token(t, asTheyAre), 1, map[string]any{"iss": issuer, "aud": "AB2D", "sub": "other", "exp": 1 << 40})
		}, foreign},
		"alg none": {func(t *testing.T) string {
			s := replaced(t, w.token(t, asTheyAre), 0, map[string]any{"alg": "none", "kid": ours.ID})
			return "Bearer " + s[:strings.LastIndex(s, ".")+1]
		}, malformed},
		"alg none, signed": {func(t *testing.T) string {
			return "Bearer " + replaced(t, w.token(t, asTheyAre), 0, map[string]any{"alg": "none", "kid": ours.ID})
		}, malformed},
		"HS256 by the public key": {func(t *testing.T) string {
			der, err := x509.MarshalPKIXPublicKey(ours.Private.Public())
			if err != nil {
				t.Fatal(err)
			}
			return "Bearer " + forge(t, w, jose.HS256, der, ours.ID, new(jose.SignerOptions))
		}, malformed},
		"HS256 by the point": {func(t *testing.T) string {
			point, err := ours.Private.PublicKey.Bytes()
			if err != nil || len(point) != 1+2*elliptic.P256().Params().BitSize/8 {
				t.Fatal(err)
			}
			return "Bearer " + forge(t, w, jose.HS256, point, ours.ID, new(jose.SignerOptions))
		}, malformed},
		"other key, our kid": {func(t *testing.T) string {
			return "Bearer " + forge(t, w, jose.ES256, freshKey(t, w).Private, ours.ID, new(jose.SignerOptions))
		}, foreign},
		"other key, other kid": {func(t *testing.T) string {
			k := freshKey(t, w)
			return "Bearer " + forge(t, w, jose.ES256, k.Private, k.ID, new(jose.SignerOptions))
		}, foreign},
		"key brought along": {func(t *testing.T) string {
			return "Bearer " + forge(t, w, jose.ES256, freshKey(t, w).Private, "", &jose.SignerOptions{EmbedJWK: true})
		}, foreign},
		"our key, no kid": {func(t *testing.T) string {
			return "Bearer " + forge(t, w, jose.ES256, ours.Private, "", new(jose.SignerOptions))
		}, foreign},
		"unknown crit": {func(t *testing.T) string {
			return "Bearer " + forge(t, w, jose.ES256, ours.Private, ours.ID, new(jose.SignerOptions).WithHeader("crit", []string{"x"}).WithHeader("x", 1))
		}, foreign},
		"other issuer":         {signed(func(c *claims) { c.Issuer += "x" }), refusal{401, fhir.CodeSecurity, invalid, "another issuer"}},
		"no issuer":            {signed(func(c *claims) { c.Issuer = "" }), refusal{401, fhir.CodeSecurity, invalid, "another issuer"}},
		"other audience":       {signed(func(c *claims) { c.Audience = jwt.Audience{"ab2d"} }), refusal{401, fhir.CodeSecurity, invalid, "another audience"}},
		"no audience":          {signed(func(c *claims) { c.Audience = nil }), refusal{401, fhir.CodeSecurity, invalid, "another audience"}},
		"no sub":               {signed(func(c *claims) { c.Subject = "" }), refusal{401, fhir.CodeSecurity, invalid, "does not say whom"}},
		"no exp":               {signed(func(c *claims) { c.Expiry = nil }), refusal{401, fhir.CodeSecurity, invalid, "does not say whom"}},
		"not yet valid":        {signed(func(c *claims) { c.NotBefore = jwt.NewNumericDate(w.clock.now().Add(time.Second)) }), refusal{401, fhir.CodeSecurity, invalid, "not valid yet"}},
		"expired just now":     {signed(func(c *claims) { c.Expiry = jwt.NewNumericDate(w.clock.now()) }), refusal{403, fhir.CodeExpired, "", "expired"}},
		"expired a second ago": {signed(func(c *claims) { c.Expiry = jwt.NewNumericDate(w.clock.now().Add(-time.Second)) }), refusal{403, fhir.CodeExpired, "", "expired"}},
		"expired, SMART":       {signed(func(c *claims) { c.Expiry, c.Scopes = jwt.NewNumericDate(w.clock.now()), []string{"system/*.read"} }), refusal{401, fhir.CodeExpired, invalid, "expired"}},
		"expired, both": {signed(func(c *claims) {
			c.Expiry, c.Scopes = jwt.NewNumericDate(w.clock.now()), []string{"system/*.read", Scope}
		}), refusal{403, fhir.CodeExpired, "", "expired"}},
		"expired, other issuer": {signed(func(c *claims) { c.Expiry, c.Issuer = jwt.NewNumericDate(w.clock.now()), "x" }), refusal{401, fhir.CodeSecurity, invalid, "another issuer"}},
		"unknown client":        {signed(func(c *claims) { c.Subject = "nobody" }), refusal{403, fhir.CodeForbidden, "", "not known"}},
		"sub with a NUL":        {signed(func(c *claims) { c.Subject = "a\x00" }), refusal{403, fhir.CodeForbidden, "", "not known"}},
		"disabled client":       {signed(func(c *claims) { c.Subject = "disabled" }), refusal{403, fhir.CodeForbidden, "", "disabled"}},
	} {
		t.Run(name, func(t *testing.T) {
			client, _, err := w.checker.Check(t.Context(), c.header(t))
			got := (*BearerError)(nil)
			if !errors.As(err, &got) {
				t.Fatalf("%v, %v: not a BearerError", client, err)
			}
			if got.Status != c.want.status || got.Code != c.want.code || !strings.Contains(got.Text, c.want.says) ||
				!strings.HasPrefix(got.Challenge, c.want.challenge) || (got.Challenge == "") != (c.want.challenge == "") ||
				(c.want.challenge == login && got.Challenge != login) {
				t.Errorf("got %+v\nwant %+v", *got, c.want)
			}
		})
	}
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
