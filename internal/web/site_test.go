package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"ab2d"

	"ab2d/docs"
	"ab2d/internal/obs"
	"ab2d/internal/synth"
	"ab2d/internal/web"
)

// settings are those of the sandbox.
func settings(t *testing.T) web.Settings {
	t.Helper()
	document, err := os.ReadFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	adminDocument, err := os.ReadFile("testdata/admin.json")
	if err != nil {
		t.Fatal(err)
	}
	accountDocument, err := os.ReadFile("testdata/account.json")
	if err != nil {
		t.Fatal(err)
	}
	return web.Settings{Sponsors: synth.Sponsors(), AuthServer: "server7", OpenAPI: document, AdminAPI: adminDocument, AccountAPI: accountDocument, Docs: docs.Files, Changelog: ab2d.Changelog, Version: "1.2.3", Log: slog.New(slog.DiscardHandler), Metrics: obs.NewMetrics()}
}

// site is the pages before an API that says that it is one.
func site(t *testing.T, s web.Settings) http.Handler {
	t.Helper()
	pages, err := web.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return pages.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the API") }))
}

// ask asks as a browser does, with other headers beside.
func ask(h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "ab2d.example.org"
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var pages = []string{"/", "/try", "/dashboard", "/reference", "/reference/exportV2", "/reference/schemas", "/reference/admin", "/reference/admin/addClient", "/account", "/reference/account", "/reference/account/showAccount", "/docs/", "/setup/macos", "/setup/linux", "/setup/windows", "/docs/data-dictionary", "/docs/compatibility",
	"/docs/operating", "/docs/clouds", "/docs/importing", "/docs/client", "/docs/account", "/docs/analysis", "/docs/analysis-cclf-tuva", "/docs/sandbox", "/docs/security", "/docs/v3", "/docs/changelog"}

func TestPages(t *testing.T) {
	h := site(t, settings(t))
	for _, path := range pages {
		w := ask(h, "GET", path)
		body := w.Body.String()
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(body, "<h1") || !strings.HasSuffix(body, "</html>\n") {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		for _, forbidden := range []string{"<style", " style=", "javascript:", " onclick=", "ZgotmplZ"} {
			if strings.Contains(body, forbidden) {
				t.Errorf("%s has %s", path, forbidden)
			}
		}
		if strings.Count(body, "<script") != strings.Count(body, `<script type="module" src="`) {
			t.Errorf("%s has a script in it", path)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: %s", path, csp)
		}
		if ask(h, "HEAD", path).Code != http.StatusOK || ask(h, "POST", path).Body.String() != "the API" {
			t.Errorf("%s: only GET and HEAD are ours", path)
		}
	}
}

// TestAccountPage: it asks for credentials, which a sandbox has published, and is there
// only where the account is served.
func TestAccountPage(t *testing.T) {
	s := settings(t)
	first := synth.Sponsors()[0].Credentials[0]
	for _, path := range []string{"/account", "/docs/", "/reference"} {
		if body := ask(site(t, s), "GET", path).Body.String(); !strings.Contains(body, `/account"`) || strings.Contains(body, first.Secrets[0]) != (path == "/account") {
			t.Errorf("in a sandbox %s is %s", path, body)
		}
	}
	s.Sponsors = nil
	if body := ask(site(t, s), "GET", "/account").Body.String(); strings.Contains(body, first.ID) || !strings.Contains(body, `<input id="secret" name="secret" type="password"`) {
		t.Errorf("in production it is %s", body)
	}
	s.AccountAPI = nil
	for _, path := range []string{"/account", "/reference/account"} {
		if body := ask(site(t, s), "GET", path).Body.String(); body != "the API" {
			t.Errorf("without an account %s is %s", path, body)
		}
	}
	for _, path := range []string{"/", "/docs/", "/reference", "/docs/account"} {
		if body := ask(site(t, s), "GET", path).Body.String(); strings.Contains(body, `/account"`) && path != "/docs/" || strings.Contains(body, `"../account"`) {
			t.Errorf("without an account %s leads to it", path)
		}
	}
}

// TestWhatIsNoPage goes to the API.
func TestWhatIsNoPage(t *testing.T) {
	h := site(t, settings(t))
	for _, c := range [][]string{{"/api/v1/fhir/metadata"}, {"/nothing"}, {"/docs/data-dictionary.md"}, {"/assets/style.css"}, {"/reference/nothing"},
		{"/", "Accept: application/json"}, {"/", "Accept: application/fhir+json"}, {"/", "Accept: "}} {
		if w := ask(h, "GET", c[0], c[1:]...); w.Body.String() != "the API" {
			t.Errorf("%q is answered by the pages: %d", c, w.Code)
		}
	}
	if w := ask(h, "GET", "/"); w.Header().Get("Vary") == "" || !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Accept") {
		t.Errorf("Vary is %q", w.Header().Values("Vary"))
	}
}

// TestGreeting: curl gets a few lines, and a browser the page.
func TestGreeting(t *testing.T) {
	for _, accept := range []string{"*/*", "text/plain"} {
		w := ask(site(t, settings(t)), "GET", "/", "Accept: "+accept)
		if body := w.Body.String(); w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") || strings.Count(body, "\n") > 10 ||
			!strings.Contains(body, "ab2d export --url http://ab2d.example.org --sponsor PDP-100\n") {
			t.Errorf("Accept %s: %d %v\n%s", accept, w.Code, w.Header(), body)
		}
	}
	s := settings(t)
	s.Sponsors = nil
	if body := ask(site(t, s), "GET", "/", "Accept: */*").Body.String(); strings.Contains(body, "PDP-") || strings.Contains(body, "synthetic") {
		t.Errorf("in production: %s", body)
	}
}

// TestErrorPages: a person meets an error of the API as a page, a program as it is.
func TestErrorPages(t *testing.T) {
	pages, err := web.New(settings(t))
	if err != nil {
		t.Fatal(err)
	}
	h := pages.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fine":
			io.WriteString(w, "fine")
		case "/broken":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, `{"status": "down"}`)
		default:
			w.Header().Set("Content-Type", "application/fhir+json")
			w.Header().Set("X-Request-Id", "r-1")
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.Header().Set("Content-Length", "77")
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"issue":[{"details":{"text":"No <token>."}}]}`)
		}
	}))
	w := ask(h, "GET", "/api/v2/fhir/Job")
	for _, want := range []string{"No &lt;token&gt;.", "r-1", `href="../../../try"`, "</html>"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %s: %s", want, w.Body)
		}
	}
	if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "Bearer" || w.Header().Get("Content-Length") != "" || w.Header().Get("Content-Security-Policy") == "" ||
		!strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	for _, c := range [][]string{{"GET", "/api/v2/fhir/Job", "Accept: application/json"}, {"GET", "/api/v2/fhir/Job", "Accept: */*"}, {"DELETE", "/api/v2/fhir/Job"}} {
		if w := ask(h, c[0], c[1], c[2:]...); w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Body.String(), `{"issue"`) {
			t.Errorf("%q: %d %s", c, w.Code, w.Body)
		}
	}
	if w := ask(h, "GET", "/fine"); w.Code != http.StatusOK || w.Body.String() != "fine" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(h, "GET", "/broken"); w.Code != http.StatusServiceUnavailable || w.Body.String() != `{"status": "down"}` {
		t.Errorf("an error without sentences: %d %s", w.Code, w.Body)
	}
}

func TestAssets(t *testing.T) {
	h := site(t, settings(t))
	_, rest, _ := strings.Cut(ask(h, "GET", "/docs/operating").Body.String(), `<link rel="stylesheet" href="../`)
	path, _, _ := strings.Cut(rest, `"`)
	w := ask(h, "GET", "/"+path)
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%s: %d %v", path, w.Code, w.Header())
	}
	if w := ask(h, "GET", "/"+strings.Replace(path, "style.css", "nothing.css", 1)); w.Code != http.StatusNotFound {
		t.Errorf("an asset that is not there: %d", w.Code)
	}
	if w := ask(h, "GET", "/"+path, "Accept-Encoding: gzip"); w.Header().Get("Content-Encoding") != "gzip" {
		t.Error("the style sheet is not compressed")
	}
}

