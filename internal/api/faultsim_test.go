package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"ab2d/internal/faultsim"
	"ab2d/internal/fhir"
)

// newSimulator makes a server that simulates failures, as the sandbox does.
func newSimulator(t *testing.T) *server {
	return newServer(t, func(s *server) {
		jobs := &faultsim.Jobs{Jobs: s.db, Lister: s.db, Now: s.clock.Now}
		s.config.Jobs, s.config.List, s.config.Intake.Jobs = jobs, jobs, jobs
		s.config.Tokens = faultsim.Tokens{Server: s.tokenServer}
		s.config.Simulate = faultsim.Middleware(s.config.Responder.WriteError)
		s.worker.Claims = faultsim.Claims{Claims: s.source}
	})
}

const simulate = "AB2D-Simulate: "

func TestJobThatFails(t *testing.T) {
	s := newSimulator(t)
	status := s.kickOff(one, patientV2, simulate+"job-fails")
	s.ended(status)
	s.do(one, "GET", status).is(t, http.StatusInternalServerError, fhir.CodeException, "The export failed", "imulated failure")
	s.do(one, "GET", strings.Replace(status, "$status", "file/Z0000_0001.ndjson", 1)).is(t, http.StatusNotFound, fhir.CodeNotFound)
	if jobs := s.jobs(one, "/api/v2/fhir/Job"); !strings.Contains(string(must(json.Marshal(jobs))), "failed") {
		t.Errorf("the list of jobs says %+v", jobs)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestEnrolleeThatFails: by the parameter, for who can change addresses only.
// The other enrollees are delivered, and the error file names the one.
func TestEnrolleeThatFails(t *testing.T) {
	s := newSimulator(t)
	m := s.finish(one, s.kickOff(one, patientV2+"?_type=ExplanationOfBenefit&_simulate=enrollee-fails"))
	if len(m.Error) != 1 || len(m.Output) == 0 || !strings.HasSuffix(m.Request, "_simulate=enrollee-fails") {
		t.Fatalf("%+v", m)
	}
	if a := s.do(one, "GET", m.Error[0].URL); !strings.Contains(string(a.body), "OperationOutcome") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if plain := s.finish(one, s.kickOff(one, patientV1)); len(plain.Error) != 0 || strings.Contains(plain.Request, "_simulate") {
		t.Errorf("without asking: %+v", plain)
	}
}

func TestSlowJob(t *testing.T) {
	s := newSimulator(t)
	status := s.kickOff(one, patientV2, simulate+"slow")
	s.ended(status)
	s.clock.Add(15 * time.Second)
	if a := s.do(one, "GET", status); a.status != http.StatusAccepted || a.header.Get("X-Progress") != "48% complete" && a.header.Get("X-Progress") != "50% complete" {
		t.Errorf("after 15 of 30 s: %d %s", a.status, a.header.Get("X-Progress"))
	}
	s.clock.Add(15 * time.Second)
	s.finish(one, status)
}

func TestFileThatExpiresEarly(t *testing.T) {
	s := newSimulator(t)
	status := s.kickOff(one, patientV2, simulate+"early-expiry")
	m := s.finish(one, status)
	s.clock.Add(14 * time.Second)
	if a := s.do(one, "HEAD", m.Output[0].URL); a.status != http.StatusOK {
		t.Errorf("after 14 s: %d", a.status)
	}
	s.clock.Add(time.Second)
	s.do(one, "GET", m.Output[0].URL).is(t, http.StatusGone, fhir.CodeExpired)
	s.do(one, "GET", status).is(t, http.StatusGone, fhir.CodeExpired)
}

// TestEveryFirstRequest: refused once, answered the next time.
func TestEveryFirstRequest(t *testing.T) {
	s := newSimulator(t)
	for day, want := range map[string]struct {
		status int
		code   fhir.Code
	}{"throttled": {http.StatusTooManyRequests, fhir.CodeThrottled}, "unavailable": {http.StatusServiceUnavailable, fhir.CodeTransient}} {
		for range 2 {
			a := s.do(one, "GET", "/api/v2/fhir/metadata", simulate+day)
			a.is(t, want.status, want.code, "imulated failure")
			if a.header.Get("Retry-After") != "2" {
				t.Errorf("%s: Retry-After is %q", day, a.header.Get("Retry-After"))
			}
			if a := s.do(one, "GET", "/api/v2/fhir/metadata?_simulate="+day); a.status != http.StatusOK {
				t.Errorf("%s, asked again: %d", day, a.status)
			}
		}
	}
}

// TestCutDownload: it breaks off in the middle, does not count as a download,
// and succeeds when it is asked for again.
func TestCutDownload(t *testing.T) {
	s := newSimulator(t)
	file := s.export().Output[0]
	r, err := http.NewRequestWithContext(t.Context(), "GET", file.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token(one, "clientCreds"))
	r.Header.Set("AB2D-Simulate", "cut")
	resp, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil || int64(len(b)) != resp.ContentLength/2 {
		t.Errorf("%d of %d bytes came, %v", len(b), resp.ContentLength, err)
	}
	if n := s.downloads(file.URL); n != 0 {
		t.Errorf("it counts as %d downloads", n)
	}
	if a := s.do(one, "GET", file.URL, simulate+"cut"); a.status != http.StatusOK || int64(len(a.body)) != a.length {
		t.Errorf("the second time: %d, %d bytes", a.status, len(a.body))
	}
}

func TestTokenThatEndsSoon(t *testing.T) {
	s := newSimulator(t)
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+tokenPath+"?grant_type=client_credentials&scope=clientCreds", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(one, secret)
	r.Header.Set("AB2D-Simulate", "short-token")
	var grant struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	if a := s.send(r); json.Unmarshal(a.body, &grant) != nil || grant.Expires != 5 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	use := func() *answer { return s.do("", "GET", "/api/v2/fhir/Job", "Authorization: Bearer "+grant.Token) }
	if a := use(); a.status != http.StatusOK {
		t.Errorf("at once: %d", a.status)
	}
	s.clock.Add(6 * time.Second)
	use().is(t, http.StatusForbidden, fhir.CodeExpired)
}

func TestSimulate_UnknownFailure(t *testing.T) {
	s := newSimulator(t)
	s.do(one, "GET", patientV2, simulate+"slow, rainy").is(t, http.StatusBadRequest, fhir.CodeInvalid, `"rainy"`, "job-fails, enrollee-fails")
}

// TestSimulate_OnlyInSandbox: a server that is not a sandbox ignores the header,
// and treats the parameter as an unknown one.
func TestSimulate_OnlyInSandbox(t *testing.T) {
	s := newServer(t)
	s.finish(one, s.kickOff(one, patientV2, simulate+"job-fails, throttled"))
	s.do(one, "GET", patientV2+"?_simulate=slow", "Prefer: handling=strict").is(t, http.StatusBadRequest, fhir.CodeNotSupported, "_simulate")
}
