package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNewTellsAllFaultsAtOnce(t *testing.T) {
	_, err := New(Config{BaseURL: "localhost:8080/api", TokenURL: "https://user:hidden@h/token", ClientSecret: "hidden"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"BaseURL", "TokenURL", "ClientID"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("%q tells a secret", err)
	}
}

func TestFormattingHidesTheSecret(t *testing.T) {
	cfg := Config{BaseURL: "https://h/fhir", TokenURL: "https://h/token", ClientID: "me", ClientSecret: "hidden"}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{cfg, &cfg, c} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, "hidden") {
				t.Errorf("%s of %T is %s", verb, v, s)
			}
		}
	}
}

func TestStart(t *testing.T) {
	since := time.Date(2023, 4, 5, 6, 7, 8, 9e6, time.FixedZone("", -5*3600))
	for _, tt := range []struct {
		name    string
		request Request
		want    string
	}{
		{"nothing", Request{}, "/api/v1/fhir/Patient/$export"},
		{"as the tutorial", Request{Type: "ExplanationOfBenefit", OutputFormat: "application/fhir+ndjson"},
			"/api/v1/fhir/Patient/$export?_outputFormat=application%2Ffhir%2Bndjson&_type=ExplanationOfBenefit"},
		{"bounds", Request{Since: since, Until: since.Add(time.Hour)},
			"/api/v1/fhir/Patient/$export?_since=2023-04-05T11%3A07%3A08.009Z&_until=2023-04-05T12%3A07%3A08.009Z"},
		{"group", Request{Group: "Z0000"}, "/api/v1/fhir/Group/Z0000/$export"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			s.start = []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
				if got := r.URL.String(); got != tt.want {
					t.Errorf("asked for %s, want %s", got, tt.want)
				}
				if got := r.Header.Get("Prefer"); got != "respond-async" {
					t.Errorf("Prefer: %q", got)
				}
				w.Header().Set("Content-Location", "/api/v1/fhir/Job/1/$status") // relative
				w.WriteHeader(http.StatusAccepted)
			}}
			job, err := s.client(nil).Start(t.Context(), tt.request)
			if err != nil || job.StatusURL != s.job().StatusURL {
				t.Errorf("got %v, %v; want %v", job, err, s.job())
			}
		})
	}
}

func TestStartRefusesHostileGroups(t *testing.T) {
	s := newServer(t)
	for _, g := range []string{"..", ".", "a\nb", "a\x00b", strings.Repeat("a", 257)} {
		if job, err := s.client(nil).Start(t.Context(), Request{Group: g}); err == nil {
			t.Errorf("group %q started %v", g, job)
		}
	}
}

func TestStartRefused(t *testing.T) {
	s := newServer(t)
	outcome := `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"throttled","details":{"text":"An export is under way."},"diagnostics":"request 7"}]}`
	s.start = []http.HandlerFunc{answer(http.StatusTooManyRequests, outcome, "Retry-After", "30", "Content-Location", "http://h/Job/1/$status, http://h/Job/2/$status"),
		answer(http.StatusAccepted, "")}
	c := s.client(nil)
	_, err := c.Start(t.Context(), Request{})
	got, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	want := &Error{Status: 429, Issues: []string{"An export is under way. (request 7)"}, Retry: 30 * time.Second,
		Jobs: []string{"http://h/Job/1/$status", "http://h/Job/2/$status"}, transient: true, explained: true}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(Error{})); d != "" {
		t.Error(d)
	}
	wantText := "starting the export: the server answered 429 Too Many Requests: An export is under way. (request 7) (try again in 30s)"
	if err.Error() != wantText {
		t.Errorf("got  %s\nwant %s", err, wantText)
	}
	if job, err := c.Start(t.Context(), Request{}); err == nil {
		t.Errorf("accepted without Content-Location: %v", job)
	}
}