// TestOwnAddress: commands have the address that the reader uses, or the
// public one.
func TestOwnAddress(t *testing.T) {
	s := settings(t)
	h := site(t, s)
	for _, path := range []string{"/", "/reference/token", "/setup/linux"} {
		if body := ask(h, "GET", path).Body.String(); !strings.Contains(body, "http://ab2d.example.org/") || strings.Contains(body, "localhost:8080") {
			t.Errorf("%s does not have the reader's address", path)
		}
	}
	for _, host := range []string{`a"$(reboot)`, "a b", "a/b", ""} {
		if w := ask(h, "GET", "/", "Host: "+host); host != "" && w.Code != http.StatusBadRequest {
			t.Errorf("Host %q: %d", host, w.Code)
		}
	}
	s.PublicURL = "https://public.example.org/ab2d"
	if body := ask(site(t, s), "GET", "/reference/token").Body.String(); !strings.Contains(body, "https://public.example.org/ab2d/oauth2/server7/v1/token") {
		t.Error("the public address is not in the reference")
	}
}

// TestProduction: nobody's credentials are on any page.
func TestProduction(t *testing.T) {
	s := settings(t)
	sandbox := site(t, s)
	s.Sponsors = nil
	production := site(t, s)
	for _, path := range pages {
		body := ask(production, "GET", path+"?sponsor=PDP-1000").Body.String()
		for _, p := range synth.Sponsors() {
			for _, c := range p.Credentials {
				for _, secret := range append(c.Secrets, c.ID) {
					if strings.Contains(body, secret) {
						t.Errorf("%s tells %s's %s", path, p.Name, secret)
					}
				}
			}
		}
		if strings.Contains(body, "MG9hMnQw") { // the Base64 of what each client id begins with
			t.Errorf("%s tells credentials in Base64", path)
		}
	}
	if body := ask(sandbox, "GET", "/?sponsor=PDP-1000").Body.String(); !strings.Contains(body, "AUTH=<span class=\"fill\" data-fill=\"auth\">MG9hMnQwbGM2NUVyVjhPbVkyOTc6MUJsM0hHTzZlZ2xrWFVEdGpWanRvM0wtM0Mwb2ZmelRNazJxbHo5cg==") {
		t.Error("the chosen sponsor is not in the first command")
	}
	if body := ask(production, "GET", "/try").Body.String(); !strings.Contains(body, `type="password"`) || !strings.Contains(body, "not a sandbox") {
		t.Error("/try does not ask for credentials")
	}
}

