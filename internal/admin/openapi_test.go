package admin

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// pathParameter is a parameter of a path, whose name does not matter.
var pathParameter = regexp.MustCompile(`\{[^}]*\}`)

// TestOpenAPI_Routes: every route is documented with its scope, and every
// documented one is served.
func TestOpenAPI_Routes(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData([]byte(openAPI))
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context(), openapi3.EnableSchemaDefaultsValidation()); err != nil {
		t.Error(err)
	}
	var documented, served []string
	for path, item := range document.Paths.Map() {
		for method, o := range item.Operations() {
			scopes := (*o.Security)[0]["admin"]
			documented = append(documented, method+" "+pathParameter.ReplaceAllString(path, "{}")+" "+strings.Join(scopes, ","))
			if o.OperationID == "" || len(o.Tags) != 1 || document.Tags.Get(o.Tags[0]) == nil {
				t.Errorf("%s %s lacks an operationId or one of the tags", method, path)
			}
		}
	}
	for _, r := range (&handler{}).routes() {
		if r.path == "/troubles" { // the old name of /failures, which the document does not advertise
			continue
		}
		served = append(served, r.method+" "+pathParameter.ReplaceAllString(r.path, "{}")+" "+string(r.scope))
	}
	slices.Sort(documented)
	slices.Sort(served)
	if diff := cmp.Diff(served, documented); diff != "" {
		t.Errorf("openapi.yaml (+) and the routes (-) differ:\n%s", diff)
	}
}
