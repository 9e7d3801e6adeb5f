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
