package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"ab2d/internal/fhir"
)

// contract is the OpenAPI document as a judge of answers. It is stricter than
// the document: what is sent must be described, whether or not a client could
// do without.
type contract struct {
	document *openapi3.T
	paths    *http.ServeMux // finds the document's path of a request
	mu       sync.Mutex
	seen     map[string]bool // "GET /health 200"
	told     map[string]bool // the texts of errors, without what differs each time
}

// everywhere are the headers of every answer, which the document describes in its
// introduction; others are HTTP's own and need no word.
var (
	everywhere = []string{"Cache-Control", "Pragma", "Expires", "X-Content-Type-Options", "X-Frame-Options", "X-Xss-Protection"}
	others     = []string{"Content-Type", "Content-Length", "Date"}
)

// newContract reads the document from the server.
func newContract(s *server) *contract {
	s.Helper()
	document, err := openapi3.NewLoader().LoadFromData(s.do("", "GET", "/openapi.json").body)
	if err != nil {
		s.Fatal(err)
	}
	c := &contract{document: document, paths: http.NewServeMux(), seen: map[string]bool{}, told: map[string]bool{}}
	for path, item := range document.Paths.Map() {
		c.paths.Handle(path, http.NotFoundHandler())
		for _, o := range item.Operations() {
			for _, r := range o.Responses.Map() {
				for _, m := range r.Value.Content {
					closed(m.Schema.Value)
				}
			}
		}
	}
	return c
}

// closed lets an object have no more than it describes.
func closed(s *openapi3.Schema) {
	if len(s.Properties) > 0 {
		no := false
		s.AdditionalProperties.Has = &no
	}
	for _, p := range s.Properties {
		closed(p.Value)
	}
	if s.Items != nil {
		closed(s.Items.Value)
	}
}

// judge lets the contract see every answer that a server's client gets.
func (c *contract) judge(s *server) {
	s.client.Transport = &judged{c, s.TB, s.client.Transport}
}

type judged struct {
	*contract
	t    testing.TB
	next http.RoundTripper
}

func (j *judged) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := j.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	for _, fault := range j.faults(r, resp, body) {
		j.t.Errorf("%s %s answered %d: %s", r.Method, r.URL.Path, resp.StatusCode, fault)
	}
	return resp, nil
}

// faults are what the document and an answer disagree about.
func (c *contract) faults(r *http.Request, resp *http.Response, body []byte) []string {
	_, path := c.paths.Handler(r)
	item := c.document.Paths.Value(path)
	if item == nil || item.GetOperation(r.Method) == nil {
		return []string{"the document has no such operation"}
	}
	documented := item.GetOperation(r.Method).Responses.Status(resp.StatusCode)
	if documented == nil {
		return []string{"the document has no such status"}
	}
	c.mu.Lock()
	c.seen[fmt.Sprintf("%s %s %d", r.Method, path, resp.StatusCode)] = true
	var value any
	if resp.StatusCode >= 400 && json.Unmarshal(body, &value) == nil {
		for _, text := range errorTexts(value) {
			c.told[gist(text)] = true
		}
	}
	c.mu.Unlock()
	faults := headerFaults(documented.Value, resp.Header)
	if r.Method == http.MethodHead {
		return faults // it describes the headers that GET would answer
	}
	return append(faults, bodyFaults(documented.Value, resp.Header, body)...)
}

func headerFaults(documented *openapi3.Response, got http.Header) (faults []string) {
	for name, h := range documented.Headers {
		values := got.Values(name)
		if len(values) > 1 {
			faults = append(faults, fmt.Sprintf("there are %d headers %s", len(values), name))
		}
		if len(values) == 0 {
			if h.Value.Required {
				faults = append(faults, "there is no header "+name)
			}
			continue
		}
		value := any(values[0])
		if n, err := strconv.ParseFloat(values[0], 64); err == nil && h.Value.Schema.Value.Type.Is("integer") {
			value = n
		}
		if err := h.Value.Schema.Value.VisitJSON(value, openapi3.EnableFormatValidation()); err != nil {
			faults = append(faults, fmt.Sprintf("header %s: %v", name, err))
		}
	}
	for _, name := range everywhere {
		if len(got.Values(name)) != 1 {
			faults = append(faults, fmt.Sprintf("there are %d headers %s", len(got.Values(name)), name))
		}
	}
	for name := range got {
		described := func(h string) bool { return http.CanonicalHeaderKey(h) == name }
		if !slices.Contains(everywhere, name) && !slices.Contains(others, name) && !slices.ContainsFunc(slices.Collect(maps.Keys(documented.Headers)), described) {
			faults = append(faults, "the document has no header "+name)
		}
	}
	return faults
}

