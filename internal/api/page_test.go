package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

const partialV2 = patientV2 + "?allowPartialManifests=true"

// pages reads a manifest from its first page to its last.
func (s *server) pages(status string, code int) (pages []fhir.Manifest) {
	s.Helper()
	for next := status; next != ""; {
		a := s.do(one, "GET", next)
		var m fhir.Manifest
		if err := json.Unmarshal(a.body, &m); err != nil || a.status != code || a.header.Get("Content-Type") != "application/json" {
			s.Fatalf("GET %s: %d %s", next, a.status, a.body)
		}
		if (code == http.StatusAccepted) != (a.header.Get("X-Progress") != "") || (code == http.StatusOK) != (a.header.Get("Expires") != "0") {
			s.Errorf("GET %s: %v", next, a.header)
		}
		pages = append(pages, m)
		next = ""
		for _, l := range m.Link {
			if l.Relation != "next" {
				s.Errorf("a link %+v", l)
			}
			next = l.URL
		}
	}
	return pages
}

// join is the manifest that pages make.
func join(t *testing.T, pages []fhir.Manifest) fhir.Manifest {
	t.Helper()
	whole := pages[len(pages)-1]
	whole.Output = nil
	for i, p := range pages {
		whole.Output = append(whole.Output, p.Output...)
		if last := i == len(pages)-1; !last && (len(p.Error) > 0 || p.Extension[fhir.ExtensionTotals] != nil) {
			t.Errorf("page %d of %d is %+v", i+1, len(pages), p)
		}
	}
	return whole
}

// TestPartialManifest: while a job runs, the files of the parts that are done are listed
// in order and can be downloaded; what was listed once stays. When the job is completed,
// the pages together are the manifest that a client without the parameter gets.
func TestPartialManifest(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) {
		s.worker.PartEnrollees, s.worker.Attempts, s.workers = 5, 100, 1
		s.config.MaxPolls = 0
	})
	broken := errors.New("the source is away")
	for id := coverage.EnrolleeID(11); id <= 15; id++ { // the third part waits
		s.source.Fail(id, broken)
	}
	status := s.kickOff(one, partialV2)
	s.until("four parts", func() bool {
		j, err := s.db.Job(s.Context(), jobID(status))
		return err == nil && j.PartsDone == 4
	})
	early := s.pages(status, http.StatusAccepted)
	if names := fileNames(early); !slices.Equal(names, []string{"Z0000_0001.ndjson"}) { // page 2 has two files
		t.Errorf("before part 3 there are %v", names)
	}
	if a := s.do(one, "GET", early[0].Output[0].URL); a.status != http.StatusOK || len(a.body) == 0 {
		t.Errorf("the first file is %d %s", a.status, a.body)
	}
	s.do(one, "GET", strings.Replace(early[0].Output[0].URL, "0001", "0003", 1)).is(t, http.StatusNotFound, fhir.CodeNotFound, "no file")
	if a := s.do(one, "GET", status+"?page=2"); a.status != http.StatusAccepted || len(a.body) != 0 {
		t.Errorf("a page that is not there yet: %d %s", a.status, a.body)
	}
	s.do(two, "GET", early[0].Output[0].URL).is(t, http.StatusNotFound, fhir.CodeNotFound)
	for id := coverage.EnrolleeID(11); id <= 15; id++ {
		s.source.Fail(id, nil)
	}
	s.untilEnded(status)
	pages := s.pages(status, http.StatusOK)
	first := pages[0]
	first.Link = nil
	if diff := cmp.Diff(early[0], first); diff != "" {
		t.Errorf("the first page changed: %s", diff)
	}
	if names := fileNames(pages); len(pages) != 3 || !slices.Equal(names, []string{"Z0000_0001.ndjson", "Z0000_0002.ndjson", "Z0000_0003.ndjson", "Z0000_0004.ndjson", "Z0000_0005.ndjson"}) {
		t.Errorf("%d pages with %v", len(pages), names)
	}
	s.do(one, "GET", status+"?page=4").is(t, http.StatusNotFound, fhir.CodeNotFound, "no page 4")
	for _, bad := range []string{"0", "-1", "x", "99999999999999999999"} {
		s.do(one, "GET", status+"?page="+bad).is(t, http.StatusNotFound, fhir.CodeNotFound, "no page")
	}
	plain := s.finish(one, s.kickOff(one, patientV2+"?_since=2020-02-13T05:00:00Z"))
	got := join(t, pages)
	for _, f := range []*fhir.Manifest{&got, &plain} {
		f.TransactionTime, f.Request = "", ""
		for i := range f.Output {
			f.Output[i].URL = f.Output[i].URL[strings.LastIndex(f.Output[i].URL, "/"):]
		}
	}
	if diff := cmp.Diff(plain, got); diff != "" {
		t.Errorf("without pages the manifest is another: %s", diff)
	}
}

// untilEnded moves the clock, so that steps that failed are tried again, until a job has
// ended.
func (s *server) untilEnded(status string) {
	s.Helper()
	s.until("the job's end", func() bool {
		s.clock.Add(15 * time.Second)
		j, err := s.db.Job(s.Context(), jobID(status))
		return err == nil && j.State.Ended()
	})
}

func fileNames(pages []fhir.Manifest) (names []string) {
	for _, p := range pages {
		for _, f := range p.Output {
			names = append(names, f.URL[strings.LastIndex(f.URL, "/")+1:])
		}
	}
	return names
}

// TestPartialManifest_ToBeHad: without the parameter a job under way has no manifest and
// no files, whatever page is asked for; with it the parameter may come in a body, and a
// job without files has one page.
func TestPartialManifest_ToBeHad(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.worker.PartEnrollees, s.config.MaxPolls = 5, 0 })
	whole := s.finish(one, s.kickOff(one, patientV2))
	if len(whole.Output) != 5 || whole.Link != nil {
		t.Errorf("%+v", whole)
	}
	status := s.kickOff(one, patientV2+"?allowPartialManifests=false")
	if m := s.finish(one, status+"?page=7"); len(m.Output) != 5 || m.Link != nil {
		t.Errorf("%+v", m)
	}
	a := s.post(one, patientV2, "application/fhir+json", `{"resourceType":"Parameters","parameter":[{"name":"allowPartialManifests","valueBoolean":true},{"name":"_since","valueInstant":"2025-12-31T00:00:00Z"}]}`)
	if a.status != http.StatusAccepted {
		t.Fatalf("%d %s", a.status, a.body)
	}
	status = a.header.Get("Content-Location")
	s.ended(status)
	if j, err := s.db.Job(s.Context(), jobID(status)); err != nil || !j.Partial || j.State != export.Completed {
		t.Fatalf("%+v %v", j, err)
	}
	if m := join(t, s.pages(status, http.StatusOK)); m.Extension[fhir.ExtensionTotals] == nil {
		t.Errorf("%+v", m)
	}
}
