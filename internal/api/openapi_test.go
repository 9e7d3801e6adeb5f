package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"ab2d/internal/auth"
	"ab2d/internal/fhir"
)

func TestTheDocumentIsValid(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	document := newContract(s).document
	if err := document.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaDefaultsValidation(),
		openapi3.EnableSchemaPatternValidation()); err != nil {
		t.Error(err)
	}
	for _, p := range document.Paths.Map() {
		for method, o := range p.Operations() {
			if o.OperationID == "" || o.Summary == "" || len(o.Tags) != 1 || document.Tags.Get(o.Tags[0]) == nil {
				t.Errorf("%s %s lacks an operationId, a summary or one of the tags", method, o.OperationID)
			}
			for status, r := range o.Responses.Map() {
				for kind, m := range r.Value.Content {
					if m.Example == nil && len(m.Examples) == 0 {
						t.Errorf("%s: %s has no example of %s", o.OperationID, status, kind)
					}
				}
			}
		}
	}
}

// TestTheDocumentNamesThisServer: its address, also one that a proxy has, and
// its authorization server.
func TestTheDocumentNamesThisServer(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"as asked": "", "behind a proxy": "https://ab2d.example.org", "IPv6": "http://[::1]:9000"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(s *server) { s.workers, s.config.Address.PublicURL, s.config.AuthServer = 0, want, "ours" })
			if want == "" {
				want = s.url
			}
			asYAML, asJSON := s.do("", "GET", "/openapi.yaml"), s.do("", "GET", "/openapi.json")
			if a := s.do("", "HEAD", "/openapi.json"); a.length != asJSON.length || len(a.body) != 0 {
				t.Errorf("HEAD tells %d bytes and sends %d", a.length, len(a.body))
			}
			var one, two any
			if err := yaml.Unmarshal(asYAML.body, &one); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(asJSON.body, &two); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(one)
			if err != nil || json.Unmarshal(again, &one) != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(one, two); diff != "" {
				t.Errorf("YAML and JSON differ:\n%s", diff)
			}
			document := newContract(s).document
			tokenURL := document.Components.SecuritySchemes["clientCredentials"].Value.Flows.ClientCredentials.TokenURL
			if got := document.Servers[0].URL; got != want || tokenURL != want+"/oauth2/ours/v1/token" {
				t.Errorf("the server is %s, the token comes from %s", got, tokenURL)
			}
			if strings.Contains(string(asJSON.body), "localhost") {
				t.Error("the document names localhost")
			}
		})
	}
}

// TestDocumentedParametersAreTaken: an export with every parameter as its
// example has it, which is not noted as unknown.
func TestDocumentedParametersAreTaken(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	s.clock.Add(200 * 24 * time.Hour) // version 3 accepts no _since before April 2026
	c := newContract(s)
	for path, item := range c.document.Paths.Map() {
		for method, o := range item.Operations() {
			if !strings.HasSuffix(path, "$export") {
				continue
			}
			query, headers := exampleOf(t, o.Parameters)
			target, body := s.url+strings.Replace(path, "{contract}", "Z0000", 1), ""
			if len(query) > 0 {
				target += "?" + query.Encode()
			}
			if o.RequestBody != nil {
				b, err := json.Marshal(o.RequestBody.Value.Content.Get(fhir.TypeFHIR).Examples["of a year"].Value.Value)
				if err != nil {
					t.Fatal(err)
				}
				body = string(b)
				headers = append(headers, "Content-Type: "+fhir.TypeFHIR)
			}
			a := s.submit(one, method, target, body, headers...)
			if a.status != http.StatusAccepted {
				t.Fatalf("%s %s: %d %s", method, target, a.status, a.body)
			}
			location := a.header.Get("Content-Location")
			j, err := s.db.Job(t.Context(), jobID(location))
			if err != nil || len(j.Notes) > 0 || j.Since.IsZero() || !strings.Contains(path, "v1") && len(j.ServiceDates) == 0 {
				t.Errorf("%s %s became %+v: %v", method, target, j, err)
			}
			s.do(one, "DELETE", location)
		}
	}
}

// exampleOf are the examples of parameters, as a request has them.
func exampleOf(t *testing.T, parameters openapi3.Parameters) (query url.Values, headers []string) {
	t.Helper()
	query = url.Values{}
	for _, p := range parameters {
		values, ok := p.Value.Example.([]any)
		if !ok {
			values = []any{p.Value.Example}
		}
		for _, v := range values {
			switch p.Value.In {
			case openapi3.ParameterInQuery:
				query.Add(p.Value.Name, fmt.Sprint(v))
			case openapi3.ParameterInHeader:
				headers = append(headers, p.Value.Name+": "+fmt.Sprint(v))
			}
		}
	}
	return query, headers
}

// submit sends a request with a body, as a client.
func (s *server) submit(client, method, target, body string, headers ...string) *answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, target, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token(client, auth.Scope))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return s.send(r)
}
