package obs

import (
	"crypto/tls"
	"net/http"
	"testing"
)

func TestParseProxies(t *testing.T) {
	for _, bad := range []string{"", "10.0.0.0/33", "example.org", "10.0.0.1:80", "10.0.0.0/"} {
		if p, err := ParseProxies([]string{"10.0.0.1", bad}); err == nil {
			t.Errorf("%q was read as %v", bad, p)
		}
	}
}

// TestForwarded: headers of a proxy count, the same from somebody else do not.
func TestForwarded(t *testing.T) {
	proxies, err := ParseProxies([]string{"10.0.0.0/8", "2001:db8::1"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from              string
		tls               bool
		proto, host, hops string
		origin, caller    string
		believed          Proxies
		xffAgain          string
	}{
		"direct":                    {from: "192.0.2.7:5", origin: "http://inner:8080", caller: "192.0.2.7", believed: proxies},
		"direct over TLS":           {from: "192.0.2.7:5", tls: true, origin: "https://inner:8080", caller: "192.0.2.7", believed: proxies},
		"a liar":                    {from: "192.0.2.7:5", proto: "https", host: "evil.example", hops: "10.1.1.1", origin: "http://inner:8080", caller: "192.0.2.7", believed: proxies},
		"nobody is believed":        {from: "10.0.0.1:5", proto: "https", host: "ab2d.example", hops: "192.0.2.9", origin: "http://inner:8080", caller: "10.0.0.1"},
		"a proxy":                   {from: "10.0.0.1:5", proto: "https", host: "ab2d.example", hops: "192.0.2.9", origin: "https://ab2d.example", caller: "192.0.2.9", believed: proxies},
		"two proxies":               {from: "10.0.0.1:5", proto: "https, http", host: "evil.example, ab2d.example:8443", hops: "6.6.6.6, 192.0.2.9, 10.0.0.2", origin: "https://ab2d.example:8443", caller: "192.0.2.9", believed: proxies},
		"two headers":               {from: "10.0.0.1:5", hops: "6.6.6.6", xffAgain: "192.0.2.9", origin: "http://inner:8080", caller: "192.0.2.9", believed: proxies},
		"six":                       {from: "[2001:db8::1]:5", hops: "2001:db8::7", origin: "http://inner:8080", caller: "2001:db8::7", believed: proxies},
		"four in six":               {from: "[::ffff:10.0.0.1]:5", hops: "192.0.2.9", origin: "http://inner:8080", caller: "192.0.2.9", believed: proxies},
		"what is no host":           {from: "10.0.0.1:5", proto: "gopher", host: "a/b", hops: "unknown", origin: "http://inner:8080", caller: "10.0.0.1", believed: proxies},
		"nothing but proxies":       {from: "10.0.0.1:5", hops: "10.0.0.3", origin: "http://inner:8080", caller: "10.0.0.3", believed: proxies},
		"what is no address at all": {from: "@", proto: "https", origin: "http://inner:8080", caller: "invalid IP", believed: proxies},
	} {
		r := &http.Request{RemoteAddr: c.from, Host: "inner:8080", Header: http.Header{}}
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		for header, value := range map[string]string{"X-Forwarded-Proto": c.proto, "X-Forwarded-Host": c.host, "X-Forwarded-For": c.hops} {
			if value != "" {
				r.Header.Set(header, value)
			}
		}
		if c.xffAgain != "" {
			r.Header.Add("X-Forwarded-For", c.xffAgain)
		}
		if got := c.believed.Origin(r); got != c.origin {
			t.Errorf("%s: origin %s, want %s", name, got, c.origin)
		}
		if got := c.believed.Caller(r).String(); got != c.caller {
			t.Errorf("%s: caller %s, want %s", name, got, c.caller)
		}
	}
}
