package fhir

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSubset(t *testing.T) {
	const tag = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`
	s := NewSubset([]string{"id", "status", "item"})
	for in, want := range map[string]string{
		`{"resourceType":"X","id":"a","meta":{"lastUpdated":"2026"},"type":{"a":[1,"]}"]},"status":"active"}`: `{"resourceType":"X","id":"a","meta":{"lastUpdated":"2026","tag":[` + tag + `]},"status":"active"}`,
		`{"meta":{"tag":[{"code":"x"}],"b":1},"resourceType":"X","n":1.5e3,"item":[{"a":"\\\""},{}]}`:         `{"meta":{"tag":[` + tag + `,{"code":"x"}],"b":1},"resourceType":"X","item":[{"a":"\\\""},{}]}`,
		`{"resourceType":"X","t":true,"z":null}`:                                                              `{"resourceType":"X","meta":{"tag":[` + tag + `]}}`,
		`{"meta":{},"id":"\\"}`:                                                                               `{"meta":{"tag":[` + tag + `]},"id":"\\"}`,
		`{"meta":{"tag":[]}}`:                                                                                 `{"meta":{"tag":[` + tag + `]}}`,
		`{}`:                                                                                                  `{"meta":{"tag":[` + tag + `]}}`,
	} {
		got, err := s.Append([]byte("before"), []byte(in))
		if err != nil || string(got) != "before"+want {
			t.Errorf("%s became\n%s, %v; want\n%s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "{", "[]", `{"a"}`, `{"a":}`, `{ "a":1}`, `{"a":"}`, `{"a":[}`, `{"a":1,,}`, `{a:1}`} {
		if got, err := s.Append(nil, []byte(in)); err == nil {
			t.Errorf("%s became %s, want an error", in, got)
		}
	}
}

// FuzzSubset: of any JSON object what is kept is as it was.
func FuzzSubset(f *testing.F) {
	f.Add(`{"resourceType":"X","id":"a","meta":{"tag":[{"code":"x"}]},"type":{"a":[1,"]}\\"]},"status":"active"}`)
	s := NewSubset([]string{"id", "status"})
	f.Fuzz(func(t *testing.T, in string) {
		var object map[string]any
		if json.Unmarshal([]byte(in), &object) != nil || object == nil {
			_, _ = s.Append(nil, []byte(in)) // does not panic
			return
		}
		compact, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if meta, ok := object["meta"]; ok {
			if m, ok := meta.(map[string]any); !ok || m["tag"] != nil && !isList(m["tag"]) {
				return // no resource
			}
		}
		out, err := s.Append(nil, compact)
		if err != nil {
			if strings.Contains(string(compact), `\`) || len(compact) < 3 {
				return
			}
			t.Fatalf("%s: %v", compact, err)
		}
		var got map[string]any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%s became %s: %v", compact, out, err)
		}
		if !strings.Contains(string(out), `"code":"SUBSETTED"`) {
			t.Fatalf("%s has no tag", out)
		}
		delete(got, "meta")
		for name := range object {
			if name != "id" && name != "status" && name != "resourceType" {
				delete(object, name)
			}
		}
		if d := cmp.Diff(object, got); d != "" {
			t.Fatalf("%s: %s", compact, d)
		}
	})
}

func isList(v any) bool { _, ok := v.([]any); return ok }

func BenchmarkSubset(b *testing.B) {
	claim := []byte(`{"resourceType":"ExplanationOfBenefit","id":"carrier-1","meta":{"lastUpdated":"2026-01-01T00:00:00Z"},"item":[` +
		strings.TrimSuffix(strings.Repeat(`{"sequence":1,"productOrService":{"coding":[{"system":"https://bluebutton.cms.gov/resources/codesystem/hcpcs","code":"G0463"}]}},`, 50), ",") + `],"status":"active"}`)
	s := NewSubset([]string{"id", "status", "patient"})
	b.SetBytes(int64(len(claim)))
	var dst []byte
	for b.Loop() {
		var err error
		if dst, err = s.Append(dst[:0], claim); err != nil {
			b.Fatal(err)
		}
	}
}
