package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/client/clienttest"
)

// TestNoNDJSON: nothing is lost with the NDJSON files. An export that was made without
// tables keeps the lines that no table can have, and one of other resources than claims
// keeps its files.
func TestNoNDJSON(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := clienttest.NewServer(t)
	export := func(file, content, resource string, flags ...string) string {
		t.Helper()
		s.Next(s.Date.Add(time.Hour))
		s.Add(file, clienttest.Content(content), clienttest.In("output", resource))
		var out strings.Builder
		args := append([]string{"export", "--url=" + s.BaseURL(), "-o", dir, "--type=" + resource}, flags...)
		if code := run(t.Context(), args, streams{out: &out, err: &out}); code != exitOK {
			t.Fatalf("%v: code %d, %s", args, code, out.String())
		}
		return out.String()
	}
	const claim = `{"resourceType":"ExplanationOfBenefit","id":"c","patient":{"reference":"Patient/1"}}` + "\n"
	const bad = `{"resourceType":"ExplanationOfBenefit","id":"d","patient":{"reference":"Patient/2"},"billablePeriod":{"start":"not a date"}}`
	const claims = "ExplanationOfBenefit"
	export("a.ndjson", claim+bad+"\n", claims)
	export("b.ndjson", `{"resourceType":"Patient","id":"1"}`+"\n", "Patient", "--full")
	out := export("c.ndjson", claim, claims, "--format=csv", "--no-ndjson")
	left, err := filepath.Glob(filepath.Join(dir, "*Z", "*.ndjson"))
	if err != nil || len(left) != 2 || filepath.Base(left[0]) != rejectedName || filepath.Base(left[1]) != "b.ndjson" {
		t.Fatalf("left are %v, %v", left, err)
	}
	var l rejectedLine
	if b, err := os.ReadFile(left[0]); err != nil || json.Unmarshal(b, &l) != nil || l.Content != bad || l.File != "a.ndjson" {
		t.Errorf("the line that no table has: %v, %+v", err, l)
	}
	if !strings.Contains(out, "were not removed") || !strings.Contains(out, filepath.Base(filepath.Dir(left[1]))) {
		t.Errorf("what stays is not told: %s", out)
	}
	if out := export("d.ndjson", claim, claims, "--format=csv", "--no-ndjson", "--json"); !strings.Contains(out, `"removed":true`) || !strings.Contains(out, `"removedBytes":`) {
		t.Errorf("programs are not told: %s", out)
	}
}
