package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ab2d/internal/fhir"
)

// wholeClaim is a claim as exports have it, with elements that are cut.
const wholeClaim = `{"resourceType":"ExplanationOfBenefit","id":"%s","meta":{"lastUpdated":"2025-07-01T00:00:00Z"},"extension":[{"url":"x"}],"status":"active",` +
	`"type":{"coding":[{"code":"CARRIER"}]},"patient":{"reference":"Patient/4"},"billablePeriod":{"start":"2025-06-01","end":"2025-06-01"},"item":[{"sequence":1}]}`

// TestElements: claims have the elements that were asked for, the mandatory ones, and
// the tag SUBSETTED, by GET and POST and in both versions.
func TestElements(t *testing.T) {
	t.Parallel()
	s := newServer(t, earlySince, func(s *server) {
		for k := range s.source.Claims[4] {
			s.source.Claims[4][k].Line = fmt.Sprintf(wholeClaim, fmt.Sprint("carrier-4-", k))
		}
	})
	always := []string{"id", "meta", "patient", "resourceType", "status", "type"}
	for query, want := range map[string][]string{
		"_elements=id,ExplanationOfBenefit.billablePeriod": append(slices.Clone(always), "billablePeriod"),
		"_elements=id&_elements=item,extension":            append(slices.Clone(always), "item", "extension"),
		"_elements=id,total":                               always, // lenient
	} {
		slices.Sort(want)
		for _, version := range []string{"v2", "v3"} {
			m := s.finish(one, s.kickOff(one, "/api/"+version+"/fhir/Patient/$export?"+query, "Prefer: handling=lenient"))
			checkElements(s, m, want)
			if noted := len(m.Error) > 0; noted != strings.Contains(query, "total") {
				t.Errorf("%s: errors %+v", query, m.Error)
			}
		}
	}
	_, _, m := s.exportPatients("v2", resource(`{"name":"_elements","valueString":"id,item"}`, `{"name":"patient","valueReference":{"reference":"Patient/4"}}`))
	job, err := s.db.Job(t.Context(), jobID(m.Output[0].URL))
	if err != nil || job.Continuous || !slices.Contains(job.Elements, "item") {
		t.Errorf("%+v, %v", job, err)
	}
}

// checkElements holds the claims of patient 4 to the names of their elements.
func checkElements(s *server, m fhir.Manifest, want []string) {
	s.Helper()
	found := 0
	for _, f := range m.Output {
		for line := range strings.Lines(string(s.do(one, "GET", f.URL).body)) {
			var claim map[string]any
			if err := json.Unmarshal([]byte(line), &claim); err != nil {
				s.Fatal(err)
			}
			if !strings.Contains(line, `"code":"SUBSETTED"`) {
				s.Errorf("%s has no tag", line)
			}
			if !strings.Contains(line, `"Patient/4"`) {
				continue
			}
			found++
			var names []string
			for name := range claim {
				names = append(names, name)
			}
			if slices.Sort(names); !slices.Equal(names, want) {
				s.Errorf("elements %v, want %v", names, want)
			}
		}
	}
	if found != 4 {
		s.Errorf("%d claims, want 4", found)
	}
}
