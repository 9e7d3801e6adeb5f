package admin

import (
	"context"
	"crypto/subtle"
	_ "embed" // for openapi.yaml
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"ab2d/internal/audit"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
	"ab2d/internal/store"
)

// Prefix is the path below which the administration is served.
const Prefix = "/admin/v1"

// openAPI is the document that describes the administration (OpenAPI 3.0.3).
//
//go:embed openapi.yaml
var openAPI string

// documentOrigin stands in the document for the address of the server.
const documentOrigin = "http://localhost:8080"

// OpenAPI gives the document that describes the administration, as JSON, with
// http://localhost:8080 in the place of the server's address.
func OpenAPI() ([]byte, error) {
	document, err := yaml.YAMLToJSON([]byte(openAPI))
	if err != nil {
		return nil, fmt.Errorf("read the administration's openapi.yaml: %w", err)
	}
	return document, nil
}

// HandlerConfig is what the routes need besides the Service. All fields must
// be set.
type HandlerConfig struct {
	Responder *rest.Responder
	Origin    func(*http.Request) string // scheme and host where the caller reaches this server
}

// handler serves a Service.
type handler struct {
	*Service
	HandlerConfig
	// admit returns who asks, or an error if the request may not be served.
	admit func(r *http.Request, scope Scope) (actor string, err error)
}

// Handler serves s below Prefix to holders of admin tokens.
func Handler(s *Service, c HandlerConfig) http.Handler {
	h := &handler{Service: s, HandlerConfig: c}
	h.admit = h.admitToken
	return h.mux()
}

// LocalHandler serves s below Prefix to somebody who works on the database
// itself, and so may do everything. It must not be reachable by a network.
func LocalHandler(s *Service, c HandlerConfig, operator string) http.Handler {
	h := &handler{Service: s, HandlerConfig: c, admit: func(*http.Request, Scope) (string, error) { return "operator " + operator, nil }}
	served := h.mux()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.ServeHTTP(w, r.WithContext(audit.With(r.Context(), new(audit.Facts))))
	})
}

func (h *handler) mux() http.Handler {
	mux := http.NewServeMux()
	var routes []rest.Route
	for _, row := range h.routes() {
		routes = append(routes, rest.Route{Method: row.method, Path: row.path, Handle: h.guarded(row)})
	}
	h.Responder.Mount(mux, Prefix, routes)
	mux.Handle("/", h.Responder.NotFound())
	return mux
}

// guarded lets a request pass that may use the route, and notes who asks.
func (h *handler) guarded(row route) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		actor, err := h.admit(r, row.scope)
		if actor != "" {
			audit.FactsOf(r.Context()).Actor = actor
		}
		if err != nil {
			return err
		}
		return row.handle(w, r)
	}
}

// admitToken checks the admin token. It returns the actor of a token that is
// valid but lacks the scope, too.
func (h *handler) admitToken(r *http.Request, scope Scope) (actor string, err error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	id, _, ok := strings.Cut(strings.TrimPrefix(token, tokenMark), "_")
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(token, tokenMark) || !ok || !isTokenID(id) {
		return "", noToken()
	}
	t, err := h.store.AdminToken(r.Context(), id)
	if errors.Is(err, store.ErrNoAdminToken) {
		return "", noToken()
	}
	if err != nil {
		return "", err
	}
	if subtle.ConstantTimeCompare([]byte(t.Digest), []byte(digestOf(token))) != 1 || !h.now().Before(t.Expires) {
		return "", noToken()
	}
	if !slices.Contains(t.Scopes, string(scope)) {
		return "admin " + t.Name, rest.Errorf(http.StatusForbidden, fhir.CodeForbidden, "This admin token has no scope %s.", scope)
	}
	return "admin " + t.Name, nil
}

func noToken() *rest.Error {
	e := rest.Errorf(http.StatusUnauthorized, fhir.CodeLogin, "The administration needs a valid admin token in the header "+
		"Authorization: Bearer {token}. Add one with ab2d admin token add, on the machine that has the database.")
	e.Header = map[string]string{"WWW-Authenticate": "Bearer"}
	return e
}

// document sends the OpenAPI document with the address of this server in it.
func (h *handler) document(w http.ResponseWriter, r *http.Request) error {
	own := strings.ReplaceAll(openAPI, documentOrigin, h.Origin(r))
	return rest.Send(w, http.StatusOK, "application/yaml", []byte(own))
}

// actorOf returns who asks.
func actorOf(ctx context.Context) string { return audit.FactsOf(ctx).Actor }
