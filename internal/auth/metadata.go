package auth

import (
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

// The paths of the endpoints, below the issuer.
const (
	TokenPath = "/v1/token"
	KeysPath  = "/v1/keys"
)

// ServeKeys answers with the public keys as a JWK Set, RFC 7517 §5.
func (s *Server) ServeKeys(w http.ResponseWriter, r *http.Request) {
	if !s.allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	keys, err := s.Keys.All(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key: k.Private.Public(), KeyID: k.ID, Algorithm: string(jose.ES256), Use: "sig",
		})
	}
	s.write(w, r, http.StatusOK, set)
}

// metadata is what RFC 8414 §2 tells about an authorization server, with what
// OpenID Connect Discovery 1.0 §3 requires beyond it, so that one document
// serves at both of the well-known places.
type metadata struct {
	Issuer        string   `json:"issuer"`
	TokenEndpoint string   `json:"token_endpoint"`
	KeysURI       string   `json:"jwks_uri"`
	Scopes        []string `json:"scopes_supported"`
	// ResponseTypes is required, and an empty list is forbidden, though there
	// is no authorization endpoint whose responses it could tell about.
	ResponseTypes []string `json:"response_types_supported"`
	GrantTypes    []string `json:"grant_types_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	AssertionAlgs []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	SigningAlgs   []string `json:"id_token_signing_alg_values_supported"`
}

// ServeMetadata answers with the server's metadata, RFC 8414 §3.2.
func (s *Server) ServeMetadata(w http.ResponseWriter, r *http.Request) {
	if !s.allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	s.write(w, r, http.StatusOK, metadata{
		Issuer:        s.Issuer,
		TokenEndpoint: s.Issuer + TokenPath,
		KeysURI:       s.Issuer + KeysPath,
		Scopes:        append(scopes(), AccountScope),
		ResponseTypes: []string{"none"},
		GrantTypes:    []string{"client_credentials"},
		AuthMethods:   authMethods(),
		AssertionAlgs: []string{string(jose.RS384), string(jose.ES384)},
		SubjectTypes:  []string{"public"},
		SigningAlgs:   []string{string(jose.ES256)},
	})
}

func authMethods() []string {
	return []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
}

// smartConfiguration is what SMART App Launch 2.2, "Conformance", wants of a
// server that only has backend services.
type smartConfiguration struct {
	Issuer        string   `json:"issuer,omitempty"`
	KeysURI       string   `json:"jwks_uri,omitempty"`
	TokenEndpoint string   `json:"token_endpoint"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	AssertionAlgs []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	GrantTypes    []string `json:"grant_types_supported"`
	Scopes        []string `json:"scopes_supported"`
	Capabilities  []string `json:"capabilities"`
	// ChallengeMethods is required even where nobody authorizes interactively.
	ChallengeMethods []string `json:"code_challenge_methods_supported"`
}

// ServeSMART answers with the SMART configuration. Every origin may read it.
func (s *Server) ServeSMART(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	s.write(w, r, http.StatusOK, smartConfiguration{
		Issuer: s.Issuer, KeysURI: s.Issuer + KeysPath, TokenEndpoint: s.Issuer + TokenPath,
		AuthMethods: authMethods(), AssertionAlgs: []string{string(jose.RS384), string(jose.ES384)},
		GrantTypes: []string{"client_credentials"}, Scopes: scopes(),
		Capabilities:     []string{"client-confidential-asymmetric", "client-confidential-symmetric", "permission-v1", "permission-v2"},
		ChallengeMethods: []string{"S256"},
	})
}
