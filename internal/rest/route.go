package rest

import (
	"net/http"
	"slices"
	"strings"
)

// Route is one row of a table of routes. Path is a pattern of http.ServeMux
// without a method. A route with Head answers HEAD requests, too.
type Route struct {
	Method string
	Path   string
	Head   bool
	Handle func(http.ResponseWriter, *http.Request) error
}

// Mount adds the routes to mux below prefix. Each path answers OPTIONS, and
// 405 for a method that it does not support.
func (p *Responder) Mount(mux *http.ServeMux, prefix string, routes []Route) {
	paths := map[string]methods{}
	for _, r := range routes {
		if paths[r.Path] == nil {
			paths[r.Path] = methods{}
		}
		paths[r.Path][r.Method] = r.Handle
		if r.Head {
			paths[r.Path][http.MethodHead] = r.Handle
		}
	}
	for path, m := range paths {
		mux.Handle(prefix+path, p.Handler(m.dispatch))
	}
}

// NotFound answers every request with ErrNoRoute.
func (p *Responder) NotFound() http.Handler {
	return p.Handler(func(http.ResponseWriter, *http.Request) error { return ErrNoRoute })
}

// methods are the handlers of one path.
type methods map[string]func(http.ResponseWriter, *http.Request) error

func (m methods) dispatch(w http.ResponseWriter, r *http.Request) error {
	if h, ok := m[r.Method]; ok {
		return h(w, r)
	}
	allowed := []string{http.MethodOptions}
	for method := range m {
		allowed = append(allowed, method)
	}
	slices.Sort(allowed)
	if r.Method != http.MethodOptions {
		return methodNotAllowed(r.Method, strings.Join(allowed, ", "))
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	w.WriteHeader(http.StatusNoContent)
	return nil
}
