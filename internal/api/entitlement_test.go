package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// TestEntitlement_WithdrawnAttestation: from then on neither the status nor a
// file of a completed job is given, nor does a running job complete. Both come
// back with the attestation, as far as the job did not fail.
func TestEntitlement_WithdrawnAttestation(t *testing.T) {
	t.Parallel()
	s := newServer(t, many)
	status := s.kickOff(one, patientV2)
	m := s.finish(one, status)
	s.source.SetAttested("Z0000", false)
	for _, request := range []string{"GET " + status, "HEAD " + status, "GET " + m.Output[0].URL, "HEAD " + m.Output[0].URL} {
		a := s.at(one, request)
		if a.status != http.StatusForbidden || strings.Contains(string(a.body), "ExplanationOfBenefit") {
			t.Errorf("%s: %d %s, want 403", request, a.status, a.body)
		}
	}
	s.do(one, "GET", m.Output[0].URL, "Range: bytes=0-9").is(t, http.StatusForbidden, fhir.CodeForbidden, "attestation")
	s.source.SetAttested("Z0000", true)
	if a := s.do(one, "GET", m.Output[0].URL); a.status != http.StatusOK {
		t.Errorf("after the attestation came back: %d %s", a.status, a.body)
	}
}

// TestEntitlement_RunningJob: a job whose contract loses its attestation fails.
// It must not complete as if its enrollees had no claims.
func TestEntitlement_RunningJob(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	status := s.kickOff(one, patientV2)
	s.source.SetAttested("Z0000", false)
	s.startWorker()
	s.ended(status)
	j, err := s.db.Job(t.Context(), jobID(status))
	if err != nil || j.State != export.Failed || !strings.Contains(j.Reason, "attestation") {
		t.Errorf("%+v, %v", j, err)
	}
}

// TestEntitlement_RunningDownload: a download that is under way is cut within
// seconds when the client loses its right to it.
func TestEntitlement_RunningDownload(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]func(s *server, job string) error{
		"client disabled":       func(s *server, _ string) error { return s.db.SetClientEnabled(s.Context(), one, false) },
		"contract disabled":     func(s *server, _ string) error { return s.db.SetContractEnabled(s.Context(), "Z0000", false) },
		"attestation withdrawn": func(s *server, _ string) error { s.source.SetAttested("Z0000", false); return nil },
		"job canceled": func(s *server, job string) error {
			_, err := s.db.Delete(s.Context(), job)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, large)
			f := s.export().Output[0]
			c := s.dial(f.URL, "identity")
			head := c.read(t, 1000)
			if err := revoke(s, jobID(f.URL)); err != nil {
				t.Fatal(err)
			}
			s.until("the log of the cut", func() bool { return strings.Contains(s.log.String(), "a download was cut off") })
			rest, err := io.ReadAll(c.body)
			if got := int64(len(head) + len(rest)); got >= *f.Extension[1].ValueDecimal {
				t.Errorf("got %d of %d bytes, %v", got, *f.Extension[1].ValueDecimal, err)
			}
			s.idle()
			if file, err := s.db.File(t.Context(), jobID(f.URL), "Z0000_0001.ndjson"); err == nil && file.Downloads != 0 {
				t.Error("a download that was cut off counts")
			}
		})
	}
}
