package web

import (
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"ab2d/internal/obs"
	"ab2d/internal/synth"
)

// Settings say what the pages are about.
type Settings struct {
	// Sponsors are the sandbox's, whose published credentials the pages show.
	// Nil in production: then no page has a credential.
	Sponsors   []synth.Sponsor
	AuthServer string // the authorization server's name in the token endpoint's path
	// PublicURL is where clients reach this server, without a slash at the end.
	// Empty: as each request says.
	PublicURL string
	Proxies   obs.Proxies // whose word for it is taken, where PublicURL is empty
	OpenAPI   []byte      // the OpenAPI 3 document of the API, JSON
	AdminAPI  []byte      // that of the administration
	// AccountAPI is that of the account. Nil: the server does not serve the account, and
	// has no page for it.
	AccountAPI []byte
	TokenHere  string // flags that let "ab2d admin" find this server's data; empty: nobody should know
	Docs       fs.FS  // documents, *.md
	Changelog  []byte // in Markdown
	Version    string
	Log        *slog.Logger
	Metrics    *obs.Metrics
}

// Site is all pages. Safe for concurrent use.
type Site struct {
	Settings
	assets    assets
	templates map[string]*template.Template
	documents map[string]document // by name, without .md
	reference reference           // of the API
	admin     reference           // of the administration
	account   reference           // of the account, if it is served
	pages     map[string]page     // by path
	files     map[string]download // by path: what is saved
}

// New reads the documents and templates. An error is a fault of what is
// embedded.
func New(settings Settings) (*Site, error) {
	s := &Site{Settings: settings}
	var err error
	if s.assets, err = newAssets(); err != nil {
		return nil, fmt.Errorf("read the pages' assets: %w", err)
	}
	if s.documents, err = readDocuments(s.Docs); err != nil {
		return nil, err
	}
	if s.documents["changelog"], err = newMarkdown().document(s.Changelog, func(string) bool { return false }); err != nil {
		return nil, err
	}
	if s.reference, err = newReference(s.OpenAPI, "/reference"); err != nil {
		return nil, err
	}
	if s.admin, err = newReference(s.AdminAPI, adminBase); err != nil {
		return nil, fmt.Errorf("administration: %w", err)
	}
	if s.AccountAPI != nil {
		if s.account, err = newReference(s.AccountAPI, accountBase); err != nil {
			return nil, fmt.Errorf("account: %w", err)
		}
	}
	dictionary, err := newDictionary(s.documents["data-dictionary"])
	if err != nil {
		return nil, err
	}
	if s.templates, err = parseTemplates(); err != nil {
		return nil, err
	}
	if s.files, err = s.downloads(); err != nil {
		return nil, err
	}
	s.pages = s.table(dictionary)
	return s, nil
}

// table is every page's address.
func (s *Site) table(dictionary dictionary) map[string]page {
	pages := map[string]page{
		"/":              {template: "tutorial", title: "Tutorial", body: s.tutorial},
		"/setup/macos":   {template: "setup-macos", title: "Set up macOS"},
		"/setup/linux":   {template: "setup-linux", title: "Set up Linux"},
		"/setup/windows": {template: "setup-windows", title: "Set up Windows"},
		"/try":           {template: "try", title: "Try it", body: s.tutorial},
		"/dashboard":     {template: "dashboard", title: "Dashboard", body: func(*http.Request, view) any { return s.TokenHere }},
		"/docs/":         {template: "documents", title: "Documents", body: func(*http.Request, view) any { return s.index() }},
	}
	s.referencePages(pages, s.reference)
	s.referencePages(pages, s.admin)
	if s.AccountAPI != nil {
		pages["/account"] = page{template: "account", title: "Account", body: s.tutorial}
		s.referencePages(pages, s.account)
	}
	conceal := strings.NewReplacer(s.concealed()...)
	for name, d := range s.documents {
		d.HTML = template.HTML(conceal.Replace(string(d.HTML)))
		pages["/docs/"+name] = page{template: "document", title: d.Title, body: func(*http.Request, view) any { return d }}
	}
	if dictionary.Title != "" {
		pages["/docs/data-dictionary"] = page{template: "dictionary", title: dictionary.Title, body: func(*http.Request, view) any { return dictionary }}
	}
	return pages
}

// Handler serves the pages, and leaves every other request to next. A person who
// meets an error there gets a page that says the same.
func (s *Site) Handler(next http.Handler) http.Handler {
	ours := obs.Handler(s.Log, s.Metrics, pageHeaders(gzhttp.GzipHandler(http.HandlerFunc(s.serve))), func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Something went wrong in the server. Load the page again.", http.StatusInternalServerError)
	})
	next = s.errorPages(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.isOurs(r) {
			ours.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// wantsPage tells whether a person asks: a browser says that it takes HTML.
func wantsPage(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}

// wantsText tells whether somebody asks who takes anything, as curl does.
func wantsText(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return accept == "*/*" || strings.Contains(accept, "text/plain")
}

// isOurs tells whether a request is for a page. At / a program that wants JSON gets
// the API's answer, which says where the API is.
func (s *Site) isOurs(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if r.URL.Path == "/" && !wantsPage(r) && !wantsText(r) {
		return false
	}
	_, page := s.pages[r.URL.Path]
	_, file := s.files[r.URL.Path]
	_, moved := moves[r.URL.Path]
	return page || file || moved || strings.HasPrefix(r.URL.Path, "/"+s.assets.path) && path.Clean(r.URL.Path) == r.URL.Path
}

// moves are addresses that people type, and the pages that they mean, relative to them.
var moves = map[string]string{"/docs": "docs/", "/reference/": "../reference", "/reference/admin/": "../admin", "/reference/account/": "../account", "/account/": "../account"}

func (s *Site) serve(w http.ResponseWriter, r *http.Request) {
	if to, ok := moves[r.URL.Path]; ok {
		obs.SetRoute(r.Context(), r.URL.Path)
		w.Header().Set("Location", to) // relative, for proxies that take a part of the path away
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	if f, ok := s.files[r.URL.Path]; ok {
		obs.SetRoute(r.Context(), r.URL.Path)
		s.save(w, r, f)
		return
	}
	p, ok := s.pages[r.URL.Path]
	if !ok {
		obs.SetRoute(r.Context(), "/assets/")
		s.assets.handler().ServeHTTP(w, r)
		return
	}
	obs.SetRoute(r.Context(), r.URL.Path)
	if r.URL.Path == "/" {
		w.Header().Add("Vary", "Accept")
		if !wantsPage(r) {
			s.greet(w, r)
			return
		}
	}
	s.render(w, r, p)
}
