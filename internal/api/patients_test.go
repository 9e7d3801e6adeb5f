package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// ofPatients is the body of an export of patients.
func ofPatients(patients ...int) string {
	parameters := make([]string, 0, len(patients))
	for _, p := range patients {
		parameters = append(parameters, fmt.Sprintf(`{"name":"patient","valueReference":{"reference":"Patient/%d"}}`, p))
	}
	return resource(parameters...)
}

// exportPatients exports patients and reads what came of it: the lines of claims and
// the texts of the error file.
func (s *server) exportPatients(version, body string, headers ...string) (claims, errs []string, m fhir.Manifest) {
	s.Helper()
	a := s.post(one, "/api/"+version+"/fhir/Patient/$export", fhir.TypeFHIR, body, headers...)
	if a.status != http.StatusAccepted {
		s.Fatalf("answered %d %s", a.status, a.body)
	}
	m = s.finish(one, a.header.Get("Content-Location"))
	for _, f := range m.Output {
		claims = append(claims, strings.Split(strings.TrimSpace(string(s.do(one, "GET", f.URL).body)), "\n")...)
	}
	for _, f := range m.Error {
		for line := range strings.Lines(string(s.do(one, "GET", f.URL).body)) {
			var o fhir.OperationOutcome
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				s.Fatal(err)
			}
			errs = append(errs, fmt.Sprint(o.Issue[0].Severity, " ", o.Issue[0].Code, " ", o.Issue[0].Details.Text))
		}
	}
	return claims, errs, m
}

// TestPatients: an export of patients has their claims and no others', in enrollee
// order and each once, over several parts; and in v2 also what was exported before.
func TestPatients(t *testing.T) {
	t.Parallel()
	s := newServer(t, earlySince, func(s *server) { s.worker.PartEnrollees = 2 })
	for version, add := range map[string]int{"v2": 0, "v3": 1000} {
		before := s.finish(one, s.kickOff(one, "/api/"+version+"/fhir/Patient/$export"))
		for _, f := range before.Output {
			s.do(one, "GET", f.URL)
		}
		s.idle()
		s.clock.Add(time.Hour)
		claims, errs, m := s.exportPatients(version, ofPatients(add+13, add+4, add+7, add+5, add+4))
		if len(errs) != 0 || len(m.Output) == 0 {
			t.Fatalf("%s: %+v %q", version, m, errs)
		}
		var want []string
		for _, id := range []int{4, 7, 13} { // 5 has none
			for k := range id % 5 {
				want = append(want, fmt.Sprintf(`"id":"carrier-%d-%d"`, id, k))
			}
		}
		for i, line := range claims {
			if i >= len(want) || !strings.Contains(line, want[i]) {
				t.Fatalf("%s: claim %d is %s, want %q", version, i, line, want)
			}
		}
		if len(claims) != len(want) {
			t.Errorf("%s: %d claims, want %d", version, len(claims), len(want))
		}
		job, err := s.db.Job(t.Context(), jobID(m.Output[0].URL))
		if err != nil {
			t.Fatal(err)
		}
		if job.Continuous || job.SinceSource != export.SinceNone || job.Totals.Enrollees() != 4 || job.Totals.Delivered != 3 || job.Parts != 2 {
			t.Errorf("%s: %+v", version, job)
		}
	}
}

// TestPatients_Unknown: a patient of another contract and one that nobody has are
// told of in the same words: in the error file, or under strict at once.
func TestPatients_Unknown(t *testing.T) {
	t.Parallel()
	s := newServer(t, earlySince)
	const foreign, nobody = 103, 555
	for version, add := range map[string]int{"v2": 0, "v3": 1000} {
		body := ofPatients(add+foreign, add+4, add+nobody)
		for _, prefer := range []string{"respond-async", "handling=lenient"} {
			claims, errs, _ := s.exportPatients(version, body, "Prefer: "+prefer)
			if len(claims) != 4 || len(errs) != 2 {
				t.Fatalf("%s %s: %q %q", version, prefer, claims, errs)
			}
			one := strings.ReplaceAll(errs[0], fmt.Sprint(add+foreign), "N")
			other := strings.ReplaceAll(errs[1], fmt.Sprint(add+nobody), "N")
			if one != other || !strings.HasPrefix(one, "error not-found Patient/N is not an enrollee of contract Z0000") {
				t.Errorf("%s %s: %q and %q", version, prefer, one, other)
			}
		}
		target := "/api/" + version + "/fhir/Patient/$export"
		s.post(one, target, fhir.TypeFHIR, body, "Prefer: handling=strict").is(t, http.StatusBadRequest, fhir.CodeNotFound,
			fmt.Sprintf("Patient/%d is not an enrollee", add+foreign), fmt.Sprintf("Patient/%d is not an enrollee", add+nobody))
		claims, errs, _ := s.exportPatients(version, ofPatients(add+4), "Prefer: handling=strict")
		if len(claims) != 4 || len(errs) != 0 {
			t.Errorf("%s: strict: %q %q", version, claims, errs)
		}
		if claims, errs, _ := s.exportPatients(version, ofPatients(add+nobody)); len(claims) != 0 || len(errs) != 1 {
			t.Errorf("%s: nobody known: %q %q", version, claims, errs)
		}
	}
	many := make([]int, 30)
	for i := range many {
		many[i] = 600 + i
	}
	s.post(one, patientV2, fhir.TypeFHIR, ofPatients(many...), "Prefer: handling=strict").is(t, http.StatusBadRequest, fhir.CodeNotFound, "10 more problems")
}

