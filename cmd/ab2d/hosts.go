package main

import (
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"ab2d/internal/fhir"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// hostForm is a host with or without a port, as --allowed-hosts has it.
var hostForm = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// knownHosts rejects requests that address the server by another host than it has. A
// page of another site could otherwise reach it under its own name (DNS rebinding),
// and addresses in responses would lead where a caller pleases. With a public URL no
// address is made of the request.
func knownHosts(c *config, proxies obs.Proxies, next http.Handler) http.Handler {
	if c.PublicURL != "" {
		return next
	}
	allowed := map[string]bool{}
	for _, h := range c.AllowedHosts {
		allowed[strings.ToLower(h)] = true
	}
	if len(allowed) == 0 {
		host, _, _ := net.SplitHostPort(c.Listen) // was validated
		for _, h := range []string{"localhost", "127.0.0.1", "[::1]", strings.ToLower(host)} {
			allowed[h] = true
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		trusted := err == nil && proxies.Trusts(peer.Addr().Unmap()) // it says itself how it was addressed
		if asked := strings.ToLower(r.Host); trusted || allowed[asked] || allowed[withoutPort(asked)] {
			next.ServeHTTP(w, r)
			return
		}
		outcome := fhir.Outcome(fhir.ErrorIssue(fhir.CodeNotFound, "This server is not addressed by the host "+rest.Quoted(r.Host)+
			". Use its own address. The operator can allow the host with --allowed-hosts."))
		_ = rest.WriteJSON(w, http.StatusMisdirectedRequest, fhir.TypeFHIR, outcome) // fails only if the client has gone
	})
}

// withoutPort is a host without its port; an IPv6 address keeps its brackets.
func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}
