package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/api"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

// allowed are the methods of every path.
var allowed = map[string]string{
	"/health": "GET, HEAD, OPTIONS", "/health/live": "GET, HEAD, OPTIONS", tokenPath: "OPTIONS, POST",
	"/oauth2/" + authServer + "/v1/keys":                                "GET, HEAD, OPTIONS",
	"/oauth2/" + authServer + "/.well-known/oauth-authorization-server": "GET, HEAD, OPTIONS",
	"/oauth2/" + authServer + "/.well-known/openid-configuration":       "GET, HEAD, OPTIONS",
	"/api/v1/fhir/Patient/$export":                                      "GET, OPTIONS", "/api/v2/fhir/Patient/$export": "GET, OPTIONS, POST",
	"/api/v1/fhir/Group/Z0000/$export": "GET, OPTIONS", "/api/v2/fhir/Group/Z0000/$export": "GET, OPTIONS, POST",
	"/api/v1/fhir/Job/" + nobody + "/$status": "DELETE, GET, HEAD, OPTIONS", "/api/v2/fhir/Job/" + nobody + "/$status": "DELETE, GET, HEAD, OPTIONS",
	"/api/v1/fhir/Job/" + nobody + "/file/x": "GET, HEAD, OPTIONS", "/api/v2/fhir/Job/" + nobody + "/file/x": "GET, HEAD, OPTIONS",
	"/api/v1/fhir/Job": "GET, HEAD, OPTIONS", "/api/v2/fhir/Job": "GET, HEAD, OPTIONS", "/metrics": "GET, HEAD, OPTIONS",
	"/status": "GET, HEAD, OPTIONS", "/openapi.json": "GET, HEAD, OPTIONS", "/openapi.yaml": "GET, HEAD, OPTIONS",
	"/api/v1/fhir/.well-known/smart-configuration": "GET, HEAD, OPTIONS", "/api/v2/fhir/.well-known/smart-configuration": "GET, HEAD, OPTIONS",
	"/api/v1/fhir/$data-status": "GET, HEAD, OPTIONS", "/api/v2/fhir/$data-status": "GET, HEAD, OPTIONS",
	"/api/v1/fhir/metadata": "GET, HEAD, OPTIONS", "/api/v2/fhir/metadata": "GET, HEAD, OPTIONS",
}

func TestEveryMethodOfEveryPath(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for path, methods := range allowed {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"} {
			a := s.do("", method, path)
			if strings.Contains(", "+methods+",", " "+method+",") {
				if a.status == http.StatusMethodNotAllowed || a.status >= 500 {
					t.Errorf("%s %s: %d", method, path, a.status)
				}
				continue
			}
			if got := a.header.Get("Allow"); a.status != http.StatusMethodNotAllowed || got != methods {
				t.Errorf("%s %s: %d, Allow %q, want %q", method, path, a.status, got, methods)
			}
			if method != "HEAD" {
				a.is(t, http.StatusMethodNotAllowed, fhir.CodeNotSupported, method, methods)
			}
		}
	}
}

// TestHeadStartsNothing: a link checker must not export.
func TestHeadStartsNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	if a := s.do(one, "HEAD", patientV1); a.status != http.StatusMethodNotAllowed || len(a.body) != 0 {
		t.Errorf("answered %d", a.status)
	}
	s.kickOff(one, patientV1) // the only place is free
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for _, path := range []string{
		"/", "/api", "/api/v4/fhir/Patient/$export", "/api/v1/fhir", "/api/v1/fhir/", "/api/v1/fhir/Patient", "/api/v1/fhir/$export", "/api/v1/fhir/Patient/$export/",
		"/api/v1/fhir/patient/$export", "/api/v1/fhir/Patient/$Export", "/api/v1/fhir/Patient%2f$export", "/api/v1/fhir/Job/" + nobody, "/api/v1/fhir/Job/" + nobody + "/file/",
		"/api/v1/fhir/Job/" + nobody + "/file/a/b", "/health/", "/%00", "/%ff", "/favicon.ico", "/" + strings.Repeat("x", 30_000),
	} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			s.do("", method, path).is(t, http.StatusNotFound, fhir.CodeNotFound, "/api/v1/fhir/Patient/$export", "metadata")
		}
	}
	s.do("", "POST", "/oauth2/other/v1/token").is(t, http.StatusNotFound, fhir.CodeNotFound, s.url+tokenPath)
}

// TestPathsAreCleaned: a slash too many, as in a base URL that ends with one,
// leads to the right address with everything else as it was.
func TestPathsAreCleaned(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for path, want := range map[string]string{
		"//api/v1/fhir/Patient/$export?_since=2023-01-01T00:00:00%2B01:00":   "/api/v1/fhir/Patient/$export?_since=2023-01-01T00:00:00%2B01:00",
		"/api/v1/fhir//Patient/%24export":                                    "/api/v1/fhir/Patient/%24export",
		"/api/v1/fhir/./Patient/../Patient/$export":                          "/api/v1/fhir/Patient/$export",
		"/api/v1/fhir/Job/" + nobody + "/file/../../../../../../etc/passwd":  "/etc/passwd",
		"/api/v1/fhir/Job/" + nobody + "/file/..%2f..%2fx/../Z0000_1.ndjson": "/api/v1/fhir/Job/" + nobody + "/file/Z0000_1.ndjson",
	} {
		a := s.do(one, "GET", path)
		if got := a.header.Get("Location"); a.status != http.StatusTemporaryRedirect && a.status != http.StatusPermanentRedirect || got != want {
			t.Errorf("%s: %d to %s, want %s", path, a.status, got, want)
		}
	}
}

