package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// oauthURIs is the extension of a CapabilityStatement that tells the endpoints
// of OAuth2.
const oauthURIs = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"

// ErrNotThere says that nothing answers at the server's address.
var ErrNotThere = errors.New("no server answers")

// Reach tells whether a server answers at its address, whatever it answers: an
// ErrNotThere if not. It does not wait and try again, so that a mistyped address
// or a server that is not started is told at once. Other faults, such as a slow
// answer, pass: the requests that follow bear with those. h may be nil.
func Reach(ctx context.Context, base string, h *http.Client) error {
	c, err := New(Config{BaseURL: base, HTTP: h})
	if err != nil {
		return err
	}
	resp, err := c.attempt(ctx, http.MethodGet, c.base.JoinPath("metadata"), header("application/fhir+json"), nil, "")
	if err == nil {
		return resp.Body.Close()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return NotThere(origin(c.base), err)
}

// NotThere is an ErrNotThere with the reason, if the error of a request says that no
// such server answers at an address, and otherwise nil.
func NotThere(address string, err error) error {
	why := ""
	switch name := new(net.DNSError); {
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%w at %s: what answers there does not use TLS. Write http:// instead of https://, or another port", ErrNotThere, address)
	case errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.Errno(10061)): // the latter is WSAECONNREFUSED
		why = "the connection was refused"
	case errors.As(err, &name) && name.IsNotFound:
		why = "there is no host of this name"
	default:
		return nil
	}
	return fmt.Errorf("%w at %s: %s. Is it running?", ErrNotThere, address, why)
}

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
	resp, err := c.attempt(ctx, http.MethodGet, at, header("application/json, application/fhir+json"), nil, "")
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
