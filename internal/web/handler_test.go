package web

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"ab2d/docs"
	"ab2d/internal/synth"
)

// TestMayBePage: no address of a page is taken for one of the API.
func TestMayBePage(t *testing.T) {
	t.Parallel()
	empty := []byte(`{"openapi":"3.0.3","info":{"title":"x"},"paths":{}}`)
	s, err := New(Settings{Sponsors: synth.Sponsors(), OpenAPI: empty, AdminAPI: empty, AccountAPI: empty, Docs: docs.Files, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	addresses := slices.Concat(slices.Collect(maps.Keys(s.pages)), slices.Collect(maps.Keys(s.files)), slices.Collect(maps.Keys(moves)), []string{"/" + s.assets.path + "style.css"})
	for _, address := range addresses {
		if r := httptest.NewRequest("GET", address, nil); !mayBePage(r) {
			t.Errorf("%s is not taken for a page", address)
		}
	}
	for _, address := range []string{"/api/v2/fhir/Patient/$export", "/health", "/metrics", "/oauth2/x/v1/token", "/admin/v1/jobs", "/account/v1/client"} {
		if mayBePage(httptest.NewRequest("GET", address, nil)) {
			t.Errorf("%s is taken for a page", address)
		}
	}
}

// TestHandler_OnDemand: requests to the API make no pages; damaged pages do not keep
// the API from answering.
func TestHandler_OnDemand(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	h := Handler(slog.New(slog.NewTextHandler(&log, nil)), func() (Settings, error) { return Settings{}, errors.New("no document") },
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the API") }))
	ask := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w
	}
	if w := ask("/health"); w.Body.String() != "the API" || log.Len() > 0 {
		t.Errorf("%d %s, log %s", w.Code, w.Body, log.String())
	}
	if w := ask("/docs/"); w.Code != http.StatusInternalServerError || !strings.Contains(log.String(), "no document") {
		t.Errorf("%d %s, log %s", w.Code, w.Body, log.String())
	}
}
