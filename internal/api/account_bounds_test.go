package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"ab2d/client"
	"ab2d/internal/account"
	"ab2d/internal/admin"
	"ab2d/internal/api"
	"ab2d/internal/auth"
	"ab2d/internal/fhir"
)

// keySets are what is at addresses of keys.
type keySets map[string]*jose.JSONWebKeySet

func (k keySets) FetchKeys(_ context.Context, address string) (*jose.JSONWebKeySet, error) {
	if set := k[address]; set != nil {
		return set, nil
	}
	return nil, fmt.Errorf("%w: dial 10.0.0.7: refused", auth.ErrKeysUnread)
}

// keysAt puts a key at addresses.
func keysAt(t *testing.T, k *client.Key, addresses ...string) keySets {
	t.Helper()
	public, err := k.PublicJWK()
	if err != nil {
		t.Fatal(err)
	}
	set, err := auth.ParseKeySet([]byte(`{"keys":[` + string(public) + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	sets := keySets{}
	for _, a := range addresses {
		sets[a] = set
	}
	return sets
}

// urlBody is the body that registers an address, with a new proof.
func (s *server) urlBody(k *client.Key, id, address string) string {
	s.Helper()
	proof, err := k.Prove(id, s.url+"/account/v1/keys", s.clock.Now())
	if err != nil {
		s.Fatal(err)
	}
	b, err := json.Marshal(account.NewKeysURL{KeysURL: address, Proof: proof})
	if err != nil {
		s.Fatal(err)
	}
	return string(b)
}

// TestAccount_KeysURL: an address on a new host waits for an operator, another one on the
// same host does not. The server says nothing of what it found there, and does not fetch
// for ever.
func TestAccount_KeysURL(t *testing.T) {
	t.Parallel()
	const first, second, elsewhere = "https://keys.example.org/a", "https://keys.example.org/b", "https://other.example.org/a"
	k := newClientKey(t, "k1")
	s := newServer(t, func(s *server) { s.workers, s.keys = 0, keysAt(t, k, first, second, elsewhere) })
	own := s.accountToken(one, secret)
	put := func(k *client.Key, address string) *answer {
		return s.account(own, "PUT", "/account/v1/keys-url", s.urlBody(k, one, address))
	}
	put(k, "http://keys.example.org/a").is(t, http.StatusBadRequest, fhir.CodeInvalid, "keysUrl", "https://")
	put(k, first+"?"+strings.Repeat("x", 500)).is(t, http.StatusBadRequest, fhir.CodeInvalid, "keysUrl", "500")
	unread := put(k, "https://internal.example.org/")
	unread.is(t, http.StatusBadRequest, fhir.CodeInvalid, "keysUrl", "cannot be fetched")
	if strings.Contains(string(unread.body), "10.0.0.7") {
		t.Errorf("the answer tells of the network: %s", unread.body)
	}
	put(newClientKey(t, "k1"), first).is(t, http.StatusBadRequest, fhir.CodeInvalid, "proof")
	var a account.Account
	put(k, first).to(t, http.StatusAccepted, &a)
	if a.KeysURL != "" || len(a.Waiting) != 1 || *a.Waiting[0].Wanted.KeysURL != first {
		t.Fatalf("before it is approved: %+v", a)
	}
	s.admin(s.adminToken("client"), "POST", "/requests/"+a.Waiting[0].ID+"/approve", "").to(t, http.StatusOK, new(admin.Effect))
	put(k, second).to(t, http.StatusOK, &a)
	if a.KeysURL != second || len(a.Waiting) != 0 {
		t.Errorf("on the same host: %+v", a)
	}
	put(k, elsewhere).to(t, http.StatusAccepted, &a)
	refused := put(k, first)
	refused.is(t, http.StatusTooManyRequests, fhir.CodeThrottled)
	if refused.header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", refused.header)
	}
	s.account(own, "POST", "/account/v1/keys", s.keyBody(k, one, a.ProofAudience)).is(t, http.StatusConflict, fhir.CodeConflict, "at an address")
	s.account(own, "DELETE", "/account/v1/keys-url", "").to(t, http.StatusOK, &a)
	s.account(own, "DELETE", "/account/v1/keys-url", "").is(t, http.StatusNotFound, fhir.CodeNotFound)
}

// TestAccount_Pages: a list in pages has each entry once.
func TestAccount_Pages(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	var token string
	for range 7 {
		token = s.accountToken(one, secret)
		s.accountToken(two, secret)
	}
	seen, pages, before := map[int64]bool{}, 0, ""
	for {
		var page account.Page[account.Entry]
		s.account(token, "GET", "/account/v1/audit?event=token.granted&limit=3"+before, "").to(t, http.StatusOK, &page)
		pages++
		for _, e := range page.Items {
			if seen[e.Number] || e.Client != one || e.From != "127.0.0.1" {
				t.Errorf("%+v", e)
			}
			seen[e.Number] = true
		}
		if page.Next == "" {
			break
		}
		before = "&before=" + page.Next
	}
	if len(seen) != 7 || pages != 3 {
		t.Errorf("%d entries on %d pages", len(seen), pages)
	}
	for path, field := range map[string]string{"/audit?limit=0": "limit", "/jobs?limit=201": "limit", "/requests?limit=x": "limit", "/downloads?before=x": "before", "/audit?before=-1": "before", "/jobs?before=x": "before", "/audit?event=A%20B": "event"} {
		s.account(token, "GET", "/account/v1"+path, "").is(t, http.StatusBadRequest, fhir.CodeInvalid, field)
	}
}

// TestAccount_Rates: a client that changes too much has to wait. It can still look, and
// other clients do not notice.
func TestAccount_Rates(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers, s.accountRate = 0, api.AccountRate(0.01, s.clock.Now) })
	own, other := s.accountToken(one, secret), s.accountToken(two, secret)
	s.account(own, "DELETE", "/account/v1/secrets/none", "").is(t, http.StatusNotFound, fhir.CodeNotFound)
	refused := s.account(own, "POST", "/account/v1/secrets", "{}")
	refused.is(t, http.StatusTooManyRequests, fhir.CodeThrottled)
	if refused.header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", refused.header)
	}
	s.account(own, "GET", "/account/v1/client", "").to(t, http.StatusOK, new(account.Account))
	s.account(other, "POST", "/account/v1/secrets", "{}").to(t, http.StatusCreated, new(account.Account))
}

