package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"ab2d/internal/audit"
)

// keyholder is a client with keys of its own.
type keyholder struct {
	es384 *ecdsa.PrivateKey
	rs384 *rsa.PrivateKey
}

func newKeyholder(t testing.TB, w *world) keyholder {
	t.Helper()
	var k keyholder
	var err error
	if k.es384, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if k.rs384, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	w.store.put(Client{ID: "keyholder", Contract: "Z0000", KeySet: k.set(t), Enabled: true, MaxJobs: 1})
	return k
}

func (k keyholder) set(t testing.TB) string {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: k.es384.Public(), KeyID: "e", Algorithm: "ES384", Use: "sig"}, {Key: k.rs384.Public(), KeyID: "r"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// assertion makes one as SMART describes it, changed as the test wishes.
func (w *world) assertion(t testing.TB, alg jose.SignatureAlgorithm, key any, kid string, change func(*jwt.Claims), headers ...any) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		o = o.WithHeader("kid", kid)
	}
	for i := 0; i < len(headers); i += 2 {
		o = o.WithHeader(jose.HeaderKey(headers[i].(string)), headers[i+1])
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	c := jwt.Claims{Issuer: "keyholder", Subject: "keyholder", Audience: jwt.Audience{issuer + TokenPath}, ID: uuid.NewString(),
		Expiry: jwt.NewNumericDate(w.clock.now().Add(4 * time.Minute))}
	change(&c)
	s, err := jwt.Signed(signer).Claims(c).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func same(*jwt.Claims) {}

// assert asks for a token with an assertion.
func (w *world) assert(t testing.TB, assertion string, more ...string) (*http.Response, string) {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"system/*.rs"}, "client_assertion_type": {assertionType}, "client_assertion": {assertion}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return call{method: "POST", body: form.Encode(), contentType: formType}.do(t.(*testing.T), w.url+TokenPath)
}

func TestAssertions(t *testing.T) {
	w := newWorld(t)
	k := newKeyholder(t, w)
	for _, a := range []string{
		w.assertion(t, jose.ES384, k.es384, "e", same), w.assertion(t, jose.RS384, k.rs384, "r", same),
		w.assertion(t, jose.ES384, k.es384, "e", func(c *jwt.Claims) { c.Audience = jwt.Audience{issuer} }),
	} {
		resp, body := w.assert(t, a)
		var g grant
		if err := json.Unmarshal([]byte(body), &g); err != nil || resp.StatusCode != http.StatusOK || g.Scope != "system/*.rs" {
			t.Fatalf("%s %s", resp.Status, body)
		}
		if c, _, err := w.checker.Check(t.Context(), "Bearer "+g.AccessToken); err != nil || c.ID != "keyholder" {
			t.Errorf("%v, %v", c, err)
		}
		if resp, body := w.assert(t, a); resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "used before") {
			t.Errorf("replayed: %s %s", resp.Status, body)
		}
	}
	last := w.store.record[len(w.store.record)-1]
	if last.Event != audit.TokenGranted || last.Client != "keyholder" || !strings.Contains(last.Detail, "private_key_jwt") {
		t.Errorf("on record: %+v", last)
	}
}

// TestAssertionWithoutScope: SMART Backend Services wants that the client asks.
func TestAssertionWithoutScope(t *testing.T) {
	w := newWorld(t)
	k := newKeyholder(t, w)
	w.store.put(Client{ID: "keyholder", Contract: "Z0000", KeySet: k.set(t), Enabled: true, MaxJobs: 1})
	for _, scope := range []string{"", " "} {
		resp, body := w.assert(t, w.assertion(t, jose.ES384, k.es384, "e", same), "scope", scope)
		checkRefusal(t, resp, body, 400, InvalidScope, "scope is missing")
	}
}

// holders makes a client with keys, one that is disabled, and keys of a stranger.
func holders(t *testing.T) (w *world, k, stranger keyholder, es func(change func(*jwt.Claims), headers ...any) string) {
	w = newWorld(t)
	stranger = newKeyholder(t, w) // whose keys are replaced below
	k = newKeyholder(t, w)
	w.store.put(Client{ID: "keyholder", Contract: "Z0000", KeySet: k.set(t), Enabled: true, MaxJobs: 1})
	w.store.put(Client{ID: "barred", Contract: "Z0000", KeySet: k.set(t), MaxJobs: 1})
	return w, k, stranger, func(change func(*jwt.Claims), headers ...any) string {
		return w.assertion(t, jose.ES384, k.es384, "e", change, headers...)
	}
}

