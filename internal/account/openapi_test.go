package account

import (
	"regexp"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// TestOpenAPI_Routes: every route is documented, and every documented one is served.
func TestOpenAPI_Routes(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData([]byte(openAPI))
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	parameter := regexp.MustCompile(`\{[^}]*\}`)
	var documented, served []string
	for path, item := range document.Paths.Map() {
		for method, o := range item.Operations() {
			documented = append(documented, method+" "+parameter.ReplaceAllString(path, "{}"))
			if o.OperationID == "" || len(o.Tags) != 1 || document.Tags.Get(o.Tags[0]) == nil {
				t.Errorf("%s %s lacks an operationId or one of the tags", method, path)
			}
		}
	}
	for _, r := range (&handler{}).routes() {
		served = append(served, r.method+" "+parameter.ReplaceAllString(r.path, "{}"))
	}
	slices.Sort(documented)
	slices.Sort(served)
	if diff := cmp.Diff(served, documented); diff != "" {
		t.Errorf("openapi.yaml (+) and the routes (-) differ:\n%s", diff)
	}
}
