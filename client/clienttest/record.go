package clienttest

import (
	"net/http"
	"slices"
)

// Request is a request that came.
type Request struct {
	Method, Path string
	Query        string // as it came, without the question mark
	Header       http.Header
}

// Requests are the requests that came so far, in their order. It may be called at
// any time.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// record notes a request before it is answered.
func (s *Server) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone()})
		s.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}