// wantInvalidClient wants that no assertion gets a token.
func (w *world) wantInvalidClient(t *testing.T, assertions map[string]string) {
	t.Helper()
	for what, a := range assertions {
		if resp, body := w.assert(t, a); resp.StatusCode != http.StatusUnauthorized && (what != "empty" || resp.StatusCode != 400) || !strings.Contains(body, "invalid_client") {
			t.Errorf("%s: %s %s", what, resp.Status, body)
		}
	}
}

// TestAssertions_BadSignature: only the client's registered keys sign for it.
func TestAssertions_BadSignature(t *testing.T) {
	w, k, stranger, es := holders(t)
	good := es(same)
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	w.wantInvalidClient(t, map[string]string{
		"another's key":       w.assertion(t, jose.ES384, stranger.es384, "e", same),
		"no kid":              w.assertion(t, jose.ES384, k.es384, "", same),
		"unknown kid":         w.assertion(t, jose.ES384, k.es384, "x", same),
		"the other key's kid": w.assertion(t, jose.ES384, k.es384, "r", same),
		"RS256":               w.assertion(t, jose.RS256, k.rs384, "r", same),
		"PS384":               w.assertion(t, jose.PS384, k.rs384, "r", same),
		"HS384 by the set":    w.assertion(t, jose.HS384, []byte(k.set(t)), "r", same),
		"unregistered RSA":    w.assertion(t, jose.RS384, small, "r", same),
		"a jku":               es(same, "jku", "https://evil.example/keys"),
		"a key in it":         w.assertion(t, jose.ES384, stranger.es384, "e", same, "jwk", jose.JSONWebKey{Key: stranger.es384.Public(), KeyID: "e"}),
		"none":                replaced(t, good, 0, map[string]string{"alg": "none", "kid": "e"}),
		"changed":             replaced(t, good, 1, map[string]any{"iss": "keyholder", "sub": "keyholder", "aud": issuer, "jti": "1", "exp": w.clock.now().Add(time.Minute).Unix()}),
		"garbage":             "a.b.c",
		"empty":               "",
	})
	if resp, body := w.assert(t, good); resp.StatusCode != http.StatusOK {
		t.Errorf("the good one: %s %s", resp.Status, body)
	}
}

// TestAssertions_BadClaims: who, for whom and until when must be said, and true.
func TestAssertions_BadClaims(t *testing.T) {
	w, _, _, es := holders(t)
	w.wantInvalidClient(t, map[string]string{
		"unknown client":      es(func(c *jwt.Claims) { c.Issuer, c.Subject = "nobody", "nobody" }),
		"other iss":           es(func(c *jwt.Claims) { c.Issuer = sandboxID }),
		"no sub":              es(func(c *jwt.Claims) { c.Issuer, c.Subject = "", "" }),
		"client without keys": es(func(c *jwt.Claims) { c.Issuer, c.Subject = sandboxID, sandboxID }),
		"disabled":            es(func(c *jwt.Claims) { c.Issuer, c.Subject = "barred", "barred" }),
		"other audience":      es(func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://elsewhere.example/token"} }),
		"no exp":              es(func(c *jwt.Claims) { c.Expiry = nil }),
		"expired":             es(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(w.clock.now().Add(-assertionLeeway)) }),
		"too far ahead": es(func(c *jwt.Claims) {
			c.Expiry = jwt.NewNumericDate(w.clock.now().Add(assertionLife + assertionLeeway + time.Second))
		}),
		"not yet": es(func(c *jwt.Claims) { c.NotBefore = jwt.NewNumericDate(w.clock.now().Add(time.Minute)) }),
		"no jti":  es(func(c *jwt.Claims) { c.ID = "" }),
	})
}

// TestAssertions_TwoMethods: a client authenticates in one way, as itself.
func TestAssertions_TwoMethods(t *testing.T) {
	w, _, _, es := holders(t)
	for what, more := range map[string][]string{
		"a secret too": {"client_secret", "x"}, "another type": {"client_assertion_type", "x"},
	} {
		if resp, body := w.assert(t, es(same), more...); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s %s", what, resp.Status, body)
		}
	}
	if resp, _ := w.assert(t, es(same), "client_id", sandboxID); resp.StatusCode != http.StatusUnauthorized {
		t.Error("another client_id is taken")
	}
}

