package auth

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
)

// TestKeysVerifyTokens checks a token as somebody would who knows nothing but
// the published keys.
func TestKeysVerifyTokens(t *testing.T) {
	w := newWorld(t)
	resp, body := call{method: "GET"}.do(t, w.url+KeysPath)
	if resp.StatusCode != http.StatusOK || strings.Contains(body, `"d":`) {
		t.Fatalf("status %d, %s", resp.StatusCode, body)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(body), &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		if k.Use != "sig" || k.Algorithm != "ES256" || !k.IsPublic() {
			t.Errorf("key %+v", k)
		}
	}
	parsed, err := jwt.ParseSigned(w.token(t, asTheyAre), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var got jwt.Claims
	if err := parsed.Claims(set, &got); err != nil || got.Subject != sandboxID {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestMetadata(t *testing.T) {
	w := newWorld(t)
	resp, body := call{method: "GET"}.do(t, w.url+"/.well-known/oauth-authorization-server")
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "application/json" {
		t.Fatalf("status %d, type %q", resp.StatusCode, got)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"issuer":                                issuer,
		"token_endpoint":                        issuer + "/v1/token",
		"jwks_uri":                              issuer + "/v1/keys",
		"scopes_supported":                      []any{"clientCreds", "system/*.read", "system/*.rs", "system/ExplanationOfBenefit.read", "system/ExplanationOfBenefit.rs", "account"},
		"response_types_supported":              []any{"none"},
		"grant_types_supported":                 []any{"client_credentials"},
		"token_endpoint_auth_methods_supported": []any{"client_secret_basic", "client_secret_post", "private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": []any{"RS384", "ES384"},
		"subject_types_supported":                          []any{"public"},
		"id_token_signing_alg_values_supported":            []any{"ES256"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestPublishedDocumentsAreOnlyRead(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{KeysPath, "/.well-known/oauth-authorization-server"} {
		resp, _ := call{method: "POST"}.do(t, w.url+path)
		if got := resp.Header.Get("Allow"); resp.StatusCode != http.StatusMethodNotAllowed || got != "GET, HEAD" {
			t.Errorf("POST %s: status %d, Allow %q", path, resp.StatusCode, got)
		}
		resp, body := call{method: "HEAD"}.do(t, w.url+path)
		if resp.StatusCode != http.StatusOK || body != "" {
			t.Errorf("HEAD %s: status %d, body %q", path, resp.StatusCode, body)
		}
	}
	if len(w.faults) > 0 {
		t.Error(<-w.faults)
	}
}
