package clienttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// TokenURL is the token endpoint, which the server's SMART configuration names, too.
func (s *Server) TokenURL() string { return s.URL + "/token" }

// Revoke makes the server refuse all tokens that it gave so far.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = s.tokens
}

// giveToken answers the token endpoint (RFC 6749 §4.4, with the client's id and
// secret by Basic).
func (s *Server) giveToken(w http.ResponseWriter, r *http.Request) {
	if s.Token != nil {
		s.Token(w, r)
		return
	}
	id, secret, _ := r.BasicAuth()
	switch {
	case unescaped(id) != s.ClientID || unescaped(secret) != s.ClientSecret:
		Answer(http.StatusUnauthorized, `{"error":"invalid_client"}`, "WWW-Authenticate", `Basic realm="clienttest"`)(w, r)
		return
	case r.PostFormValue("grant_type") != "client_credentials":
		Answer(http.StatusBadRequest, `{"error":"unsupported_grant_type"}`)(w, r)
		return
	}
	s.mu.Lock()
	s.tokens++
	n := s.tokens
	s.mu.Unlock()
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"bearer","expires_in":300}`, n)
}

// unescaped undoes the form encoding that RFC 6749 §2.3.1 asks for.
func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// guard asks for a token when the server has a client.
func (s *Server) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.ClientID != "" && !s.good(r.Header.Get("Authorization")) {
			Answer(http.StatusUnauthorized, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"login"}]}`, "WWW-Authenticate", "Bearer")(w, r)
			return
		}
		next(w, r)
	}
}

// good tells whether the server gave a token and did not revoke it.
func (s *Server) good(authorization string) bool {
	token, bearer := strings.CutPrefix(authorization, "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := s.revoked + 1; n <= s.tokens; n++ {
		if bearer && token == fmt.Sprintf("token-%d", n) {
			return true
		}
	}
	return false
}

// smart is the SMART configuration.
func (s *Server) smart(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"token_endpoint": s.TokenURL(), "grant_types_supported": []string{"client_credentials"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"}, "capabilities": []string{"client-confidential-symmetric"},
	})
}
