package auth

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestFetchingIsSafe: what a registered address can make this server do.
func TestFetchingIsSafe(t *testing.T) {
	endless := func(w http.ResponseWriter, _ *http.Request) { io.CopyN(w, zeros{}, 10<<20) }
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/endless":
			endless(w, r)
		case "/elsewhere":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		case "/error":
			http.Error(w, "no", http.StatusForbidden)
		default:
			w.Write([]byte("{}"))
		}
	}))
	defer s.Close()
	open := NewFetcher(true, time.Now)
	open.client.Transport = s.Client().Transport
	if b, err := open.get(t.Context(), s.URL+"/good"); err != nil || string(b) != "{}" {
		t.Errorf("%s, %v", b, err)
	}
	for path, says := range map[string]string{"/endless": "more than", "/elsewhere": "redirect", "/error": "403"} {
		if _, err := open.get(t.Context(), s.URL+path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, address := range []string{"http://example.org/", "file:///etc/passwd", "https://", "https://a:b@example.org/", "https://example.org/#x", "gopher://x", ""} {
		if _, err := open.get(t.Context(), address); err == nil {
			t.Errorf("%q was fetched", address)
		}
	}
	if _, err := NewFetcher(false, time.Now).get(t.Context(), s.URL); !errors.Is(err, errPrivate) {
		t.Errorf("a local address: %v", err)
	}
}

func TestPublicAddresses(t *testing.T) {
	for address, public := range map[string]bool{
		"8.8.8.8:443": true, "[2606:4700::1111]:443": true, "127.0.0.1:443": false, "10.1.2.3:443": false, "172.16.0.1:443": false,
		"192.168.1.1:443": false, "169.254.169.254:80": false, "100.64.0.1:443": false, "0.0.0.0:443": false, "[::1]:443": false,
		"[fe80::1]:443": false, "[fc00::1]:443": false, "[::ffff:127.0.0.1]:443": false, "[64:ff9b::a00:1]:443": false, "[2002:7f00:1::]:443": false,
		"224.0.0.1:443": false, "255.255.255.255:443": false, "198.18.0.1:443": false, "nonsense": false,
		"192.0.2.1:443": false, "203.0.113.9:443": false, "198.51.100.1:443": false, "192.88.99.1:443": false, "1.1.1.1:443": true, "[2001:4860::8888]:443": true,
		"[2001:db8::1]:443": false, "[2001::1]:443": false, "[2001:20::1]:443": false, "[3fff::1]:443": false, "[4000::1]:443": false, "[100::1]:443": false,
		"[5f00::1]:443": false, "[ff02::1]:443": false, "[::]:443": false, "[64:ff9b:1::1]:443": false, "[::8.8.8.8]:443": false, "[fec0::1]:443": false,
	} {
		if got := checkPublic(address) == nil; got != public {
			t.Errorf("%s is public: %v", address, got)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
