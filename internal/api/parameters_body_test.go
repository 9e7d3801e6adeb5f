package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/auth"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

const groupV2 = "/api/v2/fhir/Group/Z0000/$export"

// post sends a body, with a Content-Type before other headers.
func (s *server) post(client, target, contentType, body string, headers ...string) *answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), "POST", s.absolute(target), strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token(client, auth.Scope))
	r.Header.Set("Content-Type", contentType)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return s.send(r)
}

func resource(parameters ...string) string {
	return `{"resourceType":"Parameters","parameter":[` + strings.Join(parameters, ",") + `]}`
}

// TestPostIsAsGet: the same parameters make the same job, whichever way they come.
func TestPostIsAsGet(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	get := "?_outputFormat=ndjson&_type=ExplanationOfBenefit&_since=2025-01-01T00:00:00-05:00&_until=2025-12-01T00:00:00Z" +
		"&_typeFilter=" + url.QueryEscape("ExplanationOfBenefit?service-date=ge2025-02&service-date=lt2025-06-15") +
		"&_typeFilter=" + url.QueryEscape("ExplanationOfBenefit?service-date=2024") + "&_count=7"
	body := resource(`{"name":"_outputFormat","valueString":"ndjson"}`, `{"name":"_type","valueCode":"ExplanationOfBenefit"}`,
		`{"name":"_since","valueInstant":"2025-01-01T00:00:00-05:00"}`, `{"name":"_until","valueDateTime":"2025-12-01T00:00:00Z"}`,
		`{"name":"_typeFilter","valueString":"ExplanationOfBenefit?service-date=ge2025-02&service-date=lt2025-06-15"}`,
		`{"name":"_typeFilter","valueString":"ExplanationOfBenefit?service-date=2024"}`, `{"name":"_count","valueInteger":7}`)
	jobOf := func(a *answer) *export.Job {
		if a.status != http.StatusAccepted {
			t.Fatalf("answered %d %s", a.status, a.body)
		}
		status := a.header.Get("Content-Location")
		j, err := s.db.Job(t.Context(), jobID(status))
		if err != nil {
			t.Fatal(err)
		}
		s.do(one, "DELETE", status)
		return j
	}
	want := jobOf(s.do(one, "GET", patientV2+get, "Prefer: handling=lenient"))
	if len(want.ServiceDates) != 2 || len(want.Notes) != 1 {
		t.Fatalf("%+v", want)
	}
	for _, target := range []string{patientV2, groupV2} {
		for _, kind := range []string{fhir.TypeFHIR, "application/json; charset=utf-8"} {
			got := jobOf(s.post(one, target, kind, body, "Prefer: respond-async, handling=lenient"))
			if got.Request != s.url+target {
				t.Errorf("the request is %s", got.Request)
			}
			got.ID, got.Request, got.TransactionTime = want.ID, want.Request, want.TransactionTime // each job has its own
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (- GET, + POST):\n%s", target, kind, diff)
			}
		}
	}
}

