package api

import (
	"net/http"

	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// token answers at the token endpoint. Its errors are RFC 6749's, not FHIR's.
func token(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	return a.authServer(r, func() { a.Tokens.ServeToken(w, r) })
}

// tokenKeys answers with the public keys.
func tokenKeys(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	return a.authServer(r, func() { a.Tokens.ServeKeys(w, r) })
}

// tokenMetadata answers with the authorization server's metadata, RFC 8414.
func tokenMetadata(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	return a.authServer(r, func() { a.Tokens.ServeMetadata(w, r) })
}

// authServer serves if the path names our authorization server, and tokens are
// given by it.
func (a *API) authServer(r *http.Request, serve func()) error {
	if o := a.Bearer.Outside; o != nil {
		return rest.Errorf(http.StatusNotFound, fhir.CodeNotFound, "This server does not issue tokens. Get one from %s.", o.Issuer)
	}
	if r.PathValue("server") != a.AuthServer {
		return rest.Errorf(http.StatusNotFound, fhir.CodeNotFound, "There is no authorization server of this name here. The token endpoint is %s/oauth2/%s/v1/token.",
			a.origin(r), a.AuthServer)
	}
	serve()
	return nil
}

// smartConfiguration tells where tokens are to be had and how (SMART App Launch
// 2.2, "Conformance"). Those of somebody else's server are its own matter.
func smartConfiguration(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	if a.Bearer.Outside == nil {
		a.Tokens.ServeSMART(w, r)
		return nil
	}
	endpoint, err := a.Bearer.Outside.TokenEndpoint(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	return rest.WriteJSON(w, http.StatusOK, "application/json", map[string]any{
		"issuer": a.Bearer.Outside.Issuer, "token_endpoint": endpoint, "grant_types_supported": []string{"client_credentials"},
		"capabilities": []string{"permission-v1", "permission-v2"}, "code_challenge_methods_supported": []string{"S256"},
	})
}
