package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// bundle is what a list of jobs says, as far as the tests look.
type bundle struct {
	ResourceType, Type string
	Total              *int
	Entry              []struct {
		FullURL  string
		Resource struct {
			ResourceType, ID, Status, Intent, AuthoredOn, LastModified string
			BusinessStatus, Reason, StatusReason                       fhir.Text
			ExecutionPeriod                                            struct{ Start, End string }
			Input                                                      []struct{ ValueString string }
			Output                                                     []struct{ ValueURI string }
		}
	}
}

func (s *server) jobs(client, target string) bundle {
	s.Helper()
	a := s.do(client, "GET", target)
	var b bundle
	if err := json.Unmarshal(a.body, &b); err != nil || a.status != http.StatusOK || a.header.Get("Content-Type") != fhir.TypeFHIR || b.ResourceType != "Bundle" || b.Type != "searchset" || b.Total != nil && *b.Total != len(b.Entry) {
		s.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	return b
}

// TestJobList: every state in the field's words, newest first, and nobody
// else's jobs.
func TestJobList(t *testing.T) {
	t.Parallel()
	var there <-chan struct{}
	var release func()
	s := newServer(t, func(s *server) { s.workers, s.worker.Attempts = 1, 1; there, release = s.hold(11) })
	if b := s.jobs(one, "/api/v1/fhir/Job"); len(b.Entry) != 0 || b.Total == nil {
		t.Errorf("before any job: %+v", b)
	}
	running := s.kickOff(one, patientV1)
	<-there
	list := func() string {
		var lines []string
		for _, e := range s.jobs(one, "/api/v2/fhir/Job").Entry {
			r := e.Resource
			if e.FullURL != "urn:uuid:"+r.ID || r.ResourceType != "Task" || r.Intent != "order" || r.Output[0].ValueURI != s.url+"/api/v2/fhir/Job/"+r.ID+"/$status" || r.AuthoredOn == "" || r.LastModified < r.AuthoredOn {
				t.Errorf("%+v", e)
			}
			lines = append(lines, strings.TrimSuffix(fmt.Sprint(r.Status, ", ", r.BusinessStatus.Text, ", ", strings.TrimPrefix(r.Input[0].ValueString, s.url), ", ", r.StatusReason.Text), ", "))
		}
		return strings.Join(lines, "\n")
	}
	if got, want := list(), "in-progress, 40% complete, "+patientV1; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	release()
	s.finish(one, running)
	s.clock.Add(time.Second)
	deleted := s.kickOff(one, patientV2)
	s.do(one, "DELETE", deleted)
	s.clock.Add(time.Second)
	s.kickOff(two, patientV1)
	for id := range 26 {
		s.source.Fail(coverage.EnrolleeID(id), fmt.Errorf("broken"))
	}
	s.clock.Add(time.Second)
	s.ended(s.kickOff(one, patientV2+"?_since=2025-01-01T00:00:00Z"))
	want := "failed, failed, " + patientV2 + "?_since=2025-01-01T00:00:00Z, No enrollee's claims could be read."
	got := list()
	if lines := strings.Split(got, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], want) || lines[1] != "cancelled, deleted, "+patientV2 || lines[2] != "completed, completed, "+patientV1 {
		t.Errorf("got\n%s", got)
	}
	s.clock.Add(100 * time.Hour)
	if b := s.jobs(one, "/api/v1/fhir/Job"); b.Entry[2].Resource.BusinessStatus.Text != "expired" || b.Entry[0].Resource.Reason.Text == "" || b.Entry[2].Resource.ExecutionPeriod.End == "" {
		t.Errorf("%+v", b)
	}
	if b := s.jobs(one, "/api/v1/fhir/Job?_count=1"); len(b.Entry) != 1 || b.Total != nil || b.Entry[0].Resource.Status != "failed" {
		t.Errorf("%+v", b)
	}
}

