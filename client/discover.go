package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// oauthURIs is the extension of a CapabilityStatement that tells the endpoints
// of OAuth2.
const oauthURIs = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"

// Discover asks a FHIR server for its token endpoint: by its SMART
// configuration (SMART App Launch, "Using .well-known"), else by its
// CapabilityStatement. What it names must be https, or at the server itself,
// because the client's secret goes there. h may be nil.
func Discover(ctx context.Context, base string, h *http.Client) (tokenURL string, err error) {
	c, err := New(Config{BaseURL: base, HTTP: h})
	if err != nil {
		return "", err
	}
	var faults []error
	for _, place := range []struct {
		path string
		find func(body []byte) string
	}{{".well-known/smart-configuration", fromSMART}, {"metadata", fromCapabilities}} {
		found, err := c.discover(ctx, c.base.JoinPath(place.path), place.find)
		if err == nil {
			return found, nil
		}
		faults = append(faults, fmt.Errorf("%s: %w", place.path, err))
	}
	return "", fmt.Errorf("finding the server's token endpoint: %w", errors.Join(faults...))
}

func (c *Client) discover(ctx context.Context, at *url.URL, find func([]byte) string) (string, error) {
	resp, err := c.attempt(ctx, http.MethodGet, at, header("application/json, application/fhir+json"), "")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", c.refusal(resp)
	}
	body, err := readBody(resp, maxSmallBody)
	if err != nil {
		return "", err
	}
	found := find(body)
	if found == "" {
		return "", errors.New("it names no token endpoint")
	}
	u, err := c.resolve(found, resp.Request.URL)
	if err != nil {
		return "", err
	}
	if u.Scheme != "https" && !c.own(u) {
		return "", fmt.Errorf("its token endpoint is at %s, which is neither https nor the server itself", origin(u))
	}
	return u.String(), nil
}

func fromSMART(body []byte) string {
	var s struct {
		TokenEndpoint string `json:"token_endpoint"`
	}
	if json.Unmarshal(body, &s) != nil {
		return ""
	}
	return strings.TrimSpace(s.TokenEndpoint)
}

func fromCapabilities(body []byte) string {
	var s struct {
		Rest []struct {
			Security struct {
				Extension json.RawMessage `json:"extension"`
			} `json:"security"`
		} `json:"rest"`
	}
	if json.Unmarshal(body, &s) != nil {
		return ""
	}
	for _, r := range s.Rest {
		var uris struct {
			Extension json.RawMessage `json:"extension"`
		}
		if json.Unmarshal(extensions(r.Security.Extension)[oauthURIs], &uris) != nil {
			continue
		}
		var found string
		if json.Unmarshal(valueOf(extensions(uris.Extension)["token"], "valueUri"), &found) == nil {
			return found
		}
	}
	return ""
}