// TestKeysAtAURL: keys that are put there are found, keys that are taken away
// are forgotten, and made-up kids do not make us hammer the client's server.
func TestKeysAtAURL(t *testing.T) {
	w := newWorld(t)
	k := newKeyholder(t, w)
	set, asked, down := k.set(t), 0, false
	s := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		asked++
		if down {
			http.Error(rw, "down", http.StatusBadGateway)
			return
		}
		rw.Write([]byte(set))
	}))
	defer s.Close()
	w.server.Fetch.client.Transport = s.Client().Transport
	w.store.put(Client{ID: "keyholder", Contract: "Z0000", KeysURL: s.URL + "/jwks", Enabled: true, MaxJobs: 1})
	try := func(want int) {
		t.Helper()
		if resp, body := w.assert(t, w.assertion(t, jose.ES384, k.es384, "e", same, "jku", s.URL+"/jwks")); resp.StatusCode != want {
			t.Errorf("%s %s, want %d", resp.Status, body, want)
		}
	}
	try(http.StatusOK)
	try(http.StatusOK)
	for range 20 {
		w.assert(t, w.assertion(t, jose.ES384, k.es384, "made-up", same))
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	down = true
	w.clock.move(keysFresh)
	try(http.StatusOK) // what it had is good for a while
	w.clock.move(keysStale)
	try(http.StatusUnauthorized)
	down, k = false, newKeyholder(t, w)
	w.store.put(Client{ID: "keyholder", Contract: "Z0000", KeysURL: s.URL + "/jwks", Enabled: true, MaxJobs: 1})
	set = k.set(t)
	w.clock.move(keysPause)
	try(http.StatusOK)
}

func TestParseKeySetRefuses(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip(err)
	}
	of := func(k jose.JSONWebKey) string {
		b, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k}})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	many := func(n int, same bool) string {
		var keys []string
		for i := range n {
			if same {
				i = 0
			}
			keys = append(keys, strings.Trim(strings.TrimPrefix(of(jose.JSONWebKey{Key: p256.Public(), KeyID: fmt.Sprint(i)}), `{"keys":`), "[]}")+"}")
		}
		return `{"keys":[` + strings.Join(keys, ",") + "]}"
	}
	for set, says := range map[string]string{
		"": "not a JWK Set", "[]": "not a JWK Set", "{}": "no keys", `{"keys":[]}`: "no keys",
		of(jose.JSONWebKey{Key: p256.Public(), KeyID: "a"}): "P-384", of(jose.JSONWebKey{Key: p256, KeyID: "a"}): "private",
		many(33, false): "33 keys", many(3, true): "same kid",
		of(jose.JSONWebKey{Key: weak.Public(), KeyID: "a"}): "2048", of(jose.JSONWebKey{Key: []byte("secret"), KeyID: "a"}): "neither",
	} {
		if _, err := ParseKeySet([]byte(set)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40s: %v, want %q", set, err, says)
		}
	}
}

// FuzzParseKeySet: whatever is registered, what is taken can be used.
func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-384","kid":"a","x":"AA","y":"AA"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := ParseKeySet(b)
		if err != nil {
			return
		}
		for _, k := range set.Keys {
			if !k.Valid() || !k.IsPublic() || k.KeyID == "" {
				t.Fatalf("%q was taken", b)
			}
		}
	})
}

// FuzzAssertion: whatever is sent as an assertion, the answer is a refusal that
// can be sent as it is.
func FuzzAssertion(f *testing.F) {
	w := newWorld(f)
	k := newKeyholder(f, w)
	good := w.assertion(f, jose.ES384, k.es384, "e", same)
	f.Add(good)
	f.Add(good[:len(good)-3])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(`{"payload":"e30","signatures":[]}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		c, _, err := w.server.byAssertion(t.Context(), url.Values{"client_assertion_type": {assertionType}, "client_assertion": {text}})
		if err == nil {
			if text != good || c.ID != "keyholder" {
				t.Fatalf("%q let in %v", text, c)
			}
			return
		}
		refused := (*Error)(nil)
		if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized || !printable(refused.Description) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

// TestWrongAssertionsAreCounted: after ten wrong assertions for a client from a
// network the next is not looked at.
func TestWrongAssertionsAreCounted(t *testing.T) {
	w := newWorld(t)
	k := newKeyholder(t, w)
	stranger, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if resp, body := w.assert(t, w.assertion(t, jose.ES384, stranger, "e", same)); resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%s %s", resp.Status, body)
		}
	}
	if resp, body := w.assert(t, w.assertion(t, jose.ES384, k.es384, "e", same)); resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%s %s", resp.Status, body)
	}
	w.clock.move(time.Minute)
	if resp, body := w.assert(t, w.assertion(t, jose.ES384, k.es384, "e", same)); resp.StatusCode != http.StatusOK {
		t.Errorf("later: %s %s", resp.Status, body)
	}
}