func bodyFaults(documented *openapi3.Response, header http.Header, body []byte) []string {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case len(documented.Content) == 0 && len(body) == 0:
		return nil
	case documented.Extensions["x-may-be-empty"] == true && len(body) == 0 && header.Get("Content-Type") == "":
		return nil
	case len(documented.Content) == 0:
		return []string{fmt.Sprintf("there is a body of %d bytes", len(body))}
	case err != nil:
		return []string{"its Content-Type: " + err.Error()}
	}
	media := documented.Content.Get(kind)
	if media == nil {
		return []string{"the document has no " + kind}
	}
	var value any = string(body)
	if kind == "application/json" || kind == fhir.TypeFHIR {
		if err := json.Unmarshal(body, &value); err != nil {
			return []string{"the body is no JSON: " + err.Error()}
		}
	}
	if err := media.Schema.Value.VisitJSON(value, openapi3.EnableFormatValidation(), openapi3.MultiErrors(), openapi3.VisitAsResponse()); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// errorTexts are the sentences of an OperationOutcome or of a token error.
func errorTexts(value any) (texts []string) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if text, ok := inner.(string); ok && (name == "text" || name == "error_description") {
				texts = append(texts, text)
			}
			texts = append(texts, errorTexts(inner)...)
		}
	case []any:
		for _, inner := range v {
			texts = append(texts, errorTexts(inner)...)
		}
	}
	return texts
}

var differs = regexp.MustCompile(`"[^"]*"|https?://\S+|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9: ]+|[0-9]+`)

// gist is a text without the values, addresses and dates in it.
func gist(text string) string { return differs.ReplaceAllString(text, "…") }

// untold are the texts in the document's examples of errors that no server has said.
func (c *contract) untold() (texts []string) {
	for path, item := range c.document.Paths.Map() {
		for method, o := range item.Operations() {
			for status, r := range o.Responses.Map() {
				if status < "400" {
					continue
				}
				for _, m := range r.Value.Content {
					examples := []any{m.Example}
					for _, e := range m.Examples {
						examples = append(examples, e.Value.Value)
					}
					for _, text := range errorTexts(examples) {
						if !c.told[gist(text)] {
							texts = append(texts, fmt.Sprintf("%s %s %s: %s", method, path, status, text))
						}
					}
				}
			}
		}
	}
	return texts
}

// unseen are the documented statuses that no server has answered.
func (c *contract) unseen() (statuses []string) {
	for path, item := range c.document.Paths.Map() {
		for method, o := range item.Operations() {
			for status := range o.Responses.Map() {
				if name := method + " " + path + " " + status; !c.seen[name] {
					statuses = append(statuses, name)
				}
			}
		}
	}
	slices.Sort(statuses)
	return statuses
}

// operation is a documented operation, with the examples of its path's
// parameters in the path.
type operation struct {
	method, path string
	public       bool
}

func (o operation) String() string { return o.method + " " + o.path }

// operations are those whose method and path hold all words.
func (c *contract) operations(words ...string) (found []operation) {
	for path, item := range c.document.Paths.Map() {
		for method, o := range item.Operations() {
			filled := path
			for _, p := range o.Parameters {
				filled = strings.ReplaceAll(filled, "{"+p.Value.Name+"}", fmt.Sprint(p.Value.Example))
			}
			with := operation{method: method, path: filled, public: o.Security != nil}
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(with.String(), w) }) {
				found = append(found, with)
			}
		}
	}
	return found
}

// listOf is the operation that lists the jobs.
func listOf(c *contract, version string) []operation { return endingWith(c, version, "/fhir/Job") }

// endingWith are the operations of a version at an address.
func endingWith(c *contract, version, end string) (found []operation) {
	for _, o := range c.operations("/api/"+version+"/", end) {
		if strings.HasSuffix(o.path, end) {
			found = append(found, o)
		}
	}
	return found
}
