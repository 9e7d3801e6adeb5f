package bfd

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"ab2d/internal/fhir"
)

// Result says what a search brought.
type Result struct {
	Count    int   // resources given, each once
	Repeated int   // that came again, and were not given again
	Other    int   // of other types, for example an OperationOutcome; not given
	Pages    int   // of the search, without those tried again
	Calls    int   // of the search, with those tried again
	Total    int64 // that the server says there are, at most; -1 when it does not say
	// Began is the time before the first call, of this machine's clock.
	Began time.Time
	// Updated is the newest load of the server's data: the latest
	// Bundle.meta.lastUpdated. Version 3 does not tell it, but with empty answers.
	Updated time.Time
}

// Short tells whether the server says that there is more than came.
func (r *Result) Short() bool { return r.Total > int64(r.Count+r.Repeated+r.Other) }

// search is a search under way.
type search struct {
	client  *Client
	version fhir.Version
	base    *base
	first   *url.URL
	header  http.Header
	kind    string                 // of resource
	post    bool                   // the query goes in the body of a POST
	known   bool                   // there must be something
	see     func(raw []byte) error // of the caller
	given   map[string]bool        // by id
	result  Result
}

// run reads all pages. Each resource is given once: pages that are cut by offset
// repeat some when the server loads data at the same time, and so does a page that
// is tried again after its first half.
func (s *search) run(ctx context.Context) (Result, error) {
	s.result = Result{Total: -1, Began: s.client.config.Now()}
	s.given = map[string]bool{}
	seen := map[string]bool{}
	for u := s.first; u != nil; {
		if seen[u.RawQuery] {
			return s.result, ErrLoop
		}
		if seen[u.RawQuery] = true; len(seen) > s.client.config.MaxPages {
			return s.result, ErrPages
		}
		before := s.result.Count
		p, err := s.page(ctx, u)
		if err != nil {
			return s.result, err
		}
		s.result.Pages++
		s.note(p)
		if p.next == "" {
			return s.result, nil
		}
		if s.result.Count == before {
			return s.result, ErrLoop
		}
		if u, err = s.base.follow(s.first, p.next); err != nil {
			return s.result, err
		}
	}
	return s.result, nil
}

// note keeps what a page says of the whole. The largest total counts: a page that is
// empty by a fault of the server says that there is nothing.
func (s *search) note(p page) {
	s.result.Total = max(s.result.Total, p.total)
	if p.updated.After(s.result.Updated) {
		s.result.Updated = p.updated
	}
}

// page reads one page, in several tries if needed. A page with nothing is tried
// again when there must be something: a fault of the server may have passed. There
// must be something when the caller or the server says so, when an earlier page has
// a link to this one, and when an earlier try of this page had something.
func (s *search) page(ctx context.Context, u *url.URL) (p page, err error) {
	err = s.client.persevere(ctx, s.version, func() (err error) {
		p = page{}
		s.result.Calls++
		repeated, other := s.result.Repeated, s.result.Other
		err = s.client.call(ctx, s.base, &request{u, s.header, s.post}, func(body io.Reader) (err error) {
			p, err = readPage(body, s.client.config.MaxPageBytes, s.take)
			return err
		})
		if err != nil {
			s.result.Repeated, s.result.Other = repeated, other // they come again with the next try
			return err
		}
		if p.next != "" {
			return nil // without entries, the search ends with ErrLoop
		}
		if s.result.Count > 0 && p.entries == 0 || s.result.Count == 0 && (s.known || p.total > 0) {
			return ErrEmpty
		}
		return nil
	})
	var ours seeError
	if errors.As(err, &ours) {
		err = ours.error
	}
	return p, err
}

// take gives a resource to the caller, unless it had it.
func (s *search) take(raw []byte) error {
	kind, id := head(raw)
	switch {
	case kind != s.kind:
		s.result.Other++
		return nil
	case id == "":
		sum := sha256.Sum256(raw)
		id = "/" + string(sum[:]) // an id has no slash
	}
	if s.given[id] {
		s.result.Repeated++
		return nil
	}
	if err := s.see(raw); err != nil {
		return err
	}
	s.given[id] = true
	s.result.Count++
	return nil
}
