package eob

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// realDir has public sample claims, which are not part of this repository;
// CONTRIBUTING.md tells where they come from. It is empty without them.
func realDir() string { return os.Getenv("AB2D_TEST_CLAIMS") }

// needReal skips the test without them.
func needReal(t testing.TB) {
	t.Helper()
	if realDir() == "" {
		t.Skip("only with AB2D_TEST_CLAIMS=folder of sample claims")
	}
}

// realClaims reads the sample claims of a version, one a claim type.
func realClaims(t testing.TB, v fhir.Version) map[string][]byte {
	t.Helper()
	needReal(t)
	dir := filepath.Join(realDir(), "eob-stu3")
	if v == fhir.V2 {
		dir = filepath.Join(realDir(), "eob-r4")
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no sample claims in %s: %v", dir, err)
	}
	claims := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		claims[strings.TrimSuffix(filepath.Base(name), ".json")] = b
	}
	return claims
}

// raw500 reads CMS's 500 unfiltered sample claims.
func raw500(t testing.TB) [][]byte {
	t.Helper()
	needReal(t)
	f, err := os.Open(filepath.Join(realDir(), "eob-stu3", "raw-500.ndjson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(bufio.NewReader(z))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(all), []byte("\n"))
}

// everyReal gives all sample claims of a version. Those of version 3 are part of
// this repository.
func everyReal(t testing.TB, v fhir.Version) [][]byte {
	if v == fhir.V3 {
		return deliveredV3(t)
	}
	var all [][]byte
	byType := realClaims(t, v)
	for _, name := range slices.Sorted(maps.Keys(byType)) {
		all = append(all, byType[name])
	}
	if v == fhir.V1 {
		all = append(all, raw500(t)...)
	}
	return all
}

func TestRealClaims(t *testing.T) {
	for _, v := range early {
		m := New(v)
		for name, raw := range realClaims(t, v) {
			compare(t, v, m, raw)
			c := minimize(t, v, raw)
			if c.PartD != (name == "PartD") || c.Type != coverage.ParseClaimType(strings.ToLower(name)) || c.Part2 {
				t.Errorf("%s: %s has facts %+v", v, name, c.Claim)
			}
			if got, err := Detect(raw); got != v {
				t.Errorf("%s: %s is detected as %v: %v", v, name, got, err)
			}
		}
	}
}

func TestReal500(t *testing.T) {
	m := New(fhir.V1)
	claims, partD := raw500(t), 0
	for i, raw := range claims {
		if i%4 == 0 { // the reference is slow
			compare(t, fhir.V1, m, raw)
		}
		c, err := m.Minimize(raw)
		if err != nil {
			t.Fatal(err)
		}
		if !c.HasStart && !c.PartD || c.LastUpdated.IsZero() || len(c.Group) == 0 {
			t.Errorf("%s has facts %+v", c.ID, c.Claim)
		}
		if c.PartD {
			partD++
		} else if c.Type == coverage.OtherClaim {
			t.Errorf("%s is of no claim type", c.ID)
		}
		if got, err := Detect(raw); got != fhir.V1 {
			t.Errorf("%s is detected as %v: %v", c.ID, got, err)
		}
	}
	if len(claims) != 500 || partD != 72 {
		t.Errorf("%d claims, of them %d Part D events; want 500 and 72", len(claims), partD)
	}
}

// eachVersion runs a test for each version; those without sample claims are left out.
func eachVersion(t *testing.T, test func(*testing.T, fhir.Version)) {
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) { test(t, v) })
	}
}

// TestRealPaths holds the paths that stay of the sample claims to a list that
// a person has read.
func TestRealPaths(t *testing.T) {
	eachVersion(t, func(t *testing.T, v fhir.Version) {
		stay := map[string]bool{}
		m := New(v)
		for _, raw := range everyReal(t, v) {
			c, err := m.Minimize(raw)
			if err != nil {
				t.Fatal(err)
			}
			paths(t, c.JSON, stay)
		}
		golden(t, filepath.Join("testdata", made[v]+".paths"), []byte(strings.Join(slices.Sorted(maps.Keys(stay)), "\n")+"\n"))
	})
}

// paths adds the path of every leaf of a claim, with the urls of extensions.
func paths(t *testing.T, claim []byte, to map[string]bool) {
	v, err := parse(claim)
	if err != nil {
		t.Fatal(err)
	}
	addPaths(v, "", to)
}

func addPaths(v any, path string, to map[string]bool) {
	switch v := v.(type) {
	case []member:
		for _, m := range v {
			addPaths(m.value, path+"."+m.name, to)
		}
	case []any:
		for _, e := range v {
			p := path + "[]"
			if u := urlOf(e); u != "" {
				p += "<" + u + ">"
			}
			addPaths(e, p, to)
		}
	default:
		to[path] = true
	}
}

// TestRealClaimsAreSubsets: whatever stays stood in the claim, in that order,
// byte for byte but for the whitespace between.
func TestRealClaimsAreSubsets(t *testing.T) {
	eachVersion(t, func(t *testing.T, v fhir.Version) {
		m := New(v)
		for _, raw := range everyReal(t, v) {
			c, err := m.Minimize(raw)
			if err != nil {
				t.Fatal(err)
			}
			whole, _ := parse(raw)
			kept, err := parse(c.JSON)
			if err != nil {
				t.Fatalf("%s: %v", c.ID, err)
			}
			if !within(kept, whole) {
				t.Errorf("%s: %s has what the claim does not have", v, c.ID)
			}
			if bytes.ContainsAny(c.JSON, "\r\n") {
				t.Errorf("%s: %s is more than a line", v, c.ID)
			}
		}
	})
}

// within tells whether a is b with parts left out.
func within(a, b any) bool {
	switch a := a.(type) {
	case []member:
		rest, ok := b.([]member)
		for _, m := range a {
			i := slices.IndexFunc(rest, func(o member) bool { return o.raw == m.raw })
			if i < 0 || !within(m.value, rest[i].value) {
				return false
			}
			rest = rest[i+1:]
		}
		return ok
	case []any:
		rest, ok := b.([]any)
		for _, e := range a {
			i := slices.IndexFunc(rest, func(o any) bool { return within(e, o) })
			if i < 0 {
				return false
			}
			rest = rest[i+1:]
		}
		return ok
	}
	return a == b
}

func TestRealClaimsTwice(t *testing.T) {
	eachVersion(t, func(t *testing.T, v fhir.Version) {
		once, twice := New(v), New(v)
		for _, raw := range everyReal(t, v) {
			first, err := once.Minimize(raw)
			if err != nil {
				t.Fatal(err)
			}
			second, err := twice.Minimize(first.JSON)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(first, second) {
				t.Errorf("%s: %s changes when it is minimized again:\n%s", v, first.ID, cmp.Diff(first, second))
			}
		}
	})
}