func TestWrongPosts(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for _, c := range []struct {
		name, kind, body, query string
		status                  int
		code                    fhir.Code
		words                   []string
	}{
		{name: "no type", body: resource(), status: 415, code: fhir.CodeNotSupported, words: []string{`""`, "application/fhir+json"}},
		{name: "a form", kind: "application/x-www-form-urlencoded", body: "_type=ExplanationOfBenefit", status: 415, code: fhir.CodeNotSupported, words: []string{`"application/x-www-form-urlencoded"`}},
		{name: "XML", kind: "application/fhir+xml", body: "<Parameters/>", status: 415, code: fhir.CodeNotSupported},
		{name: "nothing", kind: fhir.TypeFHIR, status: 400, code: fhir.CodeInvalid, words: []string{"Parameters", "valueString"}},
		{name: "no JSON", kind: fhir.TypeFHIR, body: "_type=ExplanationOfBenefit", status: 400, code: fhir.CodeInvalid, words: []string{"not a FHIR Parameters"}},
		{name: "another resource", kind: fhir.TypeFHIR, body: `{"resourceType":"Patient"}`, status: 400, code: fhir.CodeInvalid, words: []string{"not a FHIR Parameters"}},
		{name: "a list", kind: fhir.TypeFHIR, body: `[]`, status: 400, code: fhir.CodeInvalid},
		{name: "the same name twice", kind: fhir.TypeFHIR, body: `{"resourceType":"Parameters","resourceType":"Parameters"}`, status: 400, code: fhir.CodeInvalid},
		{name: "1 MiB and more", kind: fhir.TypeFHIR, body: resource(`{"name":"_type","valueString":"` + strings.Repeat("x", 1<<20) + `"}`), status: 413, code: fhir.CodeTooCostly, words: []string{"1048576 bytes"}},
		{name: "deep", kind: fhir.TypeFHIR, body: strings.Repeat("[", 60_000), status: 400, code: fhir.CodeInvalid},
		{name: "many", kind: fhir.TypeFHIR, body: resource(strings.TrimSuffix(strings.Repeat(`{"name":"a"},`, 51), ",")), status: 400, code: fhir.CodeTooCostly, words: []string{"body has 51", "at most 50"}},
		{name: "no name", kind: fhir.TypeFHIR, body: resource(`{"valueString":"x"}`), status: 400, code: fhir.CodeInvalid, words: []string{"Parameter 1", "no name"}},
		{name: "no value", kind: fhir.TypeFHIR, body: resource(`{"name":"_since"}`), status: 400, code: fhir.CodeInvalid, words: []string{"Parameter 1 of the body (_since)", "valueInstant"}},
		{name: "a number", kind: fhir.TypeFHIR, body: resource(`{"name":"_type","valueString":"ExplanationOfBenefit"}`, `{"name":"_since","valueInstant":2025}`), status: 400, code: fhir.CodeInvalid, words: []string{"Parameter 2 of the body (_since)", "valueInstant", "not a text"}},
		{name: "no patient's number", kind: fhir.TypeFHIR, body: resource(`{"name":"patient","valueReference":{"reference":"Patient/x"}}`, `{"name":"patient","valueReference":{"reference":"Patient/1"}}`), status: 400, code: fhir.CodeValue, words: []string{"Of 2 patients, 1", "valueReference"}},
		{name: "a patient without a reference", kind: fhir.TypeFHIR, body: resource(`{"name":"patient","valueReference":1}`), status: 400, code: fhir.CodeInvalid, words: []string{"Parameter 1 of the body (patient)", "not a reference"}},
		{name: "too many patients", kind: fhir.TypeFHIR, body: resource(strings.TrimSuffix(strings.Repeat(`{"name":"patient","valueReference":{"reference":"Patient/1"}},`, 10_001), ",")), status: 400, code: fhir.CodeTooCostly, words: []string{"10001 patients", "at most 10000"}},
		{name: "a slip", kind: fhir.TypeFHIR, body: resource(`{"name":"since","valueInstant":"2025-01-01T00:00:00Z"}`), status: 400, code: fhir.CodeInvalid, words: []string{"Did you mean _since?"}},
		{name: "a query", kind: fhir.TypeFHIR, body: resource(), query: "?_type=ExplanationOfBenefit", status: 400, code: fhir.CodeInvalid, words: []string{"in its body, not in the address"}},
		{name: "a wrong value", kind: fhir.TypeFHIR, body: resource(`{"name":"_outputFormat","valueString":"csv"}`), status: 400, code: fhir.CodeNotSupported, words: []string{`"csv"`}},
	} {
		a := s.post(one, patientV2+c.query, c.kind, c.body)
		a.is(t, c.status, c.code, c.words...)
	}
	s.kickOff(one, patientV2) // nothing has taken the only place
}

// TestPostIsNotInV1: Bulk Data 1.0 has no POST, and AB2D neither.
func TestPostIsNotInV1(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	s.post(one, patientV1, fhir.TypeFHIR, resource()).is(t, http.StatusMethodNotAllowed, fhir.CodeNotSupported, "POST")
}

