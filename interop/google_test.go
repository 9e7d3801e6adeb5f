package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// google goes the way of Google's bulk_fhir_fetch, typed anew from what it is
// known to do:
//
//   - Its access token comes by HTTP Basic, with the scopes in a form.
//   - It renews the token on 401 alone, and then asks again; any other error ends
//     it, but for a 404 of a file.
//   - The kick-off has one Content-Location, a status under way has one X-Progress
//     and a Retry-After in seconds.
//   - transactionTime is a FHIR instant, and _since of the next export.
//   - Lines of files have up to 500 KiB.
type google struct {
	base, tokenURL string
	token          string
	renewed        int
}

// googleLine is the longest line it reads.
const googleLine = 500 << 10

var errUnauthorized = errors.New("server indicates this client is unauthorized")

// authenticate gets a token.
func (g *google) authenticate(ctx context.Context) error {
	form := url.Values{"scope": {"system/*.read"}, "grant_type": {"client_credentials"}}
	r, err := http.NewRequestWithContext(ctx, "POST", g.tokenURL, bytes.NewBufferString(form.Encode()))
	if err != nil {
		return err
	}
	r.SetBasicAuth(clientID, clientSecret)
	r.Header.Add("Accept", "application/json")
	r.Header.Add("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var granted struct {
		Token   string  `json:"access_token"`
		Expires float64 `json:"expires_in"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&granted); err != nil || resp.StatusCode != http.StatusOK || granted.Expires == 0 {
		return fmt.Errorf("token: %s %w", resp.Status, err)
	}
	g.token = granted.Token
	return nil
}

// get asks, and asks once more with a new token.
func (g *google) get(ctx context.Context, target string, headers ...string) (*http.Response, error) {
	resp, err := g.once(ctx, target, headers...)
	if !errors.Is(err, errUnauthorized) {
		return resp, err
	}
	if err := g.authenticate(ctx); err != nil {
		return nil, err
	}
	g.renewed++
	return g.once(ctx, target, headers...)
}

func (g *google) once(ctx context.Context, target string, headers ...string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", target, nil)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	r.Header.Set("Authorization", "Bearer "+g.token)
	resp, err := http.DefaultClient.Do(r)
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode == http.StatusUnauthorized:
		resp.Body.Close()
		return nil, errUnauthorized
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusAccepted:
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return nil, fmt.Errorf("unexpected status %s: %s", resp.Status, body)
	}
	return resp, nil
}

var instant = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// fetch exports all since a moment, and gives the number of claims and the next moment.
func (g *google) fetch(ctx context.Context, since string) (claims int, next string, err error) {
	resp, err := g.get(ctx, g.base+"/Patient/$export?"+url.Values{"_since": {since}, "_type": {"ExplanationOfBenefit"}}.Encode(),
		"Accept", "application/fhir+json", "Prefer", "respond-async")
	if err != nil {
		return 0, "", err
	}
	resp.Body.Close()
	locations := resp.Header.Values("Content-Location")
	if len(locations) != 1 {
		return 0, "", fmt.Errorf("one Content-Location header value expected: %q", locations)
	}
	m, err := g.monitor(ctx, locations[0])
	if err != nil {
		return 0, "", err
	}
	if _, err := time.Parse(time.RFC3339, m.TransactionTime); err != nil || !instant.MatchString(m.TransactionTime) {
		return 0, "", fmt.Errorf("the transactionTime is %q", m.TransactionTime)
	}
	for _, f := range m.Output {
		resp, err := g.get(ctx, f.URL)
		if err != nil {
			return 0, "", err
		}
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, googleLine)
		for lines.Scan() {
			claims++
		}
		resp.Body.Close()
		if err := lines.Err(); err != nil {
			return 0, "", err
		}
	}
	return claims, m.TransactionTime, nil
}

// monitor asks for the status until there is a manifest.
func (g *google) monitor(ctx context.Context, location string) (*manifest, error) {
	for {
		resp, err := g.get(ctx, location)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusOK {
			m := new(manifest)
			err := json.NewDecoder(resp.Body).Decode(m)
			resp.Body.Close()
			return m, err
		}
		resp.Body.Close()
		if p := resp.Header.Values("X-Progress"); len(p) != 1 {
			return nil, fmt.Errorf("one X-Progress header value expected: %q", p)
		}
		seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		if err != nil {
			return nil, fmt.Errorf("Retry-After: %w", err)
		}
		select {
		case <-time.After(time.Duration(seconds) * time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// TestGoogle: its token expires while it waits for the job, and is renewed.
func TestGoogle(t *testing.T) {
	t.Parallel()
	server := sandbox(t, "--token-lifetime=1s")
	for name, base := range map[string]string{"STU3": "/api/v1/fhir", "R4": "/api/v2/fhir"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			g := &google{base: server + base, tokenURL: server + tokenPath}
			if err := g.authenticate(ctx); err != nil {
				t.Fatal(err)
			}
			claims, next, err := g.fetch(ctx, "2020-03-01T00:00:00.000-05:00")
			if err != nil || int64(claims) != claimsOfPDP100 {
				t.Fatalf("%d claims, want %d; %v", claims, claimsOfPDP100, err)
			}
			if claims, _, err := g.fetch(ctx, next); err != nil || claims != 0 {
				t.Errorf("after that there are %d more claims, %v", claims, err)
			}
			if g.renewed == 0 {
				t.Error("the token did not expire")
			}
		})
	}
}
