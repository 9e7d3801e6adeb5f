package account

import (
	_ "embed" // for openapi.yaml
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"ab2d/internal/admin"
	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// Prefix is the path below which the account is served.
const Prefix = "/account/v1"

// openAPI is the document that describes the account (OpenAPI 3.0.3).
//
//go:embed openapi.yaml
var openAPI string

// documentOrigin stands in the document for the address of the server.
const documentOrigin = "http://localhost:8080"

// OpenAPI gives the document that describes the account, as JSON, with
// http://localhost:8080 in the place of the server's address.
func OpenAPI() ([]byte, error) {
	document, err := yaml.YAMLToJSON([]byte(openAPI))
	if err != nil {
		return nil, fmt.Errorf("read the account's openapi.yaml: %w", err)
	}
	return document, nil
}

// Config is what the account needs. All fields must be set but Issuer and Rate.
type Config struct {
	Admin  *admin.Service
	Store  Store
	Intake *export.Intake
	Bearer *auth.Checker
	Proofs *auth.Server // checks proofs of possession
	Fetch  Fetcher      // reads the keys at an address
	Now    func() time.Time
	// Warn logs what the operator should see to: a message and its attributes.
	Warn      func(message string, attributes ...any)
	Responder *rest.Responder
	Origin    func(*http.Request) string // scheme and host where the caller reaches this server
	// Issuer is the authorization server of somebody else whose tokens are accepted.
	// Secrets and keys are then its own matter. Optional.
	Issuer string
	// Rate takes a request, or a change, from what a client may send, or says how long
	// until it may. Optional.
	Rate func(client string, change bool) (wait time.Duration, ok bool)
}

// handler serves the account. Safe for concurrent use.
type handler struct {
	Config
	fetches fetches
}

// Handler serves the account below Prefix. It fails if a field of c is missing.
func Handler(c Config) (http.Handler, error) {
	if c.Admin == nil || c.Store == nil || c.Intake == nil || c.Bearer == nil || c.Proofs == nil || c.Fetch == nil || c.Now == nil || c.Warn == nil || c.Responder == nil || c.Origin == nil {
		return nil, errors.New("make the account: a field of Config is missing")
	}
	h := &handler{Config: c, fetches: newFetches()}
	mux := http.NewServeMux()
	var routes []rest.Route
	for _, row := range h.routes() {
		routes = append(routes, rest.Route{Method: row.method, Path: row.path, Handle: h.guarded(row)})
	}
	h.Responder.Mount(mux, Prefix, routes)
	mux.Handle("/", h.Responder.NotFound())
	return mux, nil
}

// call is a request of a client.
type call struct {
	*http.Request
	client *auth.Client // as it was when the request came
	by     string       // what it signed in with, for people; "" if that is not known
}

// route is one row of the table of routes.
type route struct {
	method string
	path   string
	needs  need
	handle func(c call) (status int, body any, err error)
}

// need is what the client must be for a route.
type need int

const (
	nothing need = iota // the document
	reading
	changing // what is no credential: also clients of a sandbox may
	settings // not clients that a sandbox made
	secrets  // settings, and not if another server issues the tokens
)

// routes returns the table of routes, below Prefix.
func (h *handler) routes() []route {
	return []route{
		{"GET", "/openapi.yaml", nothing, nil},
		{"GET", "/client", reading, h.show},
		{"POST", "/secrets", secrets, h.rotate},
		{"DELETE", "/secrets/{secret}", secrets, h.revoke},
		{"POST", "/keys", secrets, h.addKey},
		{"DELETE", "/keys/{key}", secrets, h.removeKey},
		{"PUT", "/keys-url", secrets, h.setKeysURL},
		{"DELETE", "/keys-url", secrets, h.removeKeysURL},
		{"PUT", "/networks", settings, h.setNetworks},
		{"GET", "/requests", reading, h.requests},
		{"DELETE", "/requests/{request}", changing, h.withdraw},
		{"GET", "/jobs", reading, h.jobs},
		{"DELETE", "/jobs/{job}", changing, h.cancel},
		{"GET", "/downloads", reading, h.downloads},
		{"GET", "/audit", reading, h.audit},
	}
}

// guarded lets a request pass that may use the route.
func (h *handler) guarded(row route) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if row.needs == nothing {
			return rest.Send(w, http.StatusOK, "application/yaml", []byte(strings.ReplaceAll(openAPI, documentOrigin, h.Origin(r))))
		}
		client, by, err := h.Bearer.CheckAccount(r.Context(), r.Header.Get("Authorization"))
		if err != nil {
			return err
		}
		if err := h.limit(client.ID, row.needs != reading); err != nil {
			return err
		}
		if why := h.readOnly(client, row.needs); why != "" {
			return rest.Errorf(http.StatusForbidden, fhir.CodeForbidden, "%s", why)
		}
		status, body, err := row.handle(call{Request: r, client: client, by: by})
		if err != nil {
			return err
		}
		return rest.WriteJSON(w, status, "application/json", body)
	}
}