// TestLenientIgnores: what is not supported is named in the error file instead.
func TestLenientIgnores(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for query, words := range map[string][]string{
		"organizeOutputBy=Patient&includeAssociatedData=x": {"organizeOutputBy", "includeAssociatedData", "It was ignored."},
		"_type=Patient,ExplanationOfBenefit":               {`"Patient"`, "only ExplanationOfBenefit"},
		"_type=Patient&_type=ExplanationOfBenefit":         {`"Patient"`, "only ExplanationOfBenefit"},
		"_count=3":          {`"_count"`},
		"_outputFormat=csv": {`"csv"`, "NDJSON"},
		"_outputformat=ndjson&organizeOutputBY=Patient":                                                      {`"_outputformat"`, `"organizeOutputBY"`},
		"_typeFilter=Patient%3Fgender%3Dmale&_typeFilter=ExplanationOfBenefit%3Fservice-date%3Dge2025-06-03": {`"Patient?gender=male"`},
	} {
		status := s.kickOff(one, patientV2+"?"+query, "Prefer: respond-async, handling=lenient")
		m := s.finish(one, status)
		if len(m.Error) != 1 || m.Error[0].Type != "OperationOutcome" {
			t.Fatalf("%s: %+v", query, m.Error)
		}
		told := string(s.do(one, "GET", m.Error[0].URL).body)
		for _, w := range words {
			if !strings.Contains(strings.ReplaceAll(told, `\"`, `"`), w) {
				t.Errorf("%s: %s lacks %s", query, told, w)
			}
		}
		s.do(one, "DELETE", status)
	}
}

// TestLenientIgnores_Amount: what is left out never makes the export larger than what was
// asked for, and each thing that is has a line of its own.
func TestLenientIgnores_Amount(t *testing.T) {
	t.Parallel()
	s := newServer(t, earlySince)
	for _, version := range []string{"v2", "v3"} {
		for query, want := range map[string]struct{ claims, notes int }{
			"_type=Patient":                      {0, 2},
			"_type=Patient,Coverage&_type=Group": {0, 3},
			"_type=Patient,ExplanationOfBenefit": {50, 1},
			"_typeFilter=Patient%3Factive%3Dtrue&_typeFilter=ExplanationOfBenefit%3Fservice-date%3D2025-06-04": {5, 1},
			"includeAssociatedData=a,b&_count=3&x=1":                                                           {50, 3},
		} {
			m := s.finish(one, s.kickOff(one, "/api/"+version+"/fhir/Patient/$export?"+query, "Prefer: handling=lenient"))
			claims, notes := int64(0), int64(0)
			for _, f := range m.Output {
				claims += f.Count
			}
			for _, f := range m.Error {
				notes += f.Count
			}
			if claims != int64(want.claims) || notes != int64(want.notes) {
				t.Errorf("%s %s: %d claims and %d notes, want %+v", version, query, claims, notes, want)
			}
		}
	}
}

// TestTypeFilters: enrollee 4 of the source has claims on 1, 2, 3 and 4 June.
func TestTypeFilters(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for filter, want := range map[string]int{
		"service-date=2025":                                                      4,
		"service-date=eq2025-06":                                                 4,
		"service-date=2025-06-03":                                                1,
		"service-date=ge2025-06-03":                                              2,
		"service-date=gt2025-06-03":                                              1,
		"service-date=le2025-06-03":                                              3,
		"service-date=lt2025-06-03":                                              2,
		"service-date=sa2025-06-03":                                              1,
		"service-date=eb2025-06-03":                                              2,
		"service-date=ge2025-06-03T23:00:00-05:00":                               2,
		"service-date=ge2025-06-03T23:00:00%2B05:00":                             2,
		"service-date=ge2025-06-02&service-date=lt2025-06-04":                    2,
		"service-date=gt2025-06":                                                 0,
		"service-date=2025-06-01,ExplanationOfBenefit?service-date=2025-06-04":   2,
		"service-date=lt2025-06-03,ExplanationOfBenefit?service-date=2025-06-02": 2,
		"service-date=2024,ExplanationOfBenefit?service-date=ge2025-06-02&service-date=le2025-06-02": 1,
	} {
		status := s.kickOff(one, patientV2+"?_typeFilter="+url.QueryEscape("ExplanationOfBenefit?"+filter))
		m := s.finish(one, status)
		got := 0
		for _, f := range m.Output {
			got += strings.Count(string(s.do(one, "GET", f.URL).body), `"Patient/4"`)
		}
		if got != want {
			t.Errorf("%s: %d claims of enrollee 4, want %d", filter, got, want)
		}
		s.do(one, "DELETE", status)
	}
}

