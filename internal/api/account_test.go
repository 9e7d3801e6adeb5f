package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"ab2d/client"
	"ab2d/internal/account"
	"ab2d/internal/admin"
	"ab2d/internal/auth"
	"ab2d/internal/fhir"
)

// grantOf reads the token of a token request.
func (s *server) grantOf(form url.Values, id, secret string) string {
	s.Helper()
	form.Set("grant_type", "client_credentials")
	r, err := http.NewRequestWithContext(s.Context(), "POST", s.url+tokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret != "" {
		r.SetBasicAuth(id, secret)
	}
	a := s.send(r)
	var g struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(a.body, &g); err != nil || a.status != http.StatusOK {
		s.Fatalf("no token: %d %s", a.status, a.body)
	}
	return g.Token
}

// account sends a request with a token.
func (s *server) account(token, method, path, body string) *answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	a := s.send(r)
	if a.status < 400 && strings.HasPrefix(path, account.Prefix) {
		s.judgeBy(s.accountDocument(), account.Prefix, r, a)
	}
	return a
}

// accountDocument is what describes the account.
func (s *server) accountDocument() *openapi3.T {
	s.Helper()
	b, err := account.OpenAPI()
	if err != nil {
		s.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		s.Fatal(err)
	}
	return document
}

func (s *server) accountToken(id, secret string) string {
	return s.grantOf(url.Values{"scope": {auth.AccountScope}}, id, secret)
}

func newClientKey(t *testing.T, kid string) *client.Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	k, err := client.ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), kid)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// keyBody is the body that registers a key, with a proof for an audience.
func (s *server) keyBody(k *client.Key, id, audience string) string {
	s.Helper()
	public, err := k.PublicJWK()
	if err != nil {
		s.Fatal(err)
	}
	proof, err := k.Prove(id, audience, s.clock.Now())
	if err != nil {
		s.Fatal(err)
	}
	b, err := json.Marshal(account.NewKey{Key: public, Proof: proof})
	if err != nil {
		s.Fatal(err)
	}
	return string(b)
}

