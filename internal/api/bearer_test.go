package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ab2d/internal/fhir"
)

// asToken asks for an export with an Authorization header as it stands.
func (s *server) asToken(authorization, query string) *answer {
	s.Helper()
	return s.do("", "GET", patientV2+query, "Authorization: "+authorization)
}

func TestBadTokens(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	good := s.token(one, "clientCreds")
	for _, c := range []struct {
		authorization string
		code          fhir.Code
		challenge     string
	}{
		{"", fhir.CodeLogin, "Bearer"},
		{"Bearer", fhir.CodeLogin, "Bearer"},
		{"Bearer ", fhir.CodeLogin, "Bearer"},
		{good, fhir.CodeLogin, "Bearer"},
		{"Basic " + base64.StdEncoding.EncodeToString([]byte(one+":"+secret)), fhir.CodeLogin, "Bearer"},
		{"Bearer garbage", fhir.CodeSecurity, `Bearer error="invalid_token"`},
		{"Bearer a.b.c", fhir.CodeSecurity, `Bearer error="invalid_token"`},
		{"Bearer " + strings.Repeat("x", 20_000), fhir.CodeSecurity, `Bearer error="invalid_token"`},
		{"Bearer " + good[:len(good)-6] + "AAAAAA", fhir.CodeSecurity, `Bearer error="invalid_token"`},
		{"Bearer " + good + " " + good, fhir.CodeSecurity, `Bearer error="invalid_token"`},
	} {
		a := s.asToken(c.authorization, "")
		a.is(t, http.StatusUnauthorized, c.code, "token endpoint")
		if got := a.header.Get("Www-Authenticate"); !strings.HasPrefix(got, c.challenge) {
			t.Errorf("the challenge is %q, want %q", got, c.challenge)
		}
	}
	if a := s.asToken("bearer "+good, ""); a.status != http.StatusAccepted {
		t.Errorf("a scheme in small letters is answered %d", a.status)
	}
}

// TestExpiredTokens: AB2D's sample client gets a new one when it sees 403,
// clients of SMART Backend Services when they see 401.
func TestExpiredTokens(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for scope, status := range map[string]int{
		"clientCreds": http.StatusForbidden, "system/*.read": http.StatusUnauthorized, "system/ExplanationOfBenefit.rs": http.StatusUnauthorized,
	} {
		token := "Bearer " + s.token(two, scope)
		s.clock.Add(time.Hour - time.Second)
		if a := s.asToken(token, "?_type=Patient"); a.status != http.StatusBadRequest {
			t.Errorf("%s: a second before it expires the answer is %d", scope, a.status)
		}
		s.clock.Add(time.Second)
		a := s.asToken(token, "")
		a.is(t, status, fhir.CodeExpired, "get a new one")
		if got := a.header.Get("Www-Authenticate"); (status == http.StatusUnauthorized) != strings.Contains(got, "invalid_token") {
			t.Errorf("%s: the challenge is %q", scope, got)
		}
	}
}

// TestADisabledClientIsOutAtOnce: with the token it has.
func TestADisabledClientIsOutAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	status := s.kickOff(off, patientV1)
	if err := s.db.SetClientEnabled(t.Context(), off, false); err != nil {
		t.Fatal(err)
	}
	for _, path := range append([]string{"GET " + patientV1}, "GET "+status, "DELETE "+status, paths(jobID(status))["file"]) {
		s.at(off, path).is(t, http.StatusForbidden, fhir.CodeForbidden, "disabled")
	}
	s.at(one, "GET "+patientV1).is(t, http.StatusTooManyRequests, fhir.CodeThrottled) // the job is the contract's, not the client's
}

func TestContractsWithoutData(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for _, client := range []string{unattested, unknown} {
		s.do(client, "GET", patientV1).is(t, http.StatusForbidden, fhir.CodeForbidden, "no attestation", "Attest the contract")
	}
}

// TestTheOrderOfChecks: token, contract, parameters, running jobs.
func TestTheOrderOfChecks(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	s.kickOff(one, patientV1)
	bad := "?_type=Patient"
	s.asToken("Bearer x", bad).is(t, http.StatusUnauthorized, fhir.CodeSecurity)
	s.do("", "GET", "/api/v1/fhir/Group/Z0001/$export"+bad).is(t, http.StatusUnauthorized, fhir.CodeLogin)
	s.do(one, "GET", "/api/v1/fhir/Group/Z0001/$export"+bad).is(t, http.StatusForbidden, fhir.CodeForbidden)
	s.do(unattested, "GET", patientV1+bad).is(t, http.StatusForbidden, fhir.CodeForbidden)
	s.do(one, "GET", patientV1+bad).is(t, http.StatusBadRequest, fhir.CodeNotSupported)
	s.do(one, "GET", patientV1).is(t, http.StatusTooManyRequests, fhir.CodeThrottled)
	for _, path := range paths(nobody) { // whether there is such a job is not told to strangers
		s.at("", path).is(t, http.StatusUnauthorized, fhir.CodeLogin)
	}
}

// TestSMARTConfiguration names the token endpoint that gives tokens, in both
// versions, to every web page.
func TestSMARTConfiguration(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for _, v := range []string{"v1", "v2"} {
		a := s.do("", "GET", "/api/"+v+"/fhir/.well-known/smart-configuration")
		var c map[string]any
		if err := json.Unmarshal(a.body, &c); err != nil || c["token_endpoint"] != s.url+tokenPath || a.header.Get("Access-Control-Allow-Origin") != "*" ||
			!strings.Contains(fmt.Sprint(c["capabilities"]), "client-confidential-asymmetric") || !strings.Contains(fmt.Sprint(c["token_endpoint_auth_methods_supported"]), "private_key_jwt") {
			t.Errorf("%s: %s", v, a.body)
		}
	}
}
