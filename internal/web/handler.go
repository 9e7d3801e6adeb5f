package web

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Handler serves the pages that settings describe, and leaves every other request to
// next. The pages are made when the first of them is asked for: that takes a fifth of a
// second, and many servers never show one. An error, which is a fault of what is
// embedded, is logged and answered with status 500. Safe for concurrent use.
func Handler(log *slog.Logger, settings func() (Settings, error), next http.Handler) http.Handler {
	pages := sync.OnceValues(func() (http.Handler, error) {
		s, err := settings()
		if err != nil {
			return nil, err
		}
		site, err := New(s)
		if err != nil {
			return nil, err
		}
		return site.Handler(next), nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !mayBePage(r) {
			next.ServeHTTP(w, r)
			return
		}
		h, err := pages()
		if err != nil {
			log.Error("the pages cannot be shown", "error", err)
			http.Error(w, "The pages of this server are damaged. Tell its operator.", http.StatusInternalServerError)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// mayBePage tells whether a request can be for a page, or its error may become one.
// All other requests need no pages.
func mayBePage(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if first == "account" { // programs ask /account/v1
		return wantsPage(r) || strings.Trim(r.URL.Path, "/") == "account"
	}
	return wantsPage(r) || slices.Contains([]string{"", "setup", "try", "dashboard", "docs", "reference", "assets"}, first)
}