// TestAccount_Leaked: without an overlap the old secrets and their tokens end at once.
// Tokens by a key stay.
func TestAccount_Leaked(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	own, reading := s.accountToken(one, secret), s.token(one, auth.Scope)
	k := newClientKey(t, "k1")
	s.account(own, "POST", "/account/v1/keys", s.keyBody(k, one, s.url+"/account/v1/keys")).to(t, http.StatusCreated, new(account.Account))
	assertion, err := k.Prove(one, s.url+tokenPath, s.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	byKey := s.grantOf(url.Values{"scope": {"account"}, "client_assertion": {assertion}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}, one, "")
	var a account.Account
	s.account(own, "POST", "/account/v1/secrets", `{"overlap":"0s"}`).to(t, http.StatusCreated, &a)
	if len(a.Secrets) != 1 || a.Secret == "" {
		t.Errorf("%+v", a)
	}
	s.account(own, "GET", "/account/v1/client", "").is(t, http.StatusUnauthorized, fhir.CodeSecurity, "was removed")
	s.account(reading, "GET", patientV1, "").is(t, http.StatusUnauthorized, fhir.CodeSecurity, "was removed")
	s.account(byKey, "GET", "/account/v1/client", "").to(t, http.StatusOK, new(account.Account))
	s.account(s.accountToken(one, a.Secret), "GET", "/account/v1/client", "").to(t, http.StatusOK, &a)
}

// TestAccount_Bodies: what is refused is not repeated, as it may be a secret.
func TestAccount_Bodies(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	own := s.accountToken(one, secret)
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/keys", `{"key":{"kty":"EC","crv":"P-384","kid":"k","x":"qfDr8f8tbpPQJ3BrpwCXFrHy4mDqt8sjFsFVpPqDQ0I0PMJ3LBJfVYGiQ4JC0y6f","y":"AAAA","d":"s3cret"},"proof":"x"}`, "key"},
		{"POST", "/keys", `{"key":null,"proof":"s3cret"}`, "key"}, {"POST", "/keys", `{"key":{"kty":"oct","k":"s3cret","kid":"k"},"proof":"x"}`, "key"},
		{"POST", "/keys", `{"key":{},"s3cret":1}`, "not known"}, {"POST", "/secrets", `{"lifetime":"1h"}`, "lifetime"}, {"POST", "/secrets", `{"lifetime":"8785h"}`, "lifetime"},
		{"POST", "/secrets", `{"overlap":"-1h"}`, "overlap"}, {"PUT", "/networks", `{}`, "networks"}, {"PUT", "/networks", `{"networks":["10.0.0.0/33"]}`, "networks"},
		{"PUT", "/networks", `{"networks":[` + strings.Repeat(`"10.0.0.0/8",`, 100) + `"10.0.0.0/8"]}`, "at most 100"},
	} {
		a := s.account(own, c.method, "/account/v1"+c.path, c.body)
		a.is(t, http.StatusBadRequest, fhir.CodeInvalid, c.want)
		if strings.Contains(string(a.body), "s3cret") {
			t.Errorf("%s is answered %s", c.body, a.body)
		}
	}
	s.account(own, "PATCH", "/account/v1/client", "{}").is(t, http.StatusMethodNotAllowed, fhir.CodeNotSupported)
	s.account(own, "DELETE", "/account/v1/secrets/"+secret, "").is(t, http.StatusNotFound, fhir.CodeNotFound, "not the secret")
	s.account(own, "POST", "/account/v1/secrets", "{}").to(t, http.StatusCreated, new(account.Account))
	s.account(own, "POST", "/account/v1/secrets", "{}").is(t, http.StatusConflict, fhir.CodeConflict, "two valid secrets")
	s.admin(s.adminToken("client"), "POST", "/clients/"+one+"/disable", "").to(t, http.StatusOK, new(admin.Effect))
	s.account(own, "GET", "/account/v1/client", "").is(t, http.StatusForbidden, fhir.CodeForbidden)
}
