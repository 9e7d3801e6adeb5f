package api_test

import (
	"net/http"
	"testing"
	"time"

	"ab2d/internal/fhir"
)

func TestDeleteStopsARunningJob(t *testing.T) {
	t.Parallel()
	var there <-chan struct{}
	s := newServer(t, func(s *server) {
		s.workers, s.worker.Lease = 1, 60*time.Millisecond // a heartbeat each 20
		there, _ = s.hold(21)                              // of the last part, when two are done
	})
	status := s.kickOff(one, patientV1)
	<-there
	if len(s.stored(jobID(status))) == 0 {
		t.Error("nothing is stored yet; the test tests nothing")
	}
	if a := s.do(one, "DELETE", status); a.status != http.StatusAccepted || len(a.body) != 0 || a.length != 0 {
		t.Fatalf("answered %d %s", a.status, a.body)
	}
	s.until("the files to go", func() bool { return len(s.stored(jobID(status))) == 0 })
	s.do(one, "GET", status).is(t, http.StatusNotFound, fhir.CodeDeleted)
}

func TestDeleteRemovesACompletedJob(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.export()
	id := jobID(m.Output[0].URL)
	if a := s.at(one, paths(id)["delete"]); a.status != http.StatusAccepted {
		t.Fatalf("answered %d %s", a.status, a.body)
	}
	s.at(one, paths(id)["delete"]).is(t, http.StatusNotFound, fhir.CodeDeleted)
	s.at(one, paths(id)["file"]).is(t, http.StatusNotFound, fhir.CodeDeleted)
	s.until("the files to go", func() bool { return len(s.stored(id)) == 0 })
}
