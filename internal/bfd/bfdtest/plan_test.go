package bfdtest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"ab2d/internal/fhir"
)

// statuses makes n calls, and lists the status of each.
func statuses(s *Server, n int, target string) (list []int) {
	for range n {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		list = append(list, w.Code)
	}
	return list
}

// TestPlan: every third call fails, each fault comes once in a round, the same seed
// gives the same order, and another seed another one.
func TestPlan(t *testing.T) {
	s := stand(t)
	faults, err := ParseFaults("500", "502", "503", "504", "429", "401", "404")
	if err != nil {
		t.Fatal(err)
	}
	run := func(seed uint64) (failed []int) {
		s.SetPlan(Plan{Every: 3, Faults: faults, Seed: seed})
		for i, status := range statuses(s, 6*len(faults), "/v2/fhir/metadata") {
			if (status != 200) != (i%3 == 2) {
				t.Fatalf("call %d got %d", i+1, status)
			}
			if status != 200 {
				failed = append(failed, status)
			}
		}
		return failed
	}
	first, again, other := run(1), run(1), run(2)
	if !slices.Equal(first, again) || slices.Equal(first, other) {
		t.Errorf("%v, %v, %v", first, again, other)
	}
	for _, round := range [][]int{first[:len(faults)], first[len(faults):]} {
		sorted := slices.Sorted(slices.Values(round))
		if !slices.Equal(sorted, []int{401, 404, 429, 500, 502, 503, 504}) {
			t.Errorf("a round has %v", sorted)
		}
	}
	s.Set(Fault{})
	if got := statuses(s, 3, "/v2/fhir/metadata"); !slices.Equal(got, []int{200, 200, 200}) {
		t.Errorf("after the plan: %v", got)
	}
	s.SetPlan(Plan{Every: 1})
	if got := statuses(s, 1, "/v2/fhir/metadata"); got[0] != 200 {
		t.Errorf("a plan without faults: %v", got)
	}
}

// TestPlanConcurrent: of calls at the same time, exactly as many fail as should.
func TestPlanConcurrent(t *testing.T) {
	s := stand(t)
	s.SetPlan(Plan{Every: 5, Faults: []Fault{{Mode: Status, Status: 500}}, Seed: 3})
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	for range 10 {
		wg.Go(func() {
			for _, status := range statuses(s, 10, "/v2/fhir/metadata") {
				if status == 500 {
					mu.Lock()
					failed++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if failed != 20 || s.Counts() != (Counts{Calls: 100, Failed: 20}) {
		t.Errorf("%d failed, %+v", failed, s.Counts())
	}
}

// TestPlanEmpty: a search of people is never silently empty.
func TestPlanEmpty(t *testing.T) {
	s := stand(t)
	s.SetPlan(Plan{Every: 1, Faults: []Fault{{Mode: Empty}}})
	const people = "/v1/fhir/Patient?_has:Coverage.extension=https://bluebutton.cms.gov/resources/variables/ptdcntrct06|Z9001" +
		"&_has:Coverage.rfrncyr=https://bluebutton.cms.gov/resources/variables/rfrnc_yr|2024"
	if _, a := get(t, s, people); len(a.Entry) == 0 {
		t.Error("no people")
	}
	target, _ := claimsURL(s, fhir.V2)
	if _, a := get(t, s, target); len(a.Entry) != 0 {
		t.Error("claims in spite of the plan")
	}
}

func TestFaultNames(t *testing.T) {
	names := FaultNames()
	if got := slices.Compact(slices.Sorted(slices.Values(names))); len(got) != len(names) {
		t.Error("a name is there twice")
	}
	list, err := ParseFaults(names...)
	if err != nil || len(list) < len(names) {
		t.Errorf("%d of %d: %v", len(list), len(names), err)
	}
	if list, err := ParseFaults(Survivable()...); err != nil || len(list) != len(Survivable()) {
		t.Error(err)
	}
	if _, err := ParseFaults("500", "fire"); err == nil || !strings.Contains(err.Error(), `"fire"`) || !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
}