func TestTheTokenEndpointKeepsItsOwnErrors(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	if err := s.db.SetClientEnabled(t.Context(), off, false); err != nil {
		t.Fatal(err)
	}
	basic := func(id, secret string) string {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(id, secret)
		return "Authorization: " + r.Header.Get("Authorization")
	}
	for _, c := range []struct {
		query, authorization string
		status               int
		code                 string
	}{
		{"?scope=clientCreds", basic(one, secret), 400, "invalid_request"},
		{"?grant_type=password", basic(one, secret), 400, "unsupported_grant_type"},
		{"?grant_type=client_credentials&scope=admin", basic(one, secret), 400, "invalid_scope"},
		{"?grant_type=client_credentials", "X: y", 401, "invalid_client"},
		{"?grant_type=client_credentials", basic(one, "wrong"), 401, "invalid_client"},
		{"?grant_type=client_credentials", basic(off, secret), 401, "invalid_client"},
	} {
		a := s.do("", "POST", tokenPath+c.query, c.authorization)
		var e map[string]string
		if err := json.Unmarshal(a.body, &e); err != nil || a.status != c.status || e["error"] != c.code || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", c.query, a.status, a.body)
		}
		if challenge := a.header.Get("Www-Authenticate"); (c.status == 401) != strings.HasPrefix(challenge, "Basic ") || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", c.query, a.header)
		}
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for _, v := range []string{"v1", "v2"} {
		a := s.do("", "GET", "/api/"+v+"/fhir/metadata")
		if a.status != http.StatusOK || a.header.Get("Content-Type") != fhir.TypeFHIR {
			t.Errorf("%s: %d %v", v, a.status, a.header)
		}
		golden(t, "metadata_"+v+".json", strings.ReplaceAll(string(a.body), s.url, "SERVER"))
		if head := s.do("", "HEAD", "/api/"+v+"/fhir/metadata"); head.status != http.StatusOK || head.length != a.length || len(head.body) != 0 {
			t.Errorf("%s: HEAD is answered %d, length %d", v, head.status, head.length)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) {
		s.workers = 0
		s.config.Checks = append(s.config.Checks, api.Check{Name: "files", Ping: func(context.Context) error { return nil }})
	})
	check := func(path string, status int, body string) {
		t.Helper()
		if a := s.do("", "GET", path); a.status != status || string(a.body) != body || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s, want %d %s", path, a.status, a.body, status, body)
		}
	}
	check("/health", 200, `{"checks":{"database":"ok","files":"ok"},"status":"ok"}`)
	s.config.Checks[1].Ping = func(context.Context) error { return errors.New("disk /dev/sdb1 is full") }
	s.clock.Add(time.Minute) // results are kept for some seconds
	check("/health", 503, `{"checks":{"database":"ok","files":"failing"},"status":"failing"}`)
	check("/health/live", 200, `{"status":"ok"}`)
	if !strings.Contains(s.log.String(), "/dev/sdb1") {
		t.Error("the log does not say what failed")
	}
}

// brokenJobs fail in the way of a database.
type brokenJobs struct {
	export.Jobs
	fail func() error
}

func (b brokenJobs) Job(context.Context, string) (*export.Job, error) { return nil, b.fail() }

func TestWhatIsInternalStaysInternal(t *testing.T) {
	t.Parallel()
	for what, fail := range map[string]func() error{
		"error": func() error { return errors.New("pq: relation job does not exist") },
		"panic": func() error { panic("pq: relation job does not exist") },
	} {
		s := newServer(t, func(s *server) {
			s.workers = 0
			s.config.Jobs = brokenJobs{Jobs: s.db, fail: fail}
		})
		for _, path := range paths(nobody) {
			a := s.at(one, path)
			a.is(t, http.StatusInternalServerError, fhir.CodeException, "request id")
			if strings.Contains(string(a.body), "pq:") {
				t.Errorf("%s: an internal text is told: %s", what, a.body)
			}
			log := s.log.String()
			if id := a.header.Get(obs.RequestIDHeader); !strings.Contains(log, "pq: relation") || strings.Count(log, "request="+id) < 2 {
				t.Errorf("%s: the log does not tell what happened to request %s", what, id)
			}
		}
	}
}

// TestWhereTheServerIsReached: the addresses that it gives are those by which
// it was asked, or the public one.
func TestWhereTheServerIsReached(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	bearer := "Bearer " + s.token(one, "clientCreds")
	for _, c := range []struct{ public, target, want, hsts string }{
		{"", "http://ab2d.example:8080" + patientV1, "http://ab2d.example:8080/api/v1/fhir/Job/", ""},
		{"", "https://ab2d.example" + patientV2, "https://ab2d.example/api/v2/fhir/Job/", "max-age=31536000; includeSubDomains"},
		{"https://public.example", "http://10.0.0.1" + patientV2, "https://public.example/api/v2/fhir/Job/", ""},
	} {
		config := s.config
		config.Address.PublicURL = c.public
		a, err := api.New(config)
		if err != nil {
			t.Fatal(err)
		}
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", c.target, nil)
		r.Header.Set("Authorization", bearer)
		a.ServeHTTP(w, r)
		location := w.Header().Get("Content-Location")
		if w.Code != http.StatusAccepted || !strings.HasPrefix(location, c.want) || w.Header().Get("Strict-Transport-Security") != c.hsts {
			t.Errorf("%s: %d %s, %v", c.target, w.Code, location, w.Header())
		}
		j, err := s.db.Job(t.Context(), jobID(location))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fmt.Sprintf("%s/api/%s/fhir/Patient/$export", strings.SplitN(c.want, "/api", 2)[0], j.Version), j.Request); diff != "" {
			t.Errorf("request (- want, + got):\n%s", diff)
		}
		s.do(one, "DELETE", "/api/v1/fhir/Job/"+j.ID+"/$status")
	}
}
