package api

import (
	"bytes"
	_ "embed" // for openapi.yaml
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"ab2d/internal/rest"

	"github.com/goccy/go-yaml"
)

// openAPI is the document that describes this API (OpenAPI 3.0.3).
//
//go:embed openapi.yaml
var openAPI []byte

// What the document has in the place of a server's own address and
// authorization server.
const (
	documentOrigin     = "http://localhost:8080"
	documentAuthServer = "aus2r7y3gdaFMKBol297"
)

// openAPIJSON is the document as JSON, in the same order; the same at each call.
var openAPIJSON = sync.OnceValues(func() ([]byte, error) {
	indented, err := yaml.YAMLToJSON(openAPI)
	if err != nil {
		return nil, fmt.Errorf("read openapi.yaml: %w", err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, indented); err != nil {
		return nil, fmt.Errorf("write openapi.yaml as JSON: %w", err)
	}
	return b.Bytes(), nil
})

// OpenAPI gives the document that describes this API, as JSON, with
// http://localhost:8080 in the place of the server's address.
func OpenAPI() ([]byte, error) { return openAPIJSON() }

// documentJSON answers with the document as JSON.
func documentJSON(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	document, err := openAPIJSON()
	if err != nil {
		return err
	}
	return a.document(w, r, "application/json", document)
}

// documentYAML answers with the document as it was written (RFC 9512).
func documentYAML(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	return a.document(w, r, "application/yaml", openAPI)
}

// document sends the document with the addresses of this server in it.
func (a *API) document(w http.ResponseWriter, r *http.Request, contentType string, document []byte) error {
	return rest.Send(w, http.StatusOK, contentType, a.documents.get(a.origin(r), contentType, func(origin string) []byte {
		return []byte(strings.NewReplacer(documentOrigin, origin, documentAuthServer, a.AuthServer).Replace(string(document)))
	}))
}

// documents remembers the documents of the origin that was asked last: to write one anew
// costs so much that many requests could keep a server busy. Safe for concurrent use.
type documents struct {
	mu     sync.Mutex
	origin string
	bodies map[string][]byte // by content type
}

func (d *documents) get(origin, contentType string, write func(origin string) []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.origin != origin || d.bodies == nil {
		d.origin, d.bodies = origin, map[string][]byte{}
	}
	if d.bodies[contentType] == nil {
		d.bodies[contentType] = write(origin)
	}
	return d.bodies[contentType]
}
