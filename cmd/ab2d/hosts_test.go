package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ab2d/internal/obs"
)

// TestKnownHosts: by default a server is addressed by this machine's names only, and
// otherwise by those that are allowed. A trusted proxy is believed.
func TestKnownHosts(t *testing.T) {
	proxies, err := obs.ParseProxies([]string{"192.0.2.9"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		public, allowed, from, host string
		want                        int
	}{
		{"", "", "192.0.2.1:5", "localhost:8080", 200}, {"", "", "192.0.2.1:5", "127.0.0.1:1", 200}, {"", "", "192.0.2.1:5", "[::1]:8080", 200},
		{"", "", "192.0.2.1:5", "LOCALHOST", 200}, {"", "", "192.0.2.1:5", "evil.example", 421}, {"", "", "192.0.2.1:5", "localhost.evil.example:8080", 421},
		{"", "", "192.0.2.1:5", "", 421}, {"", "", "192.0.2.9:5", "ab2d.example.org", 200},
		{"", "ab2d.example.org,b:81", "192.0.2.1:5", "ab2d.example.org:8443", 200}, {"", "b:81", "192.0.2.1:5", "b:81", 200},
		{"", "b:81", "192.0.2.1:5", "b:82", 421}, {"", "b:81", "192.0.2.1:5", "localhost", 421},
		{"https://ab2d.example.org", "", "192.0.2.1:5", "evil.example", 200},
	} {
		cfg := config{Listen: "localhost:8080", PublicURL: c.public}
		if c.allowed != "" {
			cfg.AllowedHosts = strings.Split(c.allowed, ",")
		}
		h := knownHosts(&cfg, proxies, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Host, r.RemoteAddr = c.host, c.from
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != c.want {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

// TestOtherMachinesNeedAnAddress: a server that listens for other machines has to
// know how it is addressed.
func TestOtherMachinesNeedAnAddress(t *testing.T) {
	for _, c := range []struct {
		listen, public string
		allowed        []string
		wrong          bool
	}{
		{listen: ":8080", wrong: true}, {listen: "192.0.2.1:8080", wrong: true}, {listen: "localhost:8080"}, {listen: "[::1]:0"},
		{listen: ":8080", public: "https://ab2d.example.org"}, {listen: ":8080", allowed: []string{"ab2d.example.org"}},
		{listen: "localhost:0", allowed: []string{"a b"}, wrong: true},
	} {
		cfg := config{Listen: c.listen, PublicURL: c.public, AllowedHosts: c.allowed}
		err := cfg.validate() // of which other settings are wrong, too
		if got := strings.Contains(err.Error(), "--allowed-hosts"); got != c.wrong {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
