package auth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/obs"
)

// grant is the answer to a token request, RFC 6749 §5.1.
type grant struct {
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
	AccessToken string `json:"access_token"`
	Scope       string `json:"scope"`

	// expires is when the secret that was sent stops to be good, if that is soon;
	// otherwise zero.
	expires time.Time
}

// SecretExpires is the header of a token's answer that warns: the secret that
// was sent stops to be good within a month, and this is when.
const SecretExpires = "X-Secret-Expires"

// ServeToken is the token endpoint, RFC 6749 §3.2.
func (s *Server) ServeToken(w http.ResponseWriter, r *http.Request) {
	if !s.allow(w, r, http.MethodPost) {
		return
	}
	granted, err := s.grant(w, r)
	if err != nil {
		s.refuse(w, r, s.passing(r, err))
		return
	}
	if !granted.expires.IsZero() {
		w.Header().Set(SecretExpires, granted.expires.UTC().Format(http.TimeFormat))
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
	scopes, refused := grantedScopes(form.Get("scope"), asserted(form))
	if refused != nil {
		return nil, refused
	}
	p, err := s.authenticate(r, form)
	if err != nil {
		return nil, err
	}
	if s.Rate != nil {
		if wait, ok := s.Rate(p.ID); !ok {
			return nil, tooMany(wait, "This client asks for too many tokens. Use a token until it expires.")
		}
	}
	return s.issue(r.Context(), p, scopes)
}

// proof is a client that has proved who it is.
type proof struct {
	*Client
	by      string    // what, for the audit
	holding string    // the same, for the token: see Client.holds
	expires time.Time // of a secret that soon will; otherwise zero
}

// warnSecret is how long before a secret expires its use is warned of.
const warnSecret = 30 * 24 * time.Hour

// authenticate lets a client in that is known, proves who it is and is not
// barred. That it is barred is told only to whom has the proof.
func (s *Server) authenticate(r *http.Request, form url.Values) (proof, error) {
	ctx := r.Context()
	var p proof
	if asserted(form) && len(r.Header.Values("Authorization")) == 0 {
		client, holding, err := s.byAssertion(ctx, form)
		if err != nil {
			return p, err
		}
		p = proof{Client: client, by: "private_key_jwt", holding: holding}
	} else {
		id, secret, refused := credentials(r.Header, form)
		if refused != nil {
			return p, refused
		}
		client, used, err := s.bySecret(ctx, id, secret)
		if err != nil {
			return p, err
		}
		p = proof{Client: client, by: "secret " + used.ID, holding: secretMarkOf(used.ID)}
		if left := used.Expires.Sub(s.Now()); !used.Expires.IsZero() && left <= warnSecret {
			p.expires = used.Expires
		}
	}
	audit.FactsOf(ctx).SetClient(p.ID, p.Contract)
	obs.SetClient(ctx, p.ID)
	if why := p.barred(obs.CallerOf(ctx)); why != "" {
		return p, invalid(InvalidClient, "%s", why)
	}
	return p, nil
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
	case len(given) > 1 || secret != "" || asserted(form):
		return "", "", invalid(InvalidRequest, "The client authenticates itself in more than one way: "+
			"send either one Authorization header or client_secret or client_assertion in the body.")
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

// bySecret finds the client with this id and secret. Whether the id or the
// secret is wrong is not told, nor shown by the time it takes.
func (s *Server) bySecret(ctx context.Context, id, secret string) (*Client, *Secret, error) {
	client, err := find(ctx, s.Clients, id)
	if isNoClient(err) {
		client = &Client{} // whose secret nobody knows, but checking it takes its time
	} else if err != nil {
		return nil, nil, err
	}
	if used := s.Guard.recall(client, secret); used != nil {
		return client, used, nil
	}
	made := isMade(secret)
	attempt, refused := s.Guard.attempt(pair{id, obs.Network(obs.CallerOf(ctx))}, made)
	if refused != nil {
		return nil, nil, refused
	}
	var used *Secret
	if made {
		used = client.checkMade(secret, s.Now())
	} else if used, err = attempt.check(ctx, client, secret); err != nil {
		return nil, nil, err
	}
	if used == nil {
		if client.ID != "" {
			facts := audit.FactsOf(ctx)
			facts.Client, facts.Contract = client.ID, client.Contract // who was meant; who asks is not known
		}
		return nil, nil, attempt.wrong(invalid(InvalidClient, "The client id is unknown or the secret is wrong: "+
			"check that both were copied whole."))
	}
	attempt.right()
	return client, used, nil
}

func isNoClient(err error) bool { return errors.Is(err, ErrNoClient) }

// issue signs a token for the client. It is on record before it is given away.
func (s *Server) issue(ctx context.Context, p proof, scopes []string) (*grant, error) {
	key, err := s.Keys.Signing(ctx)
	if err != nil {
		return nil, err
	}
	lifetime := cmp.Or(s.Lifetime, DefaultLifetime)
	if slices.Contains(scopes, AccountScope) {
		lifetime = min(lifetime, AccountLifetime)
	}
	said := newClaims(s.Issuer, p.ID, scopes, s.Now(), lifetime)
	said.Credential = p.holding
	token, err := key.sign(said)
	if err != nil {
		return nil, err
	}
	err = s.Audit.Record(ctx, audit.Entry{Event: audit.TokenGranted, Client: p.ID, Contract: p.Contract, Detail: "token " + said.ID + " by " + p.by})
	if err != nil {
		return nil, err
	}
	if !p.expires.IsZero() {
		s.Warn("a secret that is about to expire was used", "client", p.ID, "secret", p.by, "expires", p.expires)
	}
	return &grant{
		TokenType: "Bearer", ExpiresIn: int64(lifetime / time.Second),
		AccessToken: token, Scope: strings.Join(scopes, " "), expires: p.expires,
	}, nil
}