func TestJobListCount(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for _, count := range []string{"0", "-1", "201", "x", "1e2", "99999999999999999999"} {
		s.do(one, "GET", "/api/v1/fhir/Job?_count="+count).is(t, http.StatusBadRequest, fhir.CodeValue, "_count", `"`+count+`"`, "1 to 200", "_count=10")
	}
	s.do("", "GET", "/api/v1/fhir/Job").is(t, http.StatusUnauthorized, fhir.CodeLogin)
}

func TestDataStatus(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for client, want := range map[string]string{
		one: `{"resourceType":"Parameters","parameter":[{"name":"contract","valueString":"Z0000"},{"name":"enrollment","valueInstant":"2026-01-03T04:05:06.007Z"},` +
			`{"name":"enrollees","valueInteger":25},{"name":"lastLoad","valueInstant":"2026-01-14T00:00:00.000Z"},{"name":"newestClaim","valueInstant":"2026-01-13T00:00:00.000Z"}]}`,
		two: `{"resourceType":"Parameters","parameter":[{"name":"contract","valueString":"Z0001"}]}`,
	} {
		a := s.do(client, "GET", "/api/v2/fhir/$data-status")
		if diff := cmp.Diff(want, string(a.body)); diff != "" || a.status != http.StatusOK || a.header.Get("Content-Type") != fhir.TypeFHIR {
			t.Errorf("%d %v (- want, + got):\n%s", a.status, a.header, diff)
		}
	}
}

// TestPolling: one that hurries is let be for a while, then told to wait; one
// that does as it is told never is.
func TestPolling(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	first, second := s.kickOff(one, patientV1), s.kickOff(two, patientV1)
	for i := range 60 {
		if a := s.do(one, "GET", first); a.status != http.StatusAccepted {
			t.Fatalf("poll %d: %d %s", i+1, a.status, a.body)
		}
	}
	for range 3 {
		a := s.do(one, "GET", first)
		a.is(t, http.StatusTooManyRequests, fhir.CodeThrottled, "too often", "Retry-After", "The job goes on")
		if got := a.header.Get("Retry-After"); got != "2" && got != "1" {
			t.Errorf("Retry-After is %s", got)
		}
	}
	if a := s.do(two, "GET", second); a.status != http.StatusAccepted {
		t.Errorf("another job's status: %d", a.status)
	}
	for range 100 {
		s.clock.Add(time.Second)
		if a := s.do(one, "HEAD", first); a.status != http.StatusAccepted {
			t.Fatalf("in time: %d", a.status)
		}
	}
	s.clock.Add(time.Second)
	if a := s.do(one, "DELETE", first); a.status != http.StatusAccepted {
		t.Errorf("to delete is not to poll: %d", a.status)
	}
}

// TestMetrics: requests by route, never by path, and the jobs by state.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0; s.config.Metrics.Read(s.config.Log, s.db.Readings) })
	status := s.kickOff(one, patientV1)
	s.do(one, "GET", status)
	s.do("", "GET", "/some/where")
	s.do("", "BREW", "/health")
	s.idle()
	body := string(s.do("", "GET", "/metrics").body)
	for _, want := range []string{
		`ab2d_requests_total{method="GET",route="/api/v1/fhir/Patient/$export",status="202"} 1`,
		`ab2d_requests_total{method="GET",route="/api/v1/fhir/Job/{job}/$status",status="202"} 1`,
		`ab2d_requests_total{method="GET",route="none",status="404"} 1`, `ab2d_requests_total{method="other",route="/health",status="405"} 1`,
		`ab2d_jobs{state="accepted"} 1`, `ab2d_jobs_waiting 1`, `ab2d_database_readable 1`, `ab2d_request_seconds_count{route="/health"} 1`, "go_goroutines", "process_",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in\n%s", want, body)
		}
	}
	for _, secret := range []string{"Z0000", jobID(status), "where"} {
		if strings.Contains(body, secret) {
			t.Errorf("%s is in the metrics", secret)
		}
	}
}
