package hpms

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// tokenScopes is what the token is asked for: organizations and attestations.
const tokenScopes = "cda_org_att"

// token is what calls are authorized with. The zero value is none.
type token struct {
	value   string
	cookies string    // that came with it, and that HPMS's gateways want back
	until   time.Time // from then on another one is asked for; zero: when it is refused
}

// header is that of a call.
func (t *token) header(keyID string) http.Header {
	h := http.Header{"Authorization": {t.value}, "X-Api-Consumer-Id": {keyID}}
	if t.cookies != "" {
		h.Set("Cookie", t.cookies)
	}
	return h
}

// authorize gets a token if there is none, or if the one that there is has lived four
// fifths of its life.
func (c *Client) authorize(ctx context.Context) error {
	now := c.config.Now()
	if c.token.value != "" && (c.token.until.IsZero() || now.Before(c.token.until)) {
		return nil
	}
	body, err := json.Marshal(map[string]string{"userName": c.config.User, "keyId": c.config.KeyID, "keySecret": c.config.KeySecret, "scopes": tokenScopes})
	if err != nil {
		return errors.New("write the request for a token of HPMS") // err could quote the secret
	}
	const most = 64 << 10
	return c.call(ctx, http.MethodPost, tokenPath, nil, body, http.Header{"Content-Type": {"application/json"}}, most, func(resp *http.Response, answer []byte) error {
		t, err := parseToken(answer, now)
		if err != nil {
			return err
		}
		t.cookies = cookiesOf(resp)
		c.token = t
		return nil
	})
}

// parseToken reads the answer to a request for a token. Its errors quote nothing.
func parseToken(answer []byte, now time.Time) (token, error) {
	var a struct {
		AccessToken string `json:"accessToken"`
		Expires     int64  `json:"expires"` // in seconds from now
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return token{}, errors.New("it is not a token in JSON")
	}
	const longest = 16 << 10
	bad := func(r rune) bool { return r < ' ' || r > '~' }
	if a.AccessToken == "" || len(a.AccessToken) > longest || strings.ContainsFunc(a.AccessToken, bad) {
		return token{}, errors.New("its accessToken is missing, or cannot be sent")
	}
	t := token{value: a.AccessToken}
	if a.Expires > 0 {
		t.until = now.Add(time.Duration(min(a.Expires, 24*60*60)) * time.Second / 5 * 4)
	}
	return t, nil
}

// cookiesOf gives the cookies of an answer as a request sends them.
func cookiesOf(resp *http.Response) string {
	var pairs []string
	for _, c := range resp.Cookies() {
		pairs = append(pairs, (&http.Cookie{Name: c.Name, Value: c.Value, Quoted: c.Quoted}).String())
	}
	return strings.Join(pairs, "; ")
}
