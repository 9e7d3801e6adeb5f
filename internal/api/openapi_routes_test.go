package api

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"ab2d/internal/fhir"
)

// nameless is what a parameter of a path is called, which does not matter.
var nameless = regexp.MustCompile(`\{[^}]*\}`)

// TestEveryRouteIsDocumented and every documented one is there.
func TestEveryRouteIsDocumented(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	var documented, served []string
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, method+" "+nameless.ReplaceAllString(path, "{}"))
		}
	}
	add := func(prefix string, v fhir.Version, routes []route) {
		for _, r := range routes {
			if v < r.from {
				continue
			}
			path := nameless.ReplaceAllString(prefix+r.path, "{}")
			served = append(served, r.method+" "+path)
			if r.head {
				served = append(served, "HEAD "+path)
			}
		}
	}
	add("", 0, rootRoutes)
	for _, v := range fhir.Versions() {
		add("/api/"+v.String()+"/fhir", v, fhirRoutes)
	}
	for _, r := range served {
		if !slices.Contains(documented, r) {
			t.Errorf("openapi.yaml lacks %s", r)
		}
	}
	for _, r := range documented {
		if !slices.Contains(served, r) {
			t.Errorf("openapi.yaml has %s, which is not served", r)
		}
	}
}

// TestTheDocumentIsInOrder: JSON as YAML, since the order is what a reader
// goes by.
func TestTheDocumentIsInOrder(t *testing.T) {
	t.Parallel()
	document, err := openAPIJSON()
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for line := range strings.Lines(string(openAPI)) {
		path, ok := strings.CutSuffix(strings.TrimRight(line, "\n"), ":")
		if !ok || !strings.HasPrefix(path, "  /") {
			continue
		}
		next := strings.Index(string(document), `"`+path[2:]+`":`)
		if next < at {
			t.Errorf("%s stands at %d in the JSON, before what it comes after", path, next)
		}
		at = next
	}
	if at == 0 {
		t.Error("the document has no path")
	}
}
