package obs

import (
	"context"
	"net/netip"
)

type callerKey struct{}

// WithCaller notes the address that a request comes from.
func WithCaller(ctx context.Context, a netip.Addr) context.Context {
	return context.WithValue(ctx, callerKey{}, a)
}

// CallerOf gives the address that the request of ctx comes from; the zero Addr
// when it is not known.
func CallerOf(ctx context.Context) netip.Addr {
	a, _ := ctx.Value(callerKey{}).(netip.Addr)
	return a
}

// Network is the network of an address, by which callers share allowances: the /24
// of an IPv4 address, and the /64 of an IPv6 address, which is what one host has.
func Network(a netip.Addr) string {
	bits := 64
	if a = a.Unmap(); a.Is4() {
		bits = 24
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return p.String()
}
