package api

import (
	"net/http"

	"ab2d/internal/fhir"
)

// token answers at the token endpoint. Its errors are RFC 6749's, not FHIR's.
func token(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	return a.authServer(r, func() { a.tokensFor(r).ServeToken(w, r) })
}

// tokenKeys answers with the public keys.
func tokenKeys(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	return a.authServer(r, func() { a.Tokens.ServeKeys(w, r) })
}

// tokenMetadata answers with the authorization server's metadata, RFC 8414.
func tokenMetadata(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	return a.authServer(r, func() { a.Tokens.ServeMetadata(w, r) })
}

// authServer serves if the path names our authorization server.
func (a *API) authServer(r *http.Request, serve func()) error {
	if r.PathValue("server") != a.AuthServer {
		return refuse(http.StatusNotFound, fhir.CodeNotFound, "There is no authorization server of this name here. The token endpoint is %s/oauth2/%s/v1/token.",
			a.origin(r), a.AuthServer)
	}
	serve()
	return nil
}
