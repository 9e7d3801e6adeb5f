package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// spare is how long before its end a token is no longer used, so that it
	// does not expire on the way.
	spare = time.Minute
	// unsaid is the life of a token whose answer does not tell it: what SMART
	// Backend Services recommends.
	unsaid = 5 * time.Minute
)

// token is the access token in use.
type token struct {
	lock  chan struct{} // holds one element while somebody reads or fetches
	value string
	until time.Time
}

func newToken() token { return token{lock: make(chan struct{}, 1)} }

// accessToken gives the token in use, or fetches one when there is none, when
// its time is up, or when it is the refused one. Of several callers one
// fetches and the others wait for it. fresh says that this call fetched it.
func (c *Client) accessToken(ctx context.Context, refused string) (value string, fresh bool, err error) {
	t := &c.token
	select {
	case t.lock <- struct{}{}:
		defer func() { <-t.lock }()
	case <-ctx.Done():
		return "", false, fmt.Errorf("fetching an access token: %w", ctx.Err())
	}
	if t.value != "" && t.value != refused && c.now().Before(t.until) {
		return t.value, false, nil
	}
	value, life, err := c.fetchToken(ctx)
	if err != nil {
		return "", false, &tokenError{err}
	}
	t.value, t.until = value, c.now().Add(life-spare)
	return value, true, nil
}

// AccessToken gives an access token of the configured scope: the one in use, or a new one
// shortly before that expires. It is for requests that Client does not make itself.
func (c *Client) AccessToken(ctx context.Context) (string, error) {
	if c.tokenURL == nil {
		return "", errors.New("fetching an access token: Config.TokenURL is not set")
	}
	value, _, err := c.accessToken(ctx, "")
	return value, err
}

// tokenError says that there is no access token: what it holds is the token
// endpoint's answer, and tells nothing of the request the token was for.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return "fetching an access token: " + e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

// answered is the API's refusal of a request; nil when there is none.
func answered(err error) *Error {
	if _, ok := errors.AsType[*tokenError](err); ok {
		return nil
	}
	e, _ := errors.AsType[*Error](err)
	return e
}

// fetchToken asks the token endpoint (RFC 6749 §4.4.2). A redirect is not
// followed: it would carry the secret elsewhere.
func (c *Client) fetchToken(ctx context.Context) (string, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {c.scope}}
	if c.key != nil {
		assertion, err := c.key.assertion(c.id, c.tokenURL.String(), c.now())
		if err != nil {
			return "", 0, errors.New("the assertion could not be signed")
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.tokenURL.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, errors.New("TokenURL is not valid")
	}
	req.Header = header("application/json")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.key == nil { // RFC 6749 §2.3.1: both are form-encoded before they become user and password.
		req.SetBasicAuth(url.QueryEscape(c.id), url.QueryEscape(c.secret))
	}
	resp, err := c.exchange(c.direct, req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", 0, c.refusal(resp, form.Get("client_assertion"))
	}
	body, err := readBody(resp, maxSmallBody)
	if err != nil {
		return "", 0, err
	}
	return parseToken(body)
}

// parseToken reads the token endpoint's answer (RFC 6749 §5.1). Its errors
// never quote it.
func parseToken(body []byte) (string, time.Duration, error) {
	var t struct {
		AccessToken string          `json:"access_token"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &t); err != nil {
		return "", 0, errors.New("the token endpoint's answer is not the JSON of RFC 6749 §5.1")
	}
	if t.AccessToken == "" || strings.ContainsFunc(t.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", 0, errors.New("the token endpoint's answer has no usable access_token")
	}
	// token_type is not looked at: gateways write BearerToken or leave it out,
	// and a bearer token is all that this client can use it as.
	seconds, err := strconv.ParseInt(strings.Trim(string(t.ExpiresIn), `"`), 10, 32)
	if err != nil || seconds <= 0 {
		return t.AccessToken, unsaid, nil
	}
	return t.AccessToken, time.Duration(seconds) * time.Second, nil
}