// TestPatients_Key: the same key with other patients is another request.
func TestPatients_Key(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	ask := func(patients ...int) *answer {
		return s.post(one, patientV2, fhir.TypeFHIR, ofPatients(patients...), "Idempotency-Key: k")
	}
	first := ask(4, 7)
	if again := ask(7, 4, 4); again.status != http.StatusAccepted || again.header.Get("Content-Location") != first.header.Get("Content-Location") {
		t.Errorf("the same patients in another order: %d %s", again.status, again.body)
	}
	if other := ask(4); other.status != http.StatusUnprocessableEntity {
		t.Errorf("other patients: %d %s, want 422", other.status, other.body)
	}
}

// TestPatientList: all pages have the contract's patients who can be exported, each
// once, by their number in the version.
func TestPatientList(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) {
		s.source.Enrollees["Z0000"][2].OptedOut = true
		s.source.Enrollees["Z0000"][4].MBIs = nil
		s.source.Enrollees["Z0000"][6].PatientV3 = 0
	})
	for version, without := range map[string]map[int]bool{"v2": {3: true, 5: true}, "v3": {3: true, 5: true, 7: true}} {
		var got, want []string
		for i := 1; i <= 25; i++ {
			if !without[i] {
				want = append(want, fmt.Sprint(map[string]int{"v2": 0, "v3": 1000}[version]+i))
			}
		}
		for next := "/api/" + version + "/fhir/Patient?_count=10"; next != ""; {
			a := s.do(one, "GET", next)
			var b struct {
				Link  []fhir.BundleLink
				Entry []struct{ Resource fhir.Patient }
			}
			if err := json.Unmarshal(a.body, &b); err != nil || a.status != http.StatusOK || len(b.Entry) > 10 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			for _, e := range b.Entry {
				got = append(got, e.Resource.ID)
			}
			if next = ""; len(b.Link) > 0 {
				next = strings.TrimPrefix(b.Link[0].URL, s.url)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", version, got, want)
		}
	}
	var entries []string
	for link, err := range s.db.Links(t.Context(), 0) {
		var e audit.Entry
		if err != nil || json.Unmarshal(link.Body, &e) != nil {
			t.Fatal(err)
		}
		if e.Event == audit.PatientsListed {
			entries = append(entries, e.Client+" "+e.Contract+" "+e.Detail)
		}
	}
	slices.Sort(entries)
	if want := []string{"one Z0000 10 patients, v2", "one Z0000 5 patients, v2", "one Z0000 8 patients, v2"}; len(entries) != 6 || !slices.Equal(slices.DeleteFunc(entries, func(e string) bool { return strings.HasSuffix(e, "v3") }), want) {
		t.Errorf("the audit log has %v", entries)
	}
}

// TestErrorType: an error is FHIR's JSON, unless the request accepts plain JSON alone.
func TestErrorType(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for accept, want := range map[string]string{
		"application/json": "application/json", "application/json; charset=utf-8": "application/json", "*/*": fhir.TypeFHIR, fhir.TypeFHIR: fhir.TypeFHIR,
		"application/json, */*": fhir.TypeFHIR, "application/fhir+json, application/json": fhir.TypeFHIR, "text/html": fhir.TypeFHIR,
	} {
		if a := s.do(one, "GET", patientV2+"?x=1", "Accept: "+accept); a.status != http.StatusBadRequest || a.header.Get("Content-Type") != want {
			t.Errorf("%s: %d %s, want %s", accept, a.status, a.header.Get("Content-Type"), want)
		}
	}
}
