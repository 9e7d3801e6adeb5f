package api

import (
	"net/http"
	"strings"

	"github.com/rs/cors"
)

// crossOrigin lets scripts of the pages in Origins use the API (Fetch
// Standard, "CORS protocol"). Access tokens are sent by the script itself,
// never by the browser, so that no page gains by another's login. The account is for
// the pages of this server only.
func (a *API) crossOrigin(next http.Handler) http.Handler {
	if len(a.Origins) == 0 {
		return next
	}
	shared := cors.New(cors.Options{
		AllowedOrigins: a.Origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete},
		AllowedHeaders: []string{"Authorization", "Accept", "Content-Type", "Prefer", "Range", "If-Range", "If-Match", "If-None-Match", "Idempotency-Key"},
		ExposedHeaders: []string{"Content-Location", "Content-Length", "Content-Range", "Content-Disposition", "Accept-Ranges", "ETag", "Expires", "Retry-After",
			"WWW-Authenticate", "X-Progress", "X-Request-Id"},
		MaxAge: 600, // seconds
	}).Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, accountPrefix) {
			next.ServeHTTP(w, r)
			return
		}
		shared.ServeHTTP(w, r)
	})
}
