package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// TokenServer is the authorization server: auth.Server.
type TokenServer interface {
	ServeToken(w http.ResponseWriter, r *http.Request)
	ServeKeys(w http.ResponseWriter, r *http.Request)
	ServeMetadata(w http.ResponseWriter, r *http.Request)
	ServeSMART(w http.ResponseWriter, r *http.Request)
}

// Config is what an API needs. Fields that say "optional" may be left out.
type Config struct {
	Intake      *export.Intake
	Jobs        export.Jobs
	Deliveries  export.Deliveries
	List        JobList
	Fresh       Freshness
	Files       export.Files
	Tokens      TokenServer
	Bearer      *auth.Checker
	Maintenance Maintenance
	Audit       audit.Log
	Responder   *rest.Responder
	Metrics     *obs.Metrics
	Tracer      *obs.Tracer // optional
	Now         func() time.Time
	Log         *slog.Logger

	// AuthServer is the id of the authorization server in the path of the token
	// endpoint: /oauth2/{AuthServer}/v1/token.
	AuthServer string
	Address    rest.Address
	// Origins are the web pages whose scripts may use this API: origins such as
	// https://pages.example.org, or * for all. Optional.
	Origins      []string
	MaxDownloads int     // complete downloads of a file, 1 or more
	MaxPolls     float64 // of a job's status a second; 0: no limit
	RateFactor   float64 // multiplies what a client may ask for in a second; 0: no limit
	Checks       []Check // of health. Optional.
	Software     Software
	V3           V3
	Admin        http.Handler                    // serves /admin/v1. Optional.
	Account      http.Handler                    // serves /account/v1. Optional.
	Simulate     func(http.Handler) http.Handler // simulates failures, in the sandbox. Optional.
}

// Software is this server's release, for metadata.
type Software struct {
	Version string
	Date    string // FHIR date
}

// API answers the requests of sponsors. It is an http.Handler. Safe for
// concurrent use.
type API struct {
	Config
	polls     *obs.Limiter
	rates     map[kind]*obs.Limiter // by client
	documents documents
	ranges    *ranges
	health    map[string]*checked
	handler   http.Handler
}

// New returns an API. It fails if a field of c is missing.
func New(c Config) (*API, error) {
	if missing := c.missing(); len(missing) > 0 {
		return nil, fmt.Errorf("make the API: Config lacks %s", strings.Join(missing, ", "))
	}
	if c.MaxDownloads < 1 {
		return nil, errors.New("make the API: MaxDownloads is less than 1")
	}
	if c.V3.EarliestSince.IsZero() {
		c.V3.EarliestSince = DefaultEarliestSinceV3()
	}
	a := &API{Config: c, polls: newPolls(c.MaxPolls), rates: newRates(c.RateFactor), ranges: newRanges(), health: healthOf(c.Checks)}
	a.handler = a.chain(a.mux())
	return a, nil
}

// missing lists the required fields that are not set.
func (c *Config) missing() []string {
	var names []string
	for name, missing := range map[string]bool{
		"Intake": c.Intake == nil, "Jobs": c.Jobs == nil, "Deliveries": c.Deliveries == nil, "List": c.List == nil, "Fresh": c.Fresh == nil, "Files": c.Files == nil,
		"Tokens": c.Tokens == nil, "Bearer": c.Bearer == nil, "Maintenance": c.Maintenance == nil, "Audit": c.Audit == nil,
		"Responder": c.Responder == nil, "Metrics": c.Metrics == nil, "Now": c.Now == nil, "Log": c.Log == nil, "AuthServer": c.AuthServer == "", "V3.Contract": !c.V3.Disabled && c.V3.Contract == nil,
	} {
		if missing {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// chain puts the middleware before the routes. The list is in the order in
// which it runs.
func (a *API) chain(routes http.Handler) http.Handler {
	middleware := []func(http.Handler) http.Handler{
		a.Address.Identify, // id and caller, for all that follows
		a.trace,            // whose id the log has
		a.observe,          // log, metrics, panics
		fixedHeaders,
		a.crossOrigin,
		a.simulate,
		deadline,
		bounded, // size and time of the body
		cleanPath,
	}
	h := routes
	for _, m := range slices.Backward(middleware) {
		h = m(h)
	}
	return h
}

func (a *API) trace(next http.Handler) http.Handler { return obs.TraceRequests(a.Tracer, next) }

func (a *API) observe(next http.Handler) http.Handler {
	return obs.Handler(a.Log, a.Metrics, next, func(w http.ResponseWriter, r *http.Request) {
		a.Responder.WriteError(w, r, errors.New("panic"))
	})
}

func (a *API) simulate(next http.Handler) http.Handler {
	if a.Simulate == nil {
		return next
	}
	return a.Simulate(next)
}

// deadline bounds the time until a response begins.
func deadline(next http.Handler) http.Handler { return rest.Deadline(requestTime, next) }