// TestChosenVersion: the tutorial's commands and the form of /try are of the version
// that the query names, and of v1 without one.
func TestChosenVersion(t *testing.T) {
	h := site(t, settings(t))
	for api, want := range map[string]string{"": "v1", "v1": "v1", "v2": "v2", "v3": "v3", "v4": "v1"} {
		for _, shell := range []string{"bash", "powershell"} {
			body := ask(h, "GET", "/?shell="+shell+"&api="+api).Body.String()
			if got := strings.Count(body, `data-fill="api">`+want+"</span>/fhir/"); got == 0 || got != strings.Count(body, `data-fill="api">`) {
				t.Errorf("api=%s: %d commands for %s are of %s", api, got, shell, want)
			}
		}
		for _, path := range []string{"/", "/try"} {
			body := ask(h, "GET", path+"?api="+api).Body.String()
			if got := strings.Count(body, `name="api" value="`); got != 3 || !strings.Contains(body, `name="api" value="`+want+`" checked`) {
				t.Errorf("%s?api=%s: got %d versions, want 3, with %s chosen", path, api, got, want)
			}
		}
	}
}

// TestDocument is what becomes of Markdown.
func TestDocument(t *testing.T) {
	s := settings(t)
	s.Docs = fstest.MapFS{
		"a.md": {Data: []byte("# A *title*\n\n## One & two\n\nSee [b](sub/b.md#x), [away](https://example.org/), [code](../internal/x.go).\n\n| | holds |\n| --- | --- |\n| `x` | 1 |\n\n" +
			"<script>alert(1)</script>\n")},
		"sub/b.md": {Data: []byte("# B\n\n## X\n\n[a](../a.md)\n")},
	}
	h := site(t, s)
	body := ask(h, "GET", "/docs/a").Body.String()
	for _, want := range []string{
		"<title>A title · AB2D</title>", `<h2 id="one--two"><a href="#one--two">One &amp; two</a></h2>`, `<li class="level2"><a href="#one--two">One &amp; two</a></li>`,
		`See <a href="sub/b#x">b</a>, <a href="https://example.org/">away</a>, code.`, `<td role="cell" data-label="holds">1</td>`, `<th class="unnamed">What</th>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(body, "alert") {
		t.Error("HTML of the document is in the page")
	}
	if body := ask(h, "GET", "/docs/sub/b").Body.String(); !strings.Contains(body, `<a href="../a">a</a>`) || !strings.Contains(body, `<a href="../../try">`) {
		t.Error("a document in a directory does not lead back")
	}
}
