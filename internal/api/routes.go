package api

import (
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

// API answers requests. Safe for concurrent use.
type API struct {
	Intake *export.Intake
	Jobs   export.Jobs
	List   JobList
	Fresh  Freshness
	Files  export.Files
	Tokens *auth.Server
	Bearer *auth.Checker

	// AuthServer is the id of the authorization server in the token's path:
	// /oauth2/{AuthServer}/v1/token.
	AuthServer string
	// PublicURL is where clients reach this server, without a slash at the
	// end. Empty: as the request says.
	PublicURL string
	Proxies   obs.Proxies // whose word for it is taken, where PublicURL is empty
	// Origins are the web pages whose scripts may use this API: origins as
	// https://pages.example.org, or * for all.
	Origins      []string
	MaxDownloads int     // complete deliveries of a file
	MaxPolls     float64 // of a job's status a second; 0: no bound
	Checks       []Check
	Software     Software
	Maintenance  Maintenance
	Audit        audit.Log
	Admin        *Admin // nil: there is no administration over HTTP
	Now          func() time.Time
	Log          *slog.Logger
	Metrics      *obs.Metrics

	polls    *obs.Limiter // made by Handler
	refusals *refusals
	operator string    // of LocalAdmin: who needs no admin token
	practice *practice // set by Practise
}

// Software is this server's release, for metadata.
type Software struct {
	Version string
	Date    string // FHIR date
}

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
	starts bool  // an export, which is refused during maintenance
	admin  Scope // needs an admin token with this scope
	handle handler
}

// fhirRoutes stand under /api/v1/fhir and /api/v2/fhir.
var fhirRoutes = []route{
	{method: "GET", path: "/Patient/$export", starts: true, handle: kickOff},
	{method: "GET", path: "/Group/{contract}/$export", starts: true, handle: kickOff},
	{method: "POST", path: "/Patient/$export", from: fhir.V2, starts: true, handle: kickOff},
	{method: "POST", path: "/Group/{contract}/$export", from: fhir.V2, starts: true, handle: kickOff},
	{method: "GET", path: "/Job/{job}/$status", head: true, handle: status},
	{method: "DELETE", path: "/Job/{job}/$status", handle: deleteJob},
	{method: "GET", path: "/Job", head: true, handle: jobList},
	{method: "GET", path: "/$data-status", head: true, handle: dataStatus},
	{method: "GET", path: "/Job/{job}/file/{name}", head: true, handle: file},
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

// Handler is the whole API.
func (a *API) Handler() http.Handler {
	a.polls = newPolls(a.MaxPolls)
	a.refusals = newRefusals(a.Audit)
	mux := http.NewServeMux()
	a.mount(mux, "", 0, rootRoutes)
	if a.Admin != nil {
		a.mount(mux, "/admin/v1", 0, adminRoutes)
	}
	for _, v := range []fhir.Version{fhir.V1, fhir.V2} {
		a.mount(mux, "/api/"+v.String()+"/fhir", v, fhirRoutes)
	}
	mux.Handle("/", a.answering(func(*API, http.ResponseWriter, *http.Request, call) error { return errNoRoute }, call{}))
	return obs.Handler(a.Log, a.Metrics, a.withFacts(fixedHeaders(a.crossOrigin(a.practising(bounded(cleanPath(mux)))))), a.internalError)
}

// mount puts the routes into the mux: one handler a path, which knows the
// path's methods.
func (a *API) mount(mux *http.ServeMux, prefix string, v fhir.Version, routes []route) {
	paths := map[string]methods{}
	for _, r := range routes {
		if v < r.from {
			continue
		}
		if paths[r.path] == nil {
			paths[r.path] = methods{}
		}
		h := a.answering(r.guarded(), call{version: v})
		paths[r.path][r.method] = h
		if r.head {
			paths[r.path]["HEAD"] = h
		}
	}
	for path, m := range paths {
		mux.Handle(prefix+path, a.answering(m.dispatch, call{version: v}))
	}
}

// guarded is the handler behind all that the route needs.
func (r route) guarded() handler {
	h := r.handle
	if r.starts {
		h = whenOpen(h)
	}
	switch {
	case r.admin != "":
		return withAdmin(r.admin, h)
	case !r.public:
		return withClient(h)
	}
	return h
}

// methods are the handlers of one path.
type methods map[string]http.Handler

func (m methods) dispatch(_ *API, w http.ResponseWriter, r *http.Request, _ call) error {
	if h, ok := m[r.Method]; ok {
		h.ServeHTTP(w, r)
		return nil
	}
	allowed := []string{http.MethodOptions}
	for method := range m {
		allowed = append(allowed, method)
	}
	slices.Sort(allowed)
	if r.Method != http.MethodOptions {
		return methodNotAllowed(r.Method, strings.Join(allowed, ", "))
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// answering turns a handler into an http.Handler: its error becomes the answer.
func (a *API) answering(h handler, c call) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(a, w, r, c); err != nil {
			a.refuse(w, r, err)
		}
	})
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