// TestAccount_MovesToAKey: a sponsor replaces its secret, moves to a key and narrows its
// networks without an operator, while an export runs, and no request of its fails.
func TestAccount_MovesToAKey(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	there, release := s.hold(1)
	status := s.kickOff(one, patientV1)
	<-there
	var a account.Account
	s.account(s.accountToken(one, secret), "POST", "/account/v1/secrets", `{"overlap":"1h"}`).to(t, http.StatusCreated, &a)
	if a.Secret == "" || len(a.Secrets) != 2 || a.Contract != "Z0000" || a.Attested == "" {
		t.Fatalf("%+v", a)
	}
	old := s.token(one, auth.Scope)
	polled := func(token string) {
		t.Helper()
		s.clock.Add(2e9)
		if got := s.account(token, "GET", strings.TrimPrefix(status, s.url), ""); got.status != http.StatusAccepted {
			t.Errorf("the status is answered %d %s", got.status, got.body)
		}
	}
	polled(old)
	renewed := s.grantOf(url.Values{}, one, a.Secret)
	own := s.accountToken(one, a.Secret)
	s.account(own, "DELETE", "/account/v1/secrets/first", "").to(t, http.StatusOK, &a)
	s.account(old, "GET", patientV1, "").is(t, http.StatusUnauthorized, fhir.CodeSecurity, "was removed")
	polled(renewed)

	k := newClientKey(t, "k1")
	s.account(own, "POST", "/account/v1/keys", s.keyBody(k, one, a.ProofAudience)).to(t, http.StatusCreated, &a)
	assertion, err := k.Prove(one, s.url+tokenPath, s.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	byKey := s.grantOf(url.Values{"scope": {"account"}, "client_assertion": {assertion}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}, one, "")
	s.account(byKey, "DELETE", "/account/v1/secrets/"+a.Secrets[0].ID, "").to(t, http.StatusOK, &a)
	s.account(own, "GET", "/account/v1/client", "").is(t, http.StatusUnauthorized, fhir.CodeSecurity, "was removed")
	s.account(byKey, "PUT", "/account/v1/networks", `{"networks":["127.0.0.0/8"]}`).to(t, http.StatusOK, &a)
	if a.SignedInBy != "key k1" || len(a.Secrets) != 0 || len(a.Networks) != 1 || len(a.OperatorNetworks) != 0 {
		t.Errorf("%+v", a)
	}
	s.account(byKey, "DELETE", "/account/v1/keys/"+a.Keys[0].ID, "").is(t, http.StatusConflict, fhir.CodeConflict, "all that the client can sign in with")
	release()
	s.ended(status)
	var log account.Page[account.Entry]
	s.account(byKey, "GET", "/account/v1/audit?event=client.changed", "").to(t, http.StatusOK, &log)
	if len(log.Items) != 2 || log.Items[0].Detail != "networks [127.0.0.0/8]" || log.Items[0].Actor != "client one" {
		t.Errorf("%+v", log)
	}
}

// TestAccount_Attacks: what a client may not do in its account.
func TestAccount_Attacks(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	own, other := s.accountToken(one, secret), s.accountToken(two, secret)
	for _, path := range []string{"/client", "/jobs", "/audit", "/downloads", "/requests"} {
		s.account(s.token(one, auth.Scope), "GET", "/account/v1"+path, "").is(t, http.StatusForbidden, fhir.CodeForbidden, "not for the account")
		s.account("x", "GET", "/account/v1"+path, "").is(t, http.StatusUnauthorized, fhir.CodeSecurity)
	}
	s.account(own, "GET", patientV1, "").is(t, http.StatusForbidden, fhir.CodeForbidden, "no scope")
	id := jobID(s.kickOff(one, patientV1))
	s.account(other, "DELETE", "/account/v1/jobs/"+id, "").is(t, http.StatusNotFound, fhir.CodeNotFound, "There is no job "+id)
	for _, path := range []string{"/jobs?before=" + id, "/jobs"} {
		var jobs account.Page[admin.Job]
		s.account(other, "GET", "/account/v1"+path, "").to(t, http.StatusOK, &jobs)
		if len(jobs.Items) != 0 {
			t.Errorf("%s: %+v", path, jobs)
		}
	}
	var log account.Page[account.Entry]
	s.account(other, "GET", "/account/v1/audit", "").to(t, http.StatusOK, &log)
	for _, e := range log.Items {
		if e.Client == one {
			t.Errorf("%+v", e)
		}
	}
	s.account(own, "PUT", "/account/v1/networks", `{"networks":["192.0.2.0/24"]}`).is(t, http.StatusConflict, fhir.CodeConflict, "lock itself out")
	s.account(own, "POST", "/account/v1/secrets", `{"overlap":"721h"}`).is(t, http.StatusBadRequest, fhir.CodeInvalid, "overlap")
	s.account(own, "DELETE", "/account/v1/secrets/first", "").is(t, http.StatusConflict, fhir.CodeConflict)
	s.account(own, "POST", "/account/v1/secrets", `{"overlap":"`+strings.Repeat("x", 70_000)+`"}`).is(t, http.StatusRequestEntityTooLarge, fhir.CodeTooCostly)
	k, audience := newClientKey(t, "k1"), s.url+"/account/v1/keys"
	body := s.keyBody(k, one, audience)
	s.account(own, "POST", "/account/v1/keys", s.keyBody(k, one, s.url+tokenPath)).is(t, http.StatusBadRequest, fhir.CodeInvalid, "proof", "audience")
	s.account(own, "POST", "/account/v1/keys", s.keyBody(k, two, audience)).is(t, http.StatusBadRequest, fhir.CodeInvalid, "proof")
	s.account(other, "POST", "/account/v1/keys", body).is(t, http.StatusBadRequest, fhir.CodeInvalid, "proof")
	s.account(own, "POST", "/account/v1/keys", body).to(t, http.StatusCreated, new(account.Account))
	s.account(own, "POST", "/account/v1/keys", body).is(t, http.StatusBadRequest, fhir.CodeInvalid, "used before")
	s.account(own, "POST", "/account/v1/keys", s.keyBody(k, one, audience)).is(t, http.StatusConflict, fhir.CodeConflict, "registered already")
	s.account(own, "DELETE", "/account/v1/jobs/"+id, "").to(t, http.StatusOK, new(admin.Effect))
	s.clock.Add(auth.AccountLifetime)
	s.account(own, "GET", "/account/v1/client", "").is(t, http.StatusUnauthorized, fhir.CodeExpired)
}

// TestAccount_Approval: what goes beyond the operator's networks waits for an operator.
func TestAccount_Approval(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	operator := s.adminToken("client", "read")
	s.admin(operator, "PATCH", "/clients/"+one, `{"networks":["127.0.0.0/8"]}`).to(t, http.StatusOK, new(admin.Client))
	own := s.accountToken(one, secret)
	var a account.Account
	s.account(own, "PUT", "/account/v1/networks", `{"networks":["127.0.0.1"]}`).to(t, http.StatusOK, &a)
	s.account(own, "PUT", "/account/v1/networks", `{"networks":["127.0.0.0/8"]}`).to(t, http.StatusOK, &a)
	for _, wide := range []string{`[]`, `["127.0.0.0/8","192.0.2.0/24"]`} {
		s.account(own, "PUT", "/account/v1/networks", `{"networks":`+wide+`}`).to(t, http.StatusAccepted, &a)
		if len(a.Networks) != 1 || len(a.Waiting) != 1 {
			t.Fatalf("%s: %+v", wide, a)
		}
	}
	s.account(s.accountToken(two, secret), "DELETE", "/account/v1/requests/"+a.Waiting[0].ID, "").is(t, http.StatusNotFound, fhir.CodeNotFound)
	var list []admin.Request
	s.admin(operator, "GET", "/requests?state=waiting", "").to(t, http.StatusOK, &list)
	if len(list) != 1 || list[0].ID != a.Waiting[0].ID {
		t.Fatalf("%+v", list)
	}
	s.admin(operator, "POST", "/requests/"+list[0].ID+"/approve", "").to(t, http.StatusOK, new(admin.Effect))
	s.admin(operator, "POST", "/requests/"+list[0].ID+"/approve", "").is(t, http.StatusNotFound, fhir.CodeNotFound)
	s.account(own, "GET", "/account/v1/client", "").to(t, http.StatusOK, &a)
	if len(a.Networks) != 2 || len(a.OperatorNetworks) != 2 || len(a.Waiting) != 0 {
		t.Errorf("%+v", a)
	}
	s.account(own, "PUT", "/account/v1/networks", `{"networks":[]}`).to(t, http.StatusAccepted, &a)
	s.admin(operator, "POST", "/requests/"+a.Waiting[0].ID+"/reject", `{"reason":"Too wide."}`).to(t, http.StatusOK, new(admin.Request))
	var mine []account.Request
	s.account(own, "GET", "/account/v1/requests", "").to(t, http.StatusOK, &mine)
	if len(mine) != 3 {
		t.Errorf("%+v", mine)
	}
}

// TestAccount_SandboxClients: clients whose secrets are published cannot be changed.
func TestAccount_SandboxClients(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	hash, err := secretHash()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.db.AddClient(t.Context(), auth.Client{ID: "tutorial", Contract: "Z0000", Enabled: true, MaxJobs: 1, Sandbox: true, Secrets: []auth.Secret{{ID: "t", Hash: string(hash)}}}); err != nil {
		t.Fatal(err)
	}
	token := s.accountToken("tutorial", secret)
	for _, r := range []string{"POST /secrets", "DELETE /secrets/t", "POST /keys", "DELETE /keys/x", "PUT /keys-url", "DELETE /keys-url", "PUT /networks"} {
		method, path, _ := strings.Cut(r, " ")
		s.account(token, method, "/account/v1"+path, "{}").is(t, http.StatusForbidden, fhir.CodeForbidden, "sandbox")
	}
	var a account.Account
	s.account(token, "GET", "/account/v1/client", "").to(t, http.StatusOK, &a)
	if a.ReadOnly == "" {
		t.Errorf("%+v", a)
	}
}