func TestTokenIsKept(t *testing.T) {
	s := newServer(t)
	c := s.client(nil)
	for range 3 {
		s.start = append(s.start, answer(http.StatusAccepted, "", "Content-Location", s.job().StatusURL))
		if _, err := c.Start(t.Context(), Request{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.issued(); n != 1 {
		t.Errorf("%d tokens fetched, want 1", n)
	}
}

func TestTokenIsRenewedAMinuteBeforeItsEnd(t *testing.T) {
	s := newServer(t)
	c := s.client(nil)
	now := aDay
	c.now = func() time.Time { return now }
	for _, step := range []struct {
		at   time.Duration
		want int
	}{{0, 1}, {59*time.Minute - 1, 1}, {59 * time.Minute, 2}, {60 * time.Minute, 2}} {
		now = aDay.Add(step.at)
		s.delete = append(s.delete, answer(http.StatusAccepted, ""))
		if err := c.Delete(t.Context(), s.job()); err != nil {
			t.Fatal(err)
		}
		if got := s.issued(); got != step.want {
			t.Errorf("after %v: %d tokens fetched, want %d", step.at, got, step.want)
		}
	}
}

func TestExpiredTokenIsRenewedOnce(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		s := newServer(t)
		s.expired = status
		c := s.client(nil)
		s.delete = []http.HandlerFunc{answer(http.StatusAccepted, ""), answer(http.StatusAccepted, "")}
		for range 2 {
			if err := c.Delete(t.Context(), s.job()); err != nil {
				t.Fatal(err)
			}
			s.expire()
		}
		// A refusal that a new token does not change is told.
		s.delete = []http.HandlerFunc{answer(status, "")}
		err := c.Delete(t.Context(), s.job())
		if e, ok := errors.AsType[*Error](err); !ok || e.Status != status {
			t.Errorf("got %v", err)
		}
	}
}

func TestFreshTokenIsNotRenewed(t *testing.T) {
	s := newServer(t)
	s.delete = []http.HandlerFunc{answer(http.StatusForbidden, "")} // once
	err := s.client(nil).Delete(t.Context(), s.job())
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != http.StatusForbidden || s.issued() != 1 {
		t.Errorf("got %v, %d tokens fetched", err, s.issued())
	}
}

func TestManyShareOneToken(t *testing.T) {
	s := newServer(t)
	c := s.client(nil)
	const n = 16
	for range n {
		s.delete = append(s.delete, answer(http.StatusAccepted, ""))
	}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := c.Delete(t.Context(), s.job()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := s.issued(); got != 1 {
		t.Errorf("%d tokens fetched, want 1", got)
	}
}

func TestTokenEndpointFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"OAuth2 error", answer(401, `{"error":"invalid_client","error_description":"not `+testSecret+`"}`),
			"401 Unauthorized: invalid_client; not [removed]"},
		{"Okta's error", answer(400, `{"errorCode":"x","errorSummary":"no such server"}`), "400 Bad Request: no such server"},
		{"no reason", answer(401, ""), "401 Unauthorized: the client id or secret is wrong"},
		{"a web page", answer(500, "<html>", "Content-Type", "text/html"), "500 Internal Server Error: it failed"},
		{"a text named HTML", answer(401, "Token expired", "Content-Type", "text/html; charset=utf-8"), "401 Unauthorized: Token expired"},
		{"redirect", answer(307, "", "Location", "http://localhost:1/"), "307 Temporary Redirect"},
		{"not JSON", answer(200, "hidden"), "not the JSON of RFC 6749"},
		{"no token", answer(200, `{"token_type":"Bearer"}`), "no usable access_token"},
		{"a token that breaks the header", answer(200, `{"token_type":"Bearer","access_token":"hidden\r\nX: y"}`), "no usable access_token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			s.token = []http.HandlerFunc{tt.answer}
			_, err := s.client(nil).Start(t.Context(), Request{})
			if err == nil || !strings.Contains(err.Error(), "fetching an access token: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			for _, secret := range []string{testSecret, "hidden"} {
				if strings.Contains(fmt.Sprint(err), secret) {
					t.Errorf("%v tells a secret", err)
				}
			}
		})
	}
}

func TestParseTokenLife(t *testing.T) {
	for in, want := range map[string]time.Duration{
		`3600`: time.Hour, `"300"`: 5 * time.Minute, `null`: unsaid, `-1`: unsaid, `1e9`: unsaid, `99999999999`: unsaid,
	} {
		_, got, err := parseToken([]byte(`{"token_type":"bearer","access_token":"a","expires_in":` + in + `}`))
		if err != nil || got != want {
			t.Errorf("expires_in %s: %v, %v; want %v", in, got, err, want)
		}
	}
}

