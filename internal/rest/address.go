package rest

import (
	"net/http"

	"ab2d/internal/audit"
	"ab2d/internal/obs"
)

// Address is where callers reach this server.
type Address struct {
	// PublicURL is scheme and host, without a slash at the end. If it is empty,
	// each request tells.
	PublicURL string
	Proxies   obs.Proxies // those whose headers are trusted
}

// Origin returns scheme and host where the caller reaches this server.
func (a Address) Origin(r *http.Request) string {
	if a.PublicURL != "" {
		return a.PublicURL
	}
	return a.Proxies.Origin(r)
}

// Identify gives each request an id, and notes the caller's address for the log
// and the audit log. It must be the outermost handler.
func (a Address) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := obs.WithRequest(r.Context())
		caller := a.Proxies.Caller(r)
		facts := &audit.Facts{Request: obs.RequestID(ctx)}
		if caller.IsValid() {
			facts.From = caller.String()
		}
		next.ServeHTTP(w, r.WithContext(audit.With(obs.WithCaller(ctx, caller), facts)))
	})
}
