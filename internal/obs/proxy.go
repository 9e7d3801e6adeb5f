package obs

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
)

// Proxies are the addresses whose X-Forwarded headers are believed. From
// anybody else they are what the caller pleases, and are not looked at. The
// zero value believes nobody.
type Proxies []netip.Prefix

// ParseProxies reads addresses and networks (192.0.2.1, 10.0.0.0/8, ::1).
func ParseProxies(list []string) (Proxies, error) {
	var p Proxies
	for _, s := range list {
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(s); err == nil {
				prefix, err = a.Prefix(a.BitLen())
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network; write 192.0.2.1 or 10.0.0.0/8", s)
		}
		p = append(p, prefix.Masked())
	}
	return p, nil
}

// Trusts tells whether an address is of a trusted proxy.
func (p Proxies) Trusts(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// peer is the other end of the connection; the zero Addr if that cannot be read.
func peer(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap().WithZone("")
}

// Caller is the address that the request comes from: the last one in
// X-Forwarded-For that is not a trusted proxy's, for what stands before it was
// written by the caller. The zero Addr if there is none to be read.
func (p Proxies) Caller(r *http.Request) netip.Addr {
	at := peer(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.Trusts(at); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = hop.Unmap().WithZone("")
	}
	return at
}

// host is what may stand in a Host header (RFC 9110 §7.2).
var host = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// Origin is how the caller reached this server: scheme and host, as
// https://ab2d.example.org.
func (p Proxies) Origin(r *http.Request) string {
	scheme, at := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if p.Trusts(peer(r)) {
		if s := first(r, "X-Forwarded-Proto"); s == "http" || s == "https" {
			scheme = s
		}
		if h := last(r, "X-Forwarded-Host"); host.MatchString(h) {
			at = h
		}
	}
	return scheme + "://" + at
}

// first is the first of a header's values, which the proxy nearest to the
// caller wrote.
func first(r *http.Request, name string) string {
	value, _, _ := strings.Cut(r.Header.Get(name), ",")
	return strings.TrimSpace(value)
}

// last is the last of a header's values, which the proxy nearest to this server wrote:
// those before it may be the caller's.
func last(r *http.Request, name string) string {
	values := strings.Split(strings.Join(r.Header.Values(name), ","), ",")
	return strings.TrimSpace(values[len(values)-1])
}
