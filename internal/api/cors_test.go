package api_test

import (
	"net/http"
	"strings"
	"testing"

	"ab2d/internal/obs"
)

const page = "https://pages.example.org"

// TestBrowsersMayAsk: a browser asks before it lets a script send a token, and
// what the script needs of the answers it may read.
func TestBrowsersMayAsk(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers, s.config.Origins = 0, []string{page} })
	for path, method := range map[string]string{patientV1: "GET", patientV2: "POST", tokenPath: "POST", "/api/v2/fhir/Job/" + nobody + "/$status": "DELETE"} {
		a := s.do("", "OPTIONS", path, "Origin: "+page, "Access-Control-Request-Method: "+method, "Access-Control-Request-Headers: authorization,idempotency-key,prefer")
		if a.status != http.StatusNoContent || a.header.Get("Access-Control-Allow-Origin") != page || a.header.Get("Access-Control-Allow-Methods") != method ||
			!strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "authorization") || a.header.Get("Access-Control-Max-Age") != "600" {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
		other := s.do("", "OPTIONS", path, "Origin: https://evil.example.org", "Access-Control-Request-Method: "+method)
		if got := other.header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: another page may, too: %s", path, got)
		}
	}
	a := s.do(one, "GET", patientV1, "Origin: "+page)
	if a.status != http.StatusAccepted || a.header.Get("Access-Control-Allow-Origin") != page {
		t.Errorf("%d %v", a.status, a.header)
	}
	for _, name := range []string{"Content-Location", "X-Progress", "Retry-After", "Expires", "Etag", "X-Request-Id"} {
		if !strings.Contains(strings.ToLower(a.header.Get("Access-Control-Expose-Headers")), strings.ToLower(name)) {
			t.Errorf("a script cannot read %s", name)
		}
	}
	if a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("cookies are asked for")
	}
	a = s.do("", "GET", patientV1, "Origin: "+page) // errors can be read as well
	if a.status != http.StatusUnauthorized || a.header.Get("Access-Control-Allow-Origin") != page {
		t.Errorf("%d %v", a.status, a.header)
	}
}

func TestNoPageMayAskUnlessAllowed(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	a := s.do("", "OPTIONS", patientV1, "Origin: "+page, "Access-Control-Request-Method: GET")
	if a.status != http.StatusNoContent || a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Allow") != "GET, OPTIONS" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// TestBehindAProxy: addresses are those that the client uses, as a proxy tells
// them; nobody else can.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	proxies, err := obs.ParseProxies([]string{"127.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, func(s *server) { s.config.Address.Proxies = proxies })
	headers := []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: ab2d.example.org"}
	a := s.do(one, "GET", patientV2, headers...)
	status := a.header.Get("Content-Location")
	if !strings.HasPrefix(status, "https://ab2d.example.org/api/v2/fhir/Job/") {
		t.Fatalf("%d, Content-Location %s", a.status, status)
	}
	inside := s.url + strings.TrimPrefix(status, "https://ab2d.example.org")
	m := s.finish(one, inside)
	if !strings.HasPrefix(m.Request, "https://ab2d.example.org/api/v2/fhir/Patient/$export") {
		t.Errorf("request %s", m.Request)
	}
	plain := newServer(t, func(s *server) { s.workers = 0 })
	if a := plain.do(one, "GET", patientV2, headers...); !strings.HasPrefix(a.header.Get("Content-Location"), plain.url) {
		t.Errorf("anybody is believed: %s", a.header.Get("Content-Location"))
	}
}
