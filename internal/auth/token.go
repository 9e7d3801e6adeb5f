package auth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// grant is the answer to a token request, RFC 6749 §5.1.
type grant struct {
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
	AccessToken string `json:"access_token"`
	Scope       string `json:"scope"`
}

// ServeToken is the token endpoint, RFC 6749 §3.2.
func (s *Server) ServeToken(w http.ResponseWriter, r *http.Request) {
	if !s.allow(w, r, http.MethodPost) {
		return
	}
	granted, err := s.grant(w, r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.write(w, r, http.StatusOK, granted)
}

// grant decides about a token request. It takes w only to bound the body.
func (s *Server) grant(w http.ResponseWriter, r *http.Request) (*grant, error) {
	form, refused := readForm(w, r)
	if refused != nil {
		return nil, refused
	}
	if refused := checkGrantType(form); refused != nil {
		return nil, refused
	}
	scopes, refused := grantedScopes(form.Get("scope"))
	if refused != nil {
		return nil, refused
	}
	id, secret, refused := credentials(r.Header, form)
	if refused != nil {
		return nil, refused
	}
	client, err := s.authenticate(r.Context(), id, secret)
	if err != nil {
		return nil, err
	}
	return s.issue(r.Context(), client, scopes)
}

func checkGrantType(form url.Values) *Error {
	switch form.Get("grant_type") {
	case "client_credentials":
		return nil
	case "":
		return invalid(InvalidRequest, "grant_type is missing: add grant_type=client_credentials, in the query string or the body.")
	}
	return invalid(UnsupportedGrantType, "grant_type has to be client_credentials.")
}

// credentials reads the client's id and secret, RFC 6749 §2.3.1. With HTTP
// Basic the form may name the client once more, but may not authenticate it.
func credentials(header http.Header, form url.Values) (id, secret string, refused *Error) {
	id, secret = form.Get("client_id"), form.Get("client_secret")
	given := header.Values("Authorization")
	switch {
	case len(given) == 0 && id == "":
		return "", "", invalid(InvalidClient, "The client is not named: send its id and secret with HTTP Basic, "+
			"or as client_id and client_secret in the body.")
	case len(given) == 0 && secret == "":
		return "", "", invalid(InvalidClient, "client_secret is missing: send the client's secret with HTTP Basic or in the body.")
	case len(given) == 0:
		return id, secret, nil
	case len(given) > 1 || secret != "":
		return "", "", invalid(InvalidRequest, "The client authenticates itself in more than one way: "+
			"send either one Authorization header or client_secret in the body.")
	}
	basicID, basicSecret, err := ParseBasic(given[0])
	if err != nil {
		return "", "", invalid(InvalidClient, "%s.", capital(err.Error()))
	}
	if id != "" && id != basicID {
		return "", "", invalid(InvalidRequest, "client_id is not the client of the Authorization header.")
	}
	return basicID, basicSecret, nil
}

// capital makes an error a sentence.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// authenticate lets a client in that is known, has the right secret and is
// enabled. That it is disabled is told only to whom has the secret.
func (s *Server) authenticate(ctx context.Context, id, secret string) (*Client, error) {
	client, err := findBySecret(ctx, s.Clients, id, secret)
	switch {
	case errors.Is(err, errRefused):
		return nil, invalid(InvalidClient, "The client id is unknown or the secret is wrong: "+
			"check that both were copied whole.")
	case err != nil:
		return nil, err
	case !client.Enabled:
		return nil, invalid(InvalidClient, "The client is disabled: ask the operator of this server to enable it.")
	}
	return client, nil
}

// issue signs a token for the client.
func (s *Server) issue(ctx context.Context, client *Client, scopes []string) (*grant, error) {
	key, err := s.Keys.Signing(ctx)
	if err != nil {
		return nil, err
	}
	lifetime := cmp.Or(s.Lifetime, DefaultLifetime)
	token, err := key.sign(newClaims(s.Issuer, client.ID, scopes, s.Now(), lifetime))
	if err != nil {
		return nil, err
	}
	return &grant{
		TokenType: "Bearer", ExpiresIn: int64(lifetime / time.Second),
		AccessToken: token, Scope: strings.Join(scopes, " "),
	}, nil
}