// readOnly says why a client may not use a route, as a sentence; "" if it may.
func (h *handler) readOnly(c *auth.Client, needs need) string {
	switch {
	case needs >= settings && c.Sandbox:
		return "Everybody may know the secret of this client of the sandbox, so its secrets, keys and networks cannot be changed here. To try that, add a client of your own with ab2d admin client add."
	case needs >= secrets && h.Issuer != "":
		return "This server accepts the tokens of " + h.Issuer + ". Change secrets and keys there."
	}
	return ""
}

func (h *handler) limit(client string, change bool) error {
	if h.Rate == nil {
		return nil
	}
	wait, ok := h.Rate(client, change)
	if ok {
		return nil
	}
	return tooMany(wait, "This client sends too many requests of this kind.")
}

func tooMany(wait time.Duration, why string) *rest.Error {
	e := rest.Errorf(http.StatusTooManyRequests, fhir.CodeThrottled, "%s Wait as long as Retry-After says.", why)
	e.Header = map[string]string{"Retry-After": strconv.Itoa(int(wait/time.Second) + 1)}
	return e
}

// maxBody bounds the body of a change, in bytes.
const maxBody = 64 << 10

// read parses the body, which must be JSON: no form of another web site can send that.
func read[T any](c call) (body T, err error) {
	if kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return body, rest.Errorf(http.StatusUnsupportedMediaType, fhir.CodeInvalid, "The body has to be JSON, with Content-Type: application/json.")
	}
	b, err := io.ReadAll(io.LimitReader(c.Body, maxBody+1))
	if len(b) > maxBody {
		return body, rest.Errorf(http.StatusRequestEntityTooLarge, fhir.CodeTooCostly, "The body is larger than %d bytes.", maxBody)
	}
	if err != nil {
		return body, rest.Errorf(http.StatusBadRequest, fhir.CodeInvalid, "The body ended before it was complete.")
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return body, notJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return body, notJSON(errors.New("there is more than one value"))
	}
	return body, nil
}

// notJSON says what is wrong with a body and quotes none of its values: they may be
// secrets in the wrong field.
func notJSON(err error) *rest.Error {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return rest.InvalidField(kind.Field, "it is a %s, and has to be a %s.", kind.Value, kind.Type)
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		return rest.Errorf(http.StatusBadRequest, fhir.CodeInvalid, "The body has a field that is not known. The fields are in the document %s/openapi.yaml.", Prefix)
	}
	return rest.Errorf(http.StatusBadRequest, fhir.CodeInvalid, "The body is not one JSON object.")
}

// bounds of the rows of a page.
const (
	maxListed = 200
	listed    = 50
)

// limitOf reads how many rows are asked for.
func (c call) limitOf() (int, error) {
	s := c.URL.Query().Get("limit")
	if s == "" {
		return listed, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxListed {
		return 0, rest.InvalidField("limit", "%s is not a number from 1 to %d.", rest.Quoted(s), maxListed)
	}
	return n, nil
}

// Store is the database as the account needs it. Safe for concurrent use.
type Store interface {
	changes
	activities
}
