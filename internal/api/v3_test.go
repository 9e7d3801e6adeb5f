package api_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"ab2d/internal/api"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

const patientV3 = "/api/v3/fhir/Patient/$export"

// everyV3 are the addresses of version 3 that need a token.
func everyV3() map[string]string {
	const job = "/api/v3/fhir/Job/0c6fbf24-42f2-43b3-82d6-ccc6f22bd1c2/"
	return map[string]string{
		"kick-off": patientV3 + "?_since=nonsense", "group": "/api/v3/fhir/Group/Z0001/$export", "status": job + "$status", "file": job + "file/Z0001_0001.ndjson",
		"jobs": "/api/v3/fhir/Job", "data status": "/api/v3/fhir/$data-status",
	}
}

// TestV3_ContractSwitch: a contract without version 3 is told whom to ask, before
// anything else of the request is looked at.
func TestV3_ContractSwitch(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for name, target := range everyV3() {
		t.Run(name, func(t *testing.T) {
			s.do(two, "GET", target).is(t, http.StatusForbidden, fhir.CodeForbidden, "not enabled for contract Z0001", "operator")
		})
	}
	s.do(one, "GET", patientV3+"?_since=nonsense").is(t, http.StatusBadRequest, fhir.CodeValue, "nonsense")
	if a := s.do("", "GET", "/api/v3/fhir/metadata"); a.status != http.StatusOK {
		t.Errorf("metadata: got %d, want 200", a.status)
	}
}

// TestV3_ServerSwitch: a server without version 3 has only its metadata.
func TestV3_ServerSwitch(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.config.V3 = api.V3{Disabled: true} })
	for name, target := range everyV3() {
		t.Run(name, func(t *testing.T) {
			s.do(one, "GET", target).is(t, http.StatusForbidden, fhir.CodeForbidden, "switched off", "operator")
		})
	}
	if a := s.do("", "GET", "/api/v3/fhir/metadata"); a.status != http.StatusOK {
		t.Errorf("metadata: got %d, want 200", a.status)
	}
	if a := s.do(one, "GET", patientV2); a.status != http.StatusAccepted {
		t.Errorf("v2: got %d, want 202", a.status)
	}
}

// TestV3_Since: version 3 has a floor of its own, which is a setting.
func TestV3_Since(t *testing.T) {
	t.Parallel()
	floor := time.Date(2025, time.December, 1, 0, 0, 0, 0, time.FixedZone("", -5*60*60))
	s := newServer(t, func(s *server) { s.config.V3.EarliestSince = floor })
	at := func(at time.Time) string { return "?_since=" + url.QueryEscape(at.Format(time.RFC3339)) }
	s.do(one, "GET", patientV3+at(floor.Add(-time.Second))).is(t, http.StatusBadRequest, fhir.CodeValue, "2025-12-01T00:00:00-05:00", "earliest possible in v3")
	status := s.kickOff(one, patientV3+at(floor))
	s.finish(one, status)
	if a := s.do(one, "GET", patientV2+at(floor.Add(-time.Second))); a.status != http.StatusAccepted {
		t.Errorf("v2 below the floor of v3: got %d, want 202", a.status)
	}
}

// TestV3_NoDefaultSince: an export without _since holds everything, also after one
// that was downloaded.
func TestV3_NoDefaultSince(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := s.finish(one, s.kickOff(one, patientV3))
	if len(first.Output) == 0 {
		t.Fatal("the export has no files")
	}
	for _, f := range first.Output {
		s.do(one, "GET", f.URL)
	}
	s.clock.Add(time.Minute)
	status := s.kickOff(one, patientV3)
	if j, err := s.db.Job(t.Context(), jobID(status)); err != nil || j.SinceSource != export.SinceNone || !j.Since.IsZero() {
		t.Errorf("got %v from %v, %v; want no _since", j.Since, j.SinceSource, err)
	}
}

// TestV3_JobsAreItsOwn: a job of version 3 is at its addresses only, and so are
// those of the others; whoever is sent to a running job gets there.
func TestV3_JobsAreItsOwn(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	status := s.kickOff(one, patientV3)
	id := jobID(status)
	for _, v := range []string{"v1", "v2"} {
		s.do(one, "GET", "/api/"+v+"/fhir/Job/"+id+"/$status").is(t, http.StatusNotFound, fhir.CodeNotFound, "")
		s.do(one, "DELETE", "/api/"+v+"/fhir/Job/"+id+"/$status").is(t, http.StatusNotFound, fhir.CodeNotFound, "")
	}
	a := s.do(one, "GET", patientV2)
	a.is(t, http.StatusTooManyRequests, fhir.CodeThrottled, "limit")
	if got := a.header.Get("Content-Location"); got != status {
		t.Errorf("sent to %s, want %s", got, status)
	}
	if a := s.do(one, "DELETE", status); a.status != http.StatusAccepted {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	second := s.kickOff(one, patientV2)
	s.do(one, "GET", "/api/v3/fhir/Job/"+jobID(second)+"/$status").is(t, http.StatusNotFound, fhir.CodeNotFound, "")
}

// TestV3_EnrolleeWithoutNumber: who has no number of version 3 is counted, and has
// no claims in an export of it.
func TestV3_EnrolleeWithoutNumber(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.source.Enrollees["Z0000"][3].PatientV3 = 0 })
	status := s.kickOff(one, patientV3)
	s.finish(one, status)
	j, err := s.db.Job(t.Context(), jobID(status))
	if err != nil {
		t.Fatal(err)
	}
	if n := j.Totals.NoIdentifier; n != 1 {
		t.Errorf("%d enrollees without an identifier, want 1", n)
	}
}
