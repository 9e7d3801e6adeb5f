package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

const nobody = "11111111-2222-4333-8444-555555555555" // no job's id

// paths are the addresses of a job, with what is asked there.
func paths(id string) map[string]string {
	return map[string]string{
		"status": "GET /api/v1/fhir/Job/" + id + "/$status", "delete": "DELETE /api/v1/fhir/Job/" + id + "/$status",
		"file": "GET /api/v1/fhir/Job/" + id + "/file/Z0000_0001.ndjson",
	}
}

func (s *server) at(client, path string) *answer {
	s.Helper()
	method, target, _ := strings.Cut(path, " ")
	return s.do(client, method, target)
}

func TestAQueuedJobSaysWhyItWaits(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	contract, err := s.config.Intake.Entitled(t.Context(), "Z0000")
	if err != nil {
		t.Fatal(err)
	}
	first := s.kickOff(one, patientV1)
	s.clock.Add(time.Second)
	j, err := s.config.Intake.Accept(t.Context(), export.Request{Contract: contract, Client: one, MaxJobs: 2, Version: fhir.V1})
	if err != nil {
		t.Fatal(err)
	}
	second, others := s.url+"/api/v1/fhir/Job/"+j.ID+"/$status", s.kickOff(two, patientV1)
	for address, want := range map[string][2]string{first: {"0% complete", "1"}, second: {"0% complete (queued, 1 job ahead)", "2"}, others: {"0% complete", "1"}} {
		client := map[string]string{first: one, second: one, others: two}[address]
		a := s.do(client, "GET", address)
		if got := [2]string{a.header.Get("X-Progress"), a.header.Get("Retry-After")}; a.status != http.StatusAccepted || got != want {
			t.Errorf("%d %q, want %q", a.status, got, want)
		}
	}
}

func TestARunningJobSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	var there <-chan struct{}
	var release func()
	s := newServer(t, func(s *server) {
		s.workers = 1
		there, release = s.hold(11) // ten of 25 are done
	})
	status := s.kickOff(one, patientV1)
	<-there
	s.clock.Add(20 * time.Second) // so that it takes 30 more
	a := s.do(one, "GET", status)
	if got, want := a.header.Get("X-Progress")+", "+a.header.Get("Retry-After"), "40% complete, 15"; a.status != http.StatusAccepted || got != want {
		t.Errorf("%d %q, want %q", a.status, got, want)
	}
	s.clock.Add(time.Hour - 30*time.Second)
	if a := s.do(one, "GET", status); a.header.Get("Retry-After") != "30" {
		t.Errorf("Retry-After is %s, want at most 30", a.header.Get("Retry-After"))
	}
	s.do(one, "GET", "/api/v1/fhir/Job/"+jobID(status)+"/file/Z0000_0001.ndjson").is(t, http.StatusNotFound, fhir.CodeNotFound, `"Z0000_0001.ndjson"`, "completed")
	release()
	s.finish(one, status)
}

func TestAFailedJobSaysWhy(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) {
		s.worker.Attempts = 1
		for id := range 26 {
			s.source.Fail(coverage.EnrolleeID(id), errors.New("dial tcp 10.1.2.3: connection refused"))
		}
	})
	status := s.kickOff(one, patientV1)
	s.ended(status)
	a := s.do(one, "GET", status)
	a.is(t, http.StatusInternalServerError, fhir.CodeException, "The export failed. No enrollee's claims could be read.", "Start a new export")
	if strings.Contains(string(a.body), "10.1.2.3") {
		t.Errorf("an internal text is told: %s", a.body)
	}
	if strings.Contains(s.log.String(), "request failed") {
		t.Error("to ask for a failed job is logged as a fault of the server")
	}
	s.at(one, paths(jobID(status))["file"]).is(t, http.StatusNotFound, fhir.CodeNotFound)
	if a := s.do(one, "DELETE", status); a.status != http.StatusAccepted {
		t.Errorf("a failed job is deleted with %d", a.status)
	}
}

func TestACancelledJobIsGone(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	status := s.kickOff(one, patientV1)
	if a := s.do(one, "DELETE", status); a.status != http.StatusAccepted || a.length != 0 {
		t.Fatalf("deleted with %d %s", a.status, a.body)
	}
	for _, path := range paths(jobID(status)) {
		s.at(one, path).is(t, http.StatusNotFound, fhir.CodeDeleted, "start a new export")
	}
	s.kickOff(one, patientV1) // its place is free
}

// TestAnExpiredJob: before a worker has seen it, and after.
func TestAnExpiredJob(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.export()
	id := jobID(m.Output[0].URL)
	s.until("the sweep", func() bool { return len(s.stored(id)) == len(m.Output) })
	s.clock.Add(72*time.Hour - time.Millisecond)
	if a := s.at(one, paths(id)["status"]); a.status != http.StatusOK {
		t.Errorf("a millisecond before it expires the status is %d", a.status)
	}
	s.clock.Add(time.Millisecond)
	expired := func() {
		for _, what := range []string{"status", "file", "delete"} {
			s.at(one, paths(id)[what]).is(t, http.StatusGone, fhir.CodeExpired, "Sun, 18 Jan 2026 12:00:00 UTC", "start a new export")
		}
	}
	expired()
	s.until("the bytes to go", func() bool { return len(s.stored(id)) == 0 })
	expired()
}

// TestSomebodyElsesJobIsNotThere: the answer is the same, byte for byte, as
// for a job that never was.
func TestSomebodyElsesJobIsNotThere(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	id := jobID(s.export().Output[0].URL)
	for what, path := range paths(id) {
		theirs, none := s.at(two, path), s.at(two, paths(nobody)[what])
		theirs.is(t, http.StatusNotFound, fhir.CodeNotFound, id, "Content-Location")
		if a, b := plain(theirs, id), plain(none, nobody); a != b {
			t.Errorf("%s: to a stranger's job it says\n%s\nbut to no job\n%s", what, a, b)
		}
	}
	if a := s.at(one, paths(id)["status"]); a.status != http.StatusOK {
		t.Errorf("a stranger could delete: %d", a.status)
	}
}

// plain is a whole answer without what names the request.
func plain(a *answer, job string) string {
	var b strings.Builder
	h := a.header.Clone()
	h.Del("Date")
	h.Write(&b)
	b.Write(a.body)
	return strings.NewReplacer(job, "JOB", a.header.Get("X-Request-Id"), "REQUEST").Replace(b.String())
}

func TestAMalformedIDIsUnknown(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for _, id := range []string{"x", "1", strings.Repeat("a", 5000), "%00", "%ff%fe", "..%2f..%2fetc%2fpasswd", "'%20or%201=1--", nobody + "0", "%E2%80%AE"} {
		for _, path := range paths(id) {
			a := s.at(one, path)
			a.is(t, http.StatusNotFound, fhir.CodeNotFound, "There is no job \"")
			if len(a.body) > 800 {
				t.Errorf("the answer to an id of %d bytes has %d", len(id), len(a.body))
			}
		}
	}
}
