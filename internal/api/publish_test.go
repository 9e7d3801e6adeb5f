package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/fhir"
)

// TestBulkPublish: the newest export of everything is published, in its version, to its
// contract, and until its files are gone.
func TestBulkPublish(t *testing.T) {
	t.Parallel()
	s := newServer(t, earlySince)
	const address = "/api/v2/fhir/$bulk-publish"
	none := func(client, target string) {
		t.Helper()
		s.do(client, "GET", target).is(t, http.StatusNotFound, fhir.CodeNotFound, "no full export")
	}
	none(one, address)
	s.finish(one, s.kickOff(one, patientV2+"?_since=2024-01-01T00:00:00Z"))
	s.exportPatients("v2", ofPatients(4))
	none(one, address)
	s.finish(one, s.kickOff(one, patientV2))
	s.clock.Add(time.Hour)
	want := s.finish(one, s.kickOff(one, patientV2)) // no file of the first was downloaded
	s.clock.Add(time.Hour)
	s.finish(one, s.kickOff(one, patientV2+"?_until=2025-01-01T00:00:00Z"))
	a := s.do(one, "GET", address)
	var got fhir.Manifest
	if err := json.Unmarshal(a.body, &got); err != nil || a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	none(two, address)
	none(one, "/api/v3/fhir/$bulk-publish")
	s.clock.Add(80 * time.Hour)
	none(one, address)
}

// TestManifest_Outcome: version 3 has the files of error as outcome, too, and every file
// its size.
func TestManifest_Outcome(t *testing.T) {
	t.Parallel()
	s := newServer(t, earlySince)
	for _, version := range []string{"v1", "v2", "v3"} {
		m := s.finish(one, s.kickOff(one, "/api/"+version+"/fhir/Patient/$export?x=1", "Prefer: handling=lenient"))
		if len(m.Error) != 1 || (version == "v3") != (cmp.Equal(m.Outcome, m.Error)) || version != "v3" && m.Outcome != nil {
			t.Errorf("%s: %+v", version, m)
		}
		for _, f := range append(m.Output, m.Error...) {
			if body := s.do(one, "GET", f.URL).body; int64(len(body)) != f.FileSize || !strings.HasSuffix(string(body), "\n") {
				t.Errorf("%s: %d bytes, said to be %d", f.URL, len(body), f.FileSize)
			}
		}
	}
	if m := s.finish(one, s.kickOff(one, "/api/v3/fhir/Patient/$export")); m.Outcome == nil {
		t.Error("without errors there is no outcome, want an empty list")
	}
}
