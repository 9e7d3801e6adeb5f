package api

import (
	"net/http"
	"path"
	"strings"

	"ab2d/internal/auth"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// call is a request on its way to a handler.
type call struct {
	version fhir.Version // of the path; 0 outside of /api
	client  *auth.Client // nil where no token is needed
}

type handler func(a *API, w http.ResponseWriter, r *http.Request, c call) error

// route is one row of the table. HEAD is answered where head says so, by the
// same handler.
type route struct {
	method string
	path   string
	from   fhir.Version // the first version that has it; 0: all
	public bool         // needs no access token
	head   bool
	starts bool // an export, which is rejected during maintenance
	kind   kind // of which a client may ask so often
	handle handler
}

// fhirRoutes stand under /api/v1/fhir, /api/v2/fhir and /api/v3/fhir.
var fhirRoutes = []route{
	{method: "GET", path: "/Patient/$export", starts: true, kind: changes, handle: kickOff},
	{method: "GET", path: "/Group/{contract}/$export", starts: true, kind: changes, handle: kickOff},
	{method: "POST", path: "/Patient/$export", from: fhir.V2, starts: true, kind: changes, handle: kickOff},
	{method: "POST", path: "/Group/{contract}/$export", from: fhir.V2, starts: true, kind: changes, handle: kickOff},
	{method: "GET", path: "/$bulk-publish", from: fhir.V2, kind: lists, handle: bulkPublish},
	{method: "GET", path: "/Patient", from: fhir.V2, kind: lists, handle: patientList},
	{method: "GET", path: "/Job/{job}/$status", head: true, kind: polls, handle: status},
	{method: "DELETE", path: "/Job/{job}/$status", kind: changes, handle: deleteJob},
	{method: "GET", path: "/Job", head: true, kind: lists, handle: jobList},
	{method: "GET", path: "/$data-status", head: true, kind: lists, handle: dataStatus},
	{method: "GET", path: "/Job/{job}/file/{name}", head: true, kind: downloads, handle: file},
	{method: "GET", path: "/metadata", public: true, head: true, handle: metadata},
	{method: "GET", path: "/.well-known/smart-configuration", public: true, head: true, handle: smartConfiguration},
}

// rootRoutes stand under no version.
var rootRoutes = []route{
	{method: "GET", path: "/health", public: true, head: true, handle: health},
	{method: "GET", path: "/health/live", public: true, head: true, handle: live},
	{method: "GET", path: "/metrics", public: true, head: true, handle: metrics},
	{method: "GET", path: "/openapi.json", public: true, head: true, handle: documentJSON},
	{method: "GET", path: "/openapi.yaml", public: true, head: true, handle: documentYAML},
	{method: "GET", path: "/status", public: true, head: true, handle: serverStatus},
	{method: "POST", path: "/oauth2/{server}/v1/token", public: true, handle: token},
	{method: "GET", path: "/oauth2/{server}/v1/keys", public: true, head: true, handle: tokenKeys},
	{method: "GET", path: "/oauth2/{server}/.well-known/oauth-authorization-server", public: true, head: true, handle: tokenMetadata},
	{method: "GET", path: "/oauth2/{server}/.well-known/openid-configuration", public: true, head: true, handle: tokenMetadata},
}

// adminPrefix is where the administration is served.
const adminPrefix = "/admin/v1/"

// accountPrefix is where the account of sponsors is served.
const accountPrefix = "/account/v1/"

// mux returns all routes.
func (a *API) mux() *http.ServeMux {
	mux := http.NewServeMux()
	a.mount(mux, "", 0, rootRoutes)
	for _, v := range fhir.Versions() {
		a.mount(mux, "/api/"+v.String()+"/fhir", v, fhirRoutes)
	}
	if a.Admin != nil {
		mux.Handle(adminPrefix, a.Admin)
	}
	if a.Account != nil {
		mux.Handle(accountPrefix, a.Account)
	}
	mux.Handle("/", a.Responder.NotFound())
	return mux
}

// mount adds the routes that version v has.
func (a *API) mount(mux *http.ServeMux, prefix string, v fhir.Version, routes []route) {
	var mounted []rest.Route
	for _, row := range routes {
		if v < row.from {
			continue
		}
		h := row.guarded()
		mounted = append(mounted, rest.Route{Method: row.method, Path: row.path, Head: row.head, Handle: func(w http.ResponseWriter, r *http.Request) error {
			return h(a, w, r, call{version: v})
		}})
	}
	a.Responder.Mount(mux, prefix, mounted)
}

// guarded puts before the handler what the route needs.
func (r route) guarded() handler {
	h := r.handle
	if r.starts {
		h = whenOpen(h)
	}
	if !r.public {
		h = withClient(r.kind, whenV3(h))
	}
	return h
}

// withClient calls h if the access token is valid, and its client does not ask too
// often.
func withClient(k kind, h handler) handler {
	return func(a *API, w http.ResponseWriter, r *http.Request, c call) error {
		client, _, err := a.Bearer.Check(r.Context(), r.Header.Get("Authorization"))
		if err != nil {
			return err
		}
		if err := a.limitRate(k, client.ID); err != nil {
			return err
		}
		c.client = client
		return h(a, w, r, c)
	}
}

// cleanPath leads from a path with dots or with a slash too many, as in a base
// URL that ends with one, to the right one. ServeMux would too, but it writes
// %24 as %2524.
func cleanPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.URL.EscapedPath()
		clean := path.Clean("/" + asked)
		if strings.HasSuffix(asked, "/") && clean != "/" {
			clean += "/"
		}
		if clean == asked {
			next.ServeHTTP(w, r)
			return
		}
		if r.URL.RawQuery != "" {
			clean += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", clean)
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
}
