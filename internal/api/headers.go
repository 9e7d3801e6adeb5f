package api

import (
	"net/http"
	"time"
)

// fixedHeaders are sent with every response, as the tutorial shows them.
func fixedHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-XSS-Protection", "1; mode=block")
		h.Set("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
		h.Set("Pragma", "no-cache")
		h.Set("Expires", "0")
		h.Set("X-Frame-Options", "DENY")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

const (
	// mostBody bounds what any request may send.
	mostBody = 1 << 20
	// requestTime bounds a request until its response begins.
	requestTime = 20 * time.Second
	// bodyTime is how long it may take to send it.
	bodyTime = 30 * time.Second
)

// bounded bounds the body of a request, its size and its time. Downloads have
// none, and may take as long as they need.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			// Not every ResponseWriter can; the server's can.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
			r.Body = http.MaxBytesReader(w, r.Body, mostBody)
		}
		next.ServeHTTP(w, r)
	})
}
