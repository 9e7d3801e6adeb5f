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
	OpenAPI   []byte      // the OpenAPI 3 document, JSON
	Docs      fs.FS       // documents, *.md
	Changelog []byte      // in Markdown
	Version   string
	Log       *slog.Logger
	Metrics   *obs.Metrics
}

// Site is all pages. Safe for concurrent use.
type Site struct {
	Settings
	assets    assets
	templates map[string]*template.Template
	documents map[string]document // by name, without .md
	reference reference
	pages     map[string]page // by path
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
	if s.reference, err = newReference(s.OpenAPI); err != nil {
		return nil, err
	}
	if s.templates, err = parseTemplates(); err != nil {
		return nil, err
	}
	s.pages = s.table()
	return s, nil
}

// table is every page's address.
func (s *Site) table() map[string]page {
	pages := map[string]page{
		"/":              {template: "tutorial", title: "Tutorial", body: s.tutorial},
		"/setup/macos":   {template: "setup-macos", title: "Set up macOS"},
		"/setup/linux":   {template: "setup-linux", title: "Set up Linux"},
		"/setup/windows": {template: "setup-windows", title: "Set up Windows"},
		"/try":           {template: "try", title: "Try it", body: s.tutorial},
		"/dashboard":     {template: "dashboard", title: "Dashboard"},
		"/reference":     {template: "reference", title: "API reference", body: s.referenceBody},
	}
	conceal := strings.NewReplacer(s.concealed()...)
	for name, d := range s.documents {
		d.HTML = template.HTML(conceal.Replace(string(d.HTML)))
		pages["/docs/"+name] = page{template: "document", title: d.Title, body: func(*http.Request, view) any { return d }}
	}
	return pages
}

// Handler serves the pages, and leaves every other request to next.
func (s *Site) Handler(next http.Handler) http.Handler {
	ours := obs.Handler(s.Log, s.Metrics, pageHeaders(gzhttp.GzipHandler(http.HandlerFunc(s.serve))), func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Something went wrong in the server. Load the page again.", http.StatusInternalServerError)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.isOurs(r) {
			ours.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isOurs tells whether a person asks for a page. At / a program gets the API's
// answer, which says where the API is: a browser says that it takes HTML.
func (s *Site) isOurs(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if r.URL.Path == "/" && !strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html") {
		return false
	}
	_, page := s.pages[r.URL.Path]
	return page || strings.HasPrefix(r.URL.Path, "/"+s.assets.path) && path.Clean(r.URL.Path) == r.URL.Path
}

func (s *Site) serve(w http.ResponseWriter, r *http.Request) {
	p, ok := s.pages[r.URL.Path]
	if !ok {
		obs.SetRoute(r.Context(), "/assets/")
		s.assets.handler().ServeHTTP(w, r)
		return
	}
	obs.SetRoute(r.Context(), r.URL.Path)
	if r.URL.Path == "/" {
		w.Header().Add("Vary", "Accept")
	}
	s.render(w, r, p)
}
