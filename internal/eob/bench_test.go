package eob

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// benchClaims are sample claims, or the hand-made one where there are none.
func benchClaims(b *testing.B, v fhir.Version) (claims [][]byte, size int64) {
	claims = [][]byte{readMade(b, v)}
	if realDir() != "" || v == fhir.V3 {
		claims = everyReal(b, v)
	}
	for _, c := range claims {
		size += int64(len(c))
	}
	return claims, size
}

// BenchmarkMinimize validates and reduces, as an import does.
func BenchmarkMinimize(b *testing.B) {
	for _, v := range versions {
		b.Run(v.String(), func(b *testing.B) {
			claims, size := benchClaims(b, v)
			m := New(v)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for _, c := range claims {
					if _, err := m.Minimize(c); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkValidate only validates, with jsontext, for comparison.
func BenchmarkValidate(b *testing.B) {
	claims, size := benchClaims(b, fhir.V1)
	b.SetBytes(size)
	for b.Loop() {
		for _, c := range claims {
			if !jsontext.Value(c).IsValid() {
				b.Fatal("not valid")
			}
		}
	}
}

// BenchmarkMaps does the same the usual way, with encoding/json and maps. It
// neither validates strictly nor keeps numbers as they are.
func BenchmarkMaps(b *testing.B) {
	for _, v := range versions {
		b.Run(v.String(), func(b *testing.B) {
			claims, size := benchClaims(b, v)
			root := compile(v)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for _, c := range claims {
					var claim any
					if err := json.Unmarshal(c, &claim); err != nil {
						b.Fatal(err)
					}
					if _, err := json.Marshal(prune(root, claim)); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// prune leaves of a value what a node keeps; nil if it keeps nothing.
func prune(n *node, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if c := n.child([]byte(name)); c == nil {
				delete(v, name)
			} else if kept := prune(c, value); kept == nil {
				delete(v, name)
			} else {
				v[name] = kept // an array has become shorter
			}
		}
		if len(v) < n.least {
			return nil
		}
	case []any:
		return slices.DeleteFunc(v, func(e any) bool {
			if n.byURL == nil {
				return prune(n, e) == nil
			}
			extension, _ := e.(map[string]any)
			url, _ := extension["url"].(string)
			return n.byURL[url] == nil || prune(n.byURL[url], e) == nil
		})
	}
	return v
}

// TestNoAllocation: a claim costs no allocation once the buffers have grown.
func TestNoAllocation(t *testing.T) {
	for _, v := range versions {
		claims := [][]byte{readMade(t, v)}
		if realDir() != "" || v == fhir.V3 {
			claims = append(claims, everyReal(t, v)...)
		}
		m := New(v)
		var line []byte
		mbis := []coverage.MBI{"1S00E00AA00", "2S00E00AA00"}
		all := func() {
			for _, c := range claims {
				claim, err := m.Minimize(c)
				if err != nil {
					t.Fatal(err)
				}
				line = claim.AppendWithMBIs(line[:0], mbis)
			}
		}
		all()
		if n := testing.AllocsPerRun(5, all); n != 0 {
			t.Errorf("%s: %v allocations for %d claims", v, n, len(claims))
		}
	}
}

// TestNothingIsKept: what a Minimizer returned must not change with raw.
func TestNothingIsKeptOfTheInput(t *testing.T) {
	raw := small(`"status":"active","identifier":[{"system":"` + groupSystem + `","value":"-5"}]`)
	c := minimize(t, fhir.V1, raw)
	want := string(c.ID) + string(c.Group) + string(c.JSON)
	copy(raw, bytes.Repeat([]byte("x"), len(raw)))
	if got := string(c.ID) + string(c.Group) + string(c.JSON); got != want || !strings.Contains(got, "-5") {
		t.Errorf("after raw was overwritten the claim is %s, was %s", got, want)
	}
}

// TestPrune: what BenchmarkMaps does is the same work. It keeps all that a
// Minimizer keeps, and more only where values decide.
func TestPrune(t *testing.T) {
	for _, v := range versions {
		claims := [][]byte{readMade(t, v)}
		if realDir() != "" || v == fhir.V3 {
			claims = append(claims, everyReal(t, v)...)
		}
		root, m := compile(v), New(v)
		for _, c := range claims {
			claim, err := m.Minimize(c)
			if err != nil {
				t.Fatal(err)
			}
			pruned, err := json.Marshal(prune(root, tree(string(c))))
			if err != nil {
				t.Fatal(err)
			}
			if !partOf(tree(string(claim.JSON)), tree(string(pruned))) {
				t.Errorf("%s: of %s less is left:\n%s", v, claim.ID, pruned)
			}
		}
	}
}

// partOf tells whether a is b with parts left out, in any order of fields.
func partOf(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		of, _ := b.(map[string]any)
		for name, value := range a {
			if !partOf(value, of[name]) {
				return false
			}
		}
		return of != nil
	case []any:
		rest, _ := b.([]any)
		for _, e := range a {
			i := slices.IndexFunc(rest, func(o any) bool { return partOf(e, o) })
			if i < 0 {
				return false
			}
			rest = rest[i+1:]
		}
		return rest != nil
	}
	return a == b
}