func TestRefusalsStrikeOutTheToken(t *testing.T) {
	s := newServer(t)
	s.delete = []http.HandlerFunc{answer(400, "token-1 is\x1b[31m strange\n", "Content-Type", "text/plain; charset=utf-8")}
	err := s.client(nil).Delete(t.Context(), s.job())
	want := "deleting the export: the server answered 400 Bad Request: [removed] is[31m strange"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestTokenStaysAtHome: another port of the same host is another origin.
func TestTokenStaysAtHome(t *testing.T) {
	s := newServer(t)
	var asked int
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if a := r.Header.Get("Authorization"); a != "" {
			t.Errorf("the token went elsewhere: %s %s", r.Method, r.URL)
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(elsewhere.Close)
	c := s.client(nil)

	foreign := Job{StatusURL: elsewhere.URL + "/Job/1/$status"}
	if _, err := c.Wait(t.Context(), foreign, nil); err == nil {
		t.Error("waited for a job elsewhere")
	}
	if err := c.Delete(t.Context(), foreign); err == nil {
		t.Error("deleted a job elsewhere")
	}
	if _, err := c.Download(t.Context(), File{URL: elsewhere.URL + "/a.ndjson", RequiresAccessToken: true}, t.TempDir(), nil); err == nil {
		t.Error("downloaded with the token from elsewhere")
	}
	if asked != 0 {
		t.Errorf("elsewhere was asked %d times", asked)
	}

	// A redirect is followed without the token; a DELETE does not become a GET.
	s.start = []http.HandlerFunc{http.RedirectHandler(elsewhere.URL+"/$export", http.StatusTemporaryRedirect).ServeHTTP}
	if _, err := c.Start(t.Context(), Request{}); err == nil {
		t.Error("started elsewhere")
	}
	s.start = nil
	s.delete = []http.HandlerFunc{http.RedirectHandler(elsewhere.URL+"/$status", http.StatusSeeOther).ServeHTTP}
	if err := c.Delete(t.Context(), s.job()); err == nil {
		t.Error("a redirect passed for a deletion")
	}
	if asked == 0 {
		t.Error("no redirect was followed")
	}
}

func TestOrigin(t *testing.T) {
	c, err := New(Config{BaseURL: "https://Example.org/fhir"})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]bool{
		"https://example.org/x": true, "https://EXAMPLE.org:443/x": true, "x": true,
		"http://example.org/x":         true, // its own address behind a proxy: put right
		"http://example.org:8080/x":    false,
		"https://example.org:444/x":    false,
		"https://a.example.org/x":      false,
		"https://example.org.evil.com": false,
		"//evil.com/x":                 false,
	} {
		u, err := c.resolve(in, c.base)
		if err != nil || c.own(u) != want {
			t.Errorf("%s became %v, %v; want own %v", in, u, err, want)
		}
	}
	for _, in := range []string{"https://user@example.org/", "ftp://example.org/", "https:///x", "https://example.org/\x00", "javascript:1"} {
		if u, err := c.resolve(in, c.base); err == nil {
			t.Errorf("%q became %s", in, u)
		}
	}
}

func TestDeleteAnswers(t *testing.T) {
	for status, ok := range map[int]bool{200: true, 202: true, 204: true, 400: false, 404: false, 500: false} {
		s := newServer(t)
		s.delete = []http.HandlerFunc{answer(status, "")}
		if err := s.client(nil).Delete(t.Context(), s.job()); (err == nil) != ok {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestCancelledContext(t *testing.T) {
	s := newServer(t)
	c := s.client(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Start(ctx, Request{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Start: %v", err)
	}
	if _, err := c.Wait(ctx, s.job(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: %v", err)
	}
	if err := c.Delete(ctx, s.job()); !errors.Is(err, context.Canceled) {
		t.Errorf("Delete: %v", err)
	}
	if _, err := c.Download(ctx, s.file("a.ndjson", ""), t.TempDir(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Download: %v", err)
	}
}
