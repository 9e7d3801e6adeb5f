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
		Scopes:        scopes(),
		ResponseTypes: []string{"none"},
		GrantTypes:    []string{"client_credentials"},
		AuthMethods:   []string{"client_secret_basic", "client_secret_post"},
		SubjectTypes:  []string{"public"},
		SigningAlgs:   []string{string(jose.ES256)},
	})
}
