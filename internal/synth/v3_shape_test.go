package synth

import (
	"context"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/eobjson"
)

// claimV3 is one ordinary claim of version 3: as an upstream stores it, as a sponsor
// receives it, and the version of it that version 2 has.
type claimV3 struct {
	facts    coverage.Claim
	raw      document
	line     []byte
	inV2     document
	enrollee coverage.Enrollee
}

// byTypeV3 collects up to perType claims of each type from contract Z0000.
func byTypeV3(t *testing.T, s *Source, perType int) (list []claimV3) {
	t.Helper()
	three, _ := eobjson.FormatOf(fhir.V3)
	two, _ := eobjson.FormatOf(fhir.V2)
	d := new(desk)
	var got [coverage.SNF + 1]int
	for _, e := range enrollees(t, s, "Z0000") {
		index, _ := s.population.IndexOf(e.ID)
		d.claims.Begin(s.population, index)
		d.line.SetMBIs(e.MBIs[:1])
		err := d.claims.EachNewest(context.Background(), asOf.UnixMilli(), func(c *claimgen.Claim) error {
			if c.Nature != claimgen.Ordinary {
				return nil
			}
			if got[c.Type]++; got[c.Type] > perType {
				return nil
			}
			one := claimV3{facts: c.Claim, raw: parse(t, d.raw(c, three)), enrollee: e}
			one.line = append(one.line, d.line.Delivered(three, c)...)
			one.inV2 = parse(t, d.line.Delivered(two, c))
			list = append(list, one)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// TestClaimsV3 checks a sample of claims of each type in version 3.
func TestClaimsV3(t *testing.T) {
	claims := byTypeV3(t, sourceAt(42, asOf), 150)
	for _, c := range []struct {
		name string
		test func(*testing.T, []claimV3)
	}{
		{"facts are those of the line", testFactsV3},
		{"the content is that of version 2", testStoryV3},
		{"delivered is what the allow-list keeps", testAllowedV3},
		{"lines are compact and ordered", testLinesV3},
		{"links point at elements", testLinksV3},
		{"codes are well formed", testCodesV3},
		{"raw claims have the paths of BFD's", testShapeV3}, // the last, because it removes urls
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, claims) })
	}
}

// testShapeV3 shows that raw claims of a type have every path that BFD's have.
func testShapeV3(t *testing.T, claims []claimV3) {
	met, anywhere := map[string]map[string]bool{}, map[string]bool{}
	for _, c := range claims {
		of := "v3 " + c.facts.Type.String()
		if met[of] == nil {
			met[of] = map[string]bool{}
		}
		walk(c.raw, "", met[of])
		for path := range met[of] {
			anywhere[path] = true
		}
	}
	for of, paths := range knownShape(t, "shape_v3.txt") {
		for path := range paths {
			path, elsewhere := strings.CutSuffix(path, " *")
			if elsewhere && !anywhere[path] || !elsewhere && !met[of][path] {
				t.Errorf("%s: %s does not occur", of, path)
			}
		}
	}
}

// testAllowedV3 applies the list of paths in testdata/allowed_v3.txt to raw claims.
// What it keeps, with the current MBI, is what a sponsor receives.
func testAllowedV3(t *testing.T, claims []claimV3) {
	text, err := os.ReadFile("testdata/allowed_v3.txt")
	if err != nil {
		t.Fatal(err)
	}
	allowed, met := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			allowed[strings.TrimSpace(line)] = true
		}
	}
	for _, c := range claims {
		line := parse(t, c.line)
		if n := len(elements(line["extension"])); n != 1 {
			t.Fatalf("%d extensions", n)
		}
		delete(line, "extension")
		if kept := keep(c.raw, "", allowed, met); !reflect.DeepEqual(kept, any(line)) { // cmp is slow
			t.Fatalf("%s: kept and delivered differ: %s", line["id"], cmp.Diff(kept, any(line)))
		}
	}
	for path := range allowed {
		if !met[path] {
			t.Errorf("%s never occurs", path)
		}
	}
}

// keep returns what an allow-list keeps of a value, and nil for nothing.
func keep(v any, path string, allowed, met map[string]bool) any {
	switch v := v.(type) {
	case document:
		kept := document{}
		for key, value := range v {
			if list, ok := value.([]any); ok {
				if some := keepSome(list, path, key, allowed, met); some != nil {
					kept[key] = some
				}
			} else if value := keep(value, join(path, key), allowed, met); value != nil {
				kept[key] = value
			}
		}
		if len(kept) > 0 && v["url"] != nil {
			kept["url"] = v["url"]
		}
		if len(kept) > 0 {
			return kept
		}
	default:
		if allowed[path] {
			met[path] = true
			return v
		}
	}
	return nil
}

// keepSome returns what an allow-list keeps of the elements of a list.
func keepSome(list []any, path, key string, allowed, met map[string]bool) any {
	var some []any
	for _, e := range list {
		if value := keep(e, join(path, key+kind(path, key, e)), allowed, met); value != nil {
			some = append(some, value)
		}
	}
	if some == nil {
		return nil
	}
	return some
}

// kind returns which of the elements of a list one is, where that decides whether it
// is delivered.
func kind(path, key string, element any) string {
	var name any
	switch {
	case key == "extension":
		name = at(element, "url")
	case path == "" && key == "careTeam":
		name = at(element, "role", "coding", "code")
	case path == "" && key == "supportingInfo":
		name = at(element, "category", "coding", "code")
	case path == "" && key == "contained" && at(element, "id") == "insurer-org":
		name = "insurer"
	case path == "" && key == "contained":
		name = at(element, "resourceType")
	case strings.HasPrefix(path, "contained(") && key == "identifier", path == "supportingInfo(typeofbill).code":
		name = at(element, "system")
	default:
		return ""
	}
	text := name.(string)
	return "(" + text[strings.LastIndex(text, "/")+1:] + ")"
}
