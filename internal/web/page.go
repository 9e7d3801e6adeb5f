package web

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"ab2d/internal/obs"
)

// page is a row of the table of pages.
type page struct {
	template string
	title    string
	body     func(*http.Request, view) any // what the template shows; nil where it needs nothing
}

// view is what a template is given.
type view struct {
	Title   string
	Path    string
	Root    string // the way to /, relative, so that the pages work under any path of a proxy
	Assets  string // the way to the assets
	Origin  string // where clients reach this server
	Sandbox bool
	Account bool // sponsors have a page for their account
	Version string
	Body    any
}

// link is an entry of the navigation.
type link struct{ Path, Text string }

// Top are the links at the top of every page.
func (v view) Top() []link {
	links := []link{{"/", "Tutorial"}, {"/try", "Try it"}, {"/reference", "API reference"}, {"/docs/data-dictionary", "Data dictionary"},
		{"/docs/", "Documents"}}
	if v.Account {
		links = append(links, link{"/account", "Account"})
	}
	return links
}

// linkGroup is a part of the navigation, for readers of one kind.
type linkGroup struct {
	Name  string
	Links []link
}

// Foot are the links at the foot of every page.
func (view) Foot() []linkGroup {
	return []linkGroup{
		{"Setup", []link{{"/setup/macos", "macOS"}, {"/setup/linux", "Linux"}, {"/setup/windows", "Windows"}}},
		{"For sponsors", []link{{"/docs/client", "Client"}, {"/docs/sandbox", "Sandbox"}, {"/docs/v3", "Move to v3"}, {"/docs/compatibility", "Compatibility"}, {"/docs/changelog", "Changelog"}}},
		{"For operators", []link{{"/docs/operating", "Operating"}, {"/docs/clouds", "Clouds"}, {"/docs/security", "Security"}, {"/docs/importing", "Importing"}, {"/reference/admin", "Administration API"}, {"/dashboard", "Dashboard"}}},
	}
}

// Current tells whether a link of the navigation leads to this page or to what it is
// a part of.
func (v view) Current(path string) string {
	switch {
	case path == v.Path:
		return "page"
	case path == "/reference" && strings.HasPrefix(v.Path, "/reference/"), path == "/docs/" && strings.HasPrefix(v.Path, "/docs/") && v.Path != "/docs/data-dictionary":
		return "true"
	}
	return ""
}

// To is the way to another page.
func (v view) To(path string) string { return v.Root + strings.TrimPrefix(path, "/") }

// joints are places in a name at which a browser may break it: after dots, slashes and
// underscores, before brackets, and between a small and a capital letter.
var joints = regexp.MustCompile(`[./_]|\[|[a-z][A-Z]`)

// breakable lets a browser break a name at its joints, and nowhere else.
func breakable(name string) template.HTML {
	return template.HTML(joints.ReplaceAllStringFunc(template.HTMLEscapeString(name), func(at string) string {
		switch {
		case at == "[":
			return "<wbr>["
		case len(at) == 2:
			return at[:1] + "<wbr>" + at[1:]
		}
		return at + "<wbr>"
	}))
}

// parseTemplates reads the templates: one set for each page, with the layout.
func parseTemplates() (map[string]*template.Template, error) {
	base, err := template.New("").Funcs(template.FuncMap{"fill": fill, "breakable": breakable, "inc": func(i int) int { return i + 1 }}).ParseFS(embedded, "templates/shared/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the templates: %w", err)
	}
	sets := map[string]*template.Template{}
	entries, err := embedded.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		set, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if set, err = set.ParseFS(embedded, "templates/"+e.Name()); err != nil {
			return nil, fmt.Errorf("read the template %s: %w", e.Name(), err)
		}
		sets[strings.TrimSuffix(e.Name(), ".html")] = set
	}
	return sets, nil
}

// address is what may stand in a command: scheme, name or address, and port.
var address = regexp.MustCompile(`^https?://[A-Za-z0-9._:\[\]-]{1,260}$`)

// origin is where the client reaches this server, and whether that can be
// shown in a command.
func (s *Site) origin(r *http.Request) (string, bool) {
	if s.PublicURL != "" {
		return s.PublicURL, true
	}
	o := s.Proxies.Origin(r)
	return o, address.MatchString(o)
}

// badHost says why no page is shown.
const badHost = "The Host header is not a name or an address. Open the page by the server's address."

// render answers with a page.
func (s *Site) render(w http.ResponseWriter, r *http.Request, p page) {
	origin, ok := s.origin(r)
	if !ok {
		http.Error(w, badHost, http.StatusBadRequest)
		return
	}
	b, err := s.page(r, origin, p)
	if err != nil {
		s.Log.Error("render a page", "request", obs.RequestID(r.Context()), "page", r.URL.Path, "error", err)
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	s.send(w, r, htmlType, b)
}

const htmlType = "text/html; charset=utf-8"

// page is a page as HTML.
func (s *Site) page(r *http.Request, origin string, p page) ([]byte, error) {
	root := strings.Repeat("../", strings.Count(r.URL.Path, "/")-1)
	if root == "" {
		root = "./"
	}
	v := view{Title: p.title, Path: r.URL.Path, Root: root, Assets: root + s.assets.path, Origin: origin, Sandbox: len(s.Sponsors) > 0, Account: s.AccountAPI != nil, Version: s.Version}
	if p.body != nil {
		v.Body = p.body(r, v)
	}
	var b bytes.Buffer
	err := s.templates[p.template].ExecuteTemplate(&b, "page", v)
	return b.Bytes(), err
}
