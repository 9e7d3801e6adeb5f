package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// tokenEndpoint checks an assertion as SMART Backend Services has a server do.
type tokenEndpoint struct {
	t    *testing.T
	url  string
	key  jose.JSONWebKey // public
	seen map[string]bool
}

func (e *tokenEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" || r.PostFormValue("grant_type") != "client_credentials" ||
		r.PostFormValue("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" ||
		r.PostFormValue("scope") != "system/ExplanationOfBenefit.rs" {
		e.t.Errorf("asked with %v", r.PostForm)
	}
	signed, err := jwt.ParseSigned(r.PostFormValue("client_assertion"), []jose.SignatureAlgorithm{jose.RS384, jose.ES384})
	if err != nil {
		e.t.Fatal(err)
	}
	if h := signed.Headers[0]; h.KeyID != e.key.KeyID || h.ExtraHeaders["typ"] != "JWT" || h.Algorithm != e.key.Algorithm {
		e.t.Errorf("header %+v, key %s for %s", h, e.key.KeyID, e.key.Algorithm)
	}
	var claims jwt.Claims
	if err := signed.Claims(e.key, &claims); err != nil {
		e.t.Fatal(err)
	}
	if err := claims.ValidateWithLeeway(jwt.Expected{Issuer: "client", Subject: "client", AnyAudience: jwt.Audience{e.url}, Time: aDay}, 0); err != nil {
		e.t.Error(err)
	}
	if claims.Expiry.Time().After(aDay.Add(5*time.Minute)) || claims.ID == "" || e.seen[claims.ID] {
		e.t.Errorf("claims %+v", claims)
	}
	e.seen[claims.ID] = true
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"error":"invalid_client","error_description":"not %s"}`, r.PostFormValue("client_assertion"))
}

// keyCase is a private key in one of its forms.
type keyCase struct {
	name   string
	data   []byte
	id     string
	want   string // kid; empty for the thumbprint
	alg    string
	public any
}

func keyCases(t *testing.T) []keyCase {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	jwk := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: rsaKey.Public(), KeyID: "p"}, {Key: rsaKey, KeyID: "a"}, {Key: ecKey, KeyID: "b"}}}
	return []keyCase{
		{"RSA in PKCS 8", pkcs8(rsaKey), "k1", "k1", "RS384", rsaKey.Public()},
		{"RSA in PKCS 1", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}), "", "", "RS384", rsaKey.Public()},
		{"P-384 in SEC 1", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}), "k2", "k2", "ES384", ecKey.Public()},
		{"JWK", jwk(jose.JSONWebKey{Key: ecKey, KeyID: "own"}), "", "own", "ES384", ecKey.Public()},
		{"of a set", jwk(set), "a", "a", "RS384", rsaKey.Public()},
	}
}

func TestPrivateKey(t *testing.T) {
	for _, tt := range keyCases(t) {
		t.Run(tt.name, func(t *testing.T) {
			key, err := ParseKey(tt.data, tt.id)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want != "" && key.ID() != tt.want || len(key.ID()) < 1 || strings.Contains(fmt.Sprintf("%v %+v %#v", key, key, key), "signer") {
				t.Errorf("kid %q", key.ID())
			}
			e := &tokenEndpoint{t: t, key: jose.JSONWebKey{Key: tt.public, KeyID: key.ID(), Algorithm: tt.alg}, seen: map[string]bool{}}
			h := httptest.NewServer(e)
			defer h.Close()
			e.url = h.URL + "/token"
			c, err := New(Config{BaseURL: h.URL, TokenURL: e.url, ClientID: "client", Key: key, Now: func() time.Time { return aDay }})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err = c.Start(t.Context(), Request{}); err == nil || strings.Contains(err.Error(), "ey") && strings.Contains(err.Error(), ".") && !strings.Contains(err.Error(), "[removed]") {
					t.Errorf("got %v", err)
				}
			}
			if len(e.seen) != 2 {
				t.Errorf("%d assertions", len(e.seen))
			}
		})
	}
}

func TestParseKeyRefuses(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip(err) // the Go runtime may refuse it by itself
	}
	short, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ec, _ := x509.MarshalECPrivateKey(short)
	public, _ := json.Marshal(jose.JSONWebKey{Key: short.Public()})
	for _, tt := range []struct {
		name, data, want string
	}{
		{"short RSA", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(weak)})), "1024 bits"},
		{"P-256", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ec})), "use P-384"},
		{"public", string(public), "public key"},
		{"encrypted", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "encrypted"},
		{"certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a private key"},
		{"nonsense", "very secret", "neither PEM nor a JWK"},
		{"empty set", `{"keys":[]}`, ""},
		{"bad base64", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ""},
	} {
		if _, err := ParseKey([]byte(tt.data), ""); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "very secret") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestDiscover(t *testing.T) {
	for _, tt := range []struct {
		name, smart, metadata, want string
	}{
		{"SMART", `{"token_endpoint":"https://id.example.org/token"}`, "", "https://id.example.org/token"},
		{"relative", `{"token_endpoint":"/token"}`, "", "BASE/token"},
		{"capabilities", "", `{"rest":[{"security":{"extension":[{"url":"` + oauthURIs + `","extension":[{"url":"token","valueUri":"https://id.example.org/t"}]}]}}]}`, "https://id.example.org/t"},
		{"unsafe", `{"token_endpoint":"http://id.example.org/token"}`, "{}", ""},
		{"none", "{}", "[]", ""},
	} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := map[string]string{"/fhir/.well-known/smart-configuration": tt.smart, "/fhir/metadata": tt.metadata}[r.URL.Path]
			if body == "" {
				w.WriteHeader(http.StatusNotFound)
			}
			fmt.Fprint(w, body)
		}))
		got, err := Discover(t.Context(), h.URL+"/fhir", nil)
		if want := strings.Replace(tt.want, "BASE", h.URL, 1); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v", tt.name, got, err)
		}
		h.Close()
	}
}

// FuzzParseKey takes any bytes for a key: what is taken can sign.
func FuzzParseKey(f *testing.F) {
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(ecKey)
	if err != nil {
		f.Fatal(err)
	}
	jwk, err := json.Marshal(jose.JSONWebKey{Key: ecKey, KeyID: "k"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), "")
	f.Add(jwk, "")
	f.Add([]byte(`{"keys":[`+string(jwk)+`]}`), "k")
	f.Fuzz(func(t *testing.T, data []byte, id string) {
		key, err := ParseKey(data, id)
		if err != nil {
			return
		}
		if _, err := key.assertion("client", "https://h/token", aDay); err != nil {
			t.Error(err)
		}
	})
}