// TestServiceDate_ThroughDate: of a claim that spans the end of a month only the last day
// counts, in both versions that have _typeFilter.
func TestServiceDate_ThroughDate(t *testing.T) {
	t.Parallel()
	s := newServer(t, earlySince, func(s *server) {
		c := &s.source.Claims[1][0]
		c.Start, c.End = coverage.DateOf(2025, time.May, 20), coverage.DateOf(2025, time.June, 5)
	})
	for filter, want := range map[string]int{
		"ge2025-06-01": 1, "le2025-05-31": 0, "2025-06": 1, "2025-05": 0, "lt2025-06-05": 0, "le2025-06-05": 1, "sa2025-06-04": 1, "eb2025-06-06": 1,
		"ge2025-05-01&service-date=le2025-05-31": 0,
	} {
		for _, version := range []string{"v2", "v3"} {
			status := s.kickOff(one, "/api/"+version+"/fhir/Patient/$export?_typeFilter="+url.QueryEscape("ExplanationOfBenefit?service-date="+filter))
			got := 0
			for _, f := range s.finish(one, status).Output {
				got += strings.Count(string(s.do(one, "GET", f.URL).body), `"id":"carrier-1-0"`)
			}
			if got != want {
				t.Errorf("%s %s: the claim came %d times, want %d", version, filter, got, want)
			}
			s.do(one, "DELETE", status)
		}
	}
}

// TestIdempotencyKey: the same request with the same key is the same job.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	const query = "?_since=2025-01-01T00:00:00Z"
	first := s.kickOff(one, patientV2+query, "Idempotency-Key: a")
	for range 3 {
		if again := s.kickOff(one, patientV2+query, "Idempotency-Key: a"); again != first {
			t.Errorf("asked again: %s, want %s", again, first)
		}
	}
	body := resource(`{"name":"_since","valueInstant":"2024-12-31T19:00:00-05:00"}`) // the same moment
	if a := s.post(one, patientV2, fhir.TypeFHIR, body, "Idempotency-Key: a"); a.header.Get("Content-Location") != first {
		t.Errorf("asked by POST: %d %s", a.status, a.body)
	}
	for _, other := range []string{patientV2, patientV1 + query, patientV2 + query + "&_until=2025-06-01T00:00:00Z", patientV2 + "?_since=2025-01-02T00:00:00Z",
		patientV2 + query + "&_typeFilter=ExplanationOfBenefit%3Fservice-date%3D2025"} {
		s.do(one, "GET", other, "Idempotency-Key: a").is(t, http.StatusUnprocessableEntity, fhir.CodeConflict, "different request", "new key")
	}
	s.do(one, "GET", patientV2+query, "Idempotency-Key: b").is(t, http.StatusTooManyRequests, fhir.CodeThrottled)
	s.do(one, "GET", patientV2+query).is(t, http.StatusTooManyRequests, fhir.CodeThrottled)
	s.kickOff(two, patientV2+query, "Idempotency-Key: a") // another client's key is another key
	s.do(one, "DELETE", first)
	if next := s.kickOff(one, patientV2+query, "Idempotency-Key: a"); next == first {
		t.Error("a deleted job is given again")
	}
	for _, bad := range []string{"", "a b", "ä", strings.Repeat("k", 256)} {
		s.do(one, "GET", patientV2, "Idempotency-Key: "+bad).is(t, http.StatusBadRequest, fhir.CodeInvalid, "Idempotency-Key", fmt.Sprintf("%.10q", bad)[:1], "UUID")
	}
	s.do(one, "GET", patientV2, "Idempotency-Key: a", "Idempotency-Key: a").is(t, http.StatusBadRequest, fhir.CodeInvalid, "Idempotency-Key")
}

// TestIdempotencyKeyOfACompletedJob: a client that never saw the first answer
// finds the job although it is done, as long as there is something to find.
func TestIdempotencyKeyOfACompletedJob(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := s.kickOff(one, patientV2, "Idempotency-Key: a")
	s.finish(one, first)
	if again := s.kickOff(one, patientV2, "Idempotency-Key: a"); again != first {
		t.Errorf("asked again: %s, want %s", again, first)
	}
	s.clock.Add(73 * time.Hour)
	if next := s.kickOff(one, patientV2, "Idempotency-Key: a"); next == first {
		t.Error("an expired job is given again")
	}
}
