package api_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// long is a value that must not come back whole.
var long = strings.Repeat("9", 10_000)

// wrongKickOffs are query strings with what is said about them: the codes of
// all issues, in order, and words that are in their texts.
var wrongKickOffs = []struct {
	name, query string
	v1          bool
	strict      bool
	lenient     bool
	codes       []fhir.Code
	words       []string
}{
	{name: "format", query: "_outputFormat=csv", codes: only(fhir.CodeNotSupported), words: []string{"_outputFormat", `"csv"`, "application/fhir+ndjson", "Leave it out", "handling=lenient"}},
	{name: "format in capitals", query: "_outputFormat=NDJSON", codes: only(fhir.CodeNotSupported), words: []string{`"NDJSON"`, "ndjson"}},
	{name: "empty format", query: "_outputFormat=", codes: only(fhir.CodeNotSupported), words: []string{"_outputFormat", `""`}},
	{name: "format encoded twice", query: "_outputFormat=application%252Ffhir%252Bndjson", codes: only(fhir.CodeNotSupported), words: []string{`"application%2Ffhir%2Bndjson"`}},
	{name: "type", query: "_type=Patient", codes: only(fhir.CodeNotSupported), words: []string{"_type", `"Patient"`, "ExplanationOfBenefit", "Leave it out", "handling=lenient"}},
	{name: "type in a list", query: "_type=ExplanationOfBenefit,Coverage", codes: only(fhir.CodeNotSupported), words: []string{`"Coverage"`}},
	{name: "type, second", query: "_type=ExplanationOfBenefit&_type=Coverage", codes: only(fhir.CodeNotSupported), words: []string{`"Coverage"`}},
	{name: "empty type", query: "_type=", codes: only(fhir.CodeNotSupported), words: []string{"_type"}},
	{name: "many commas", query: "_type=" + strings.Repeat(",", 10_000), codes: only(fhir.CodeNotSupported), words: []string{"_type"}},
	{name: "since without zone", query: "_since=2023-01-01T00:00:00", codes: only(fhir.CodeValue), words: []string{"_since", `"2023-01-01T00:00:00"`, "zone", "2023-04-05T06:07:08.000-05:00", "%2B"}},
	{name: "since, a date", query: "_since=2023-01-01", codes: only(fhir.CodeValue), words: []string{"_since", `"2023-01-01"`}},
	{name: "since, empty", query: "_since=", codes: only(fhir.CodeValue), words: []string{"_since", `""`}},
	{name: "since, no date", query: "_since=yesterday", codes: only(fhir.CodeValue), words: []string{`"yesterday"`}},
	{name: "since, no day", query: "_since=2023-02-30T00:00:00Z", codes: only(fhir.CodeValue), words: []string{"2023-02-30"}},
	{name: "since in the future", query: "_since=2026-01-15T12:00:00.001Z", codes: only(fhir.CodeValue), words: []string{"_since", "future", "2026-01-15T12:00:00.001Z", "2026-01-15T12:00:00.000Z"}},
	{name: "since before the floor", query: "_since=2020-02-13T04:59:59.999Z", codes: only(fhir.CodeValue), words: []string{"_since", "2020-02-13T04:59:59.999Z", "2020-02-13T00:00:00-05:00"}},
	{name: "since twice", query: "_since=2023-01-01T00:00:00Z&_since=2024-01-01T00:00:00Z", codes: only(fhir.CodeInvalid), words: []string{"_since", "2 times", "once"}},
	{name: "until on v1", query: "_until=2024-01-01T00:00:00Z", v1: true, codes: only(fhir.CodeNotSupported), words: []string{"_until", "v2", "/api/v2/fhir"}},
	{name: "until before since", query: "_since=2024-01-01T00:00:00Z&_until=2023-12-31T23:59:59Z", codes: only(fhir.CodeValue), words: []string{"_until", "2023-12-31T23:59:59Z", "_since", "2024-01-01T00:00:00Z", "later"}},
	{name: "until before the floor", query: "_until=2020-02-13T00:00:00Z", codes: only(fhir.CodeValue), words: []string{"_until", "2020-02-13T00:00:00-05:00"}},
	{name: "until, no date", query: "_until=tomorrow", codes: only(fhir.CodeValue), words: []string{"_until", `"tomorrow"`}},
	{name: "since for _since", query: "since=2023-01-01T00:00:00Z", codes: only(fhir.CodeInvalid), words: []string{`"since"`, "Did you mean _since?"}},
	{name: "_Since", query: "_Since=2023-01-01T00:00:00Z", codes: only(fhir.CodeInvalid), words: []string{`"_Since"`, "Did you mean _since?"}},
	{name: "_sicne", query: "_sicne=2023-01-01T00:00:00Z", codes: only(fhir.CodeInvalid), words: []string{`"_sicne"`, "Did you mean _since?"}},
	{name: "_outputformat", query: "_outputformat=ndjson", codes: only(fhir.CodeInvalid), words: []string{`"_outputformat"`, "Did you mean _outputFormat?"}},
	{name: "types", query: "types=ExplanationOfBenefit", codes: only(fhir.CodeInvalid), words: []string{`"types"`, "Did you mean _type?"}},
	{name: "untill", query: "_untill=2024-01-01T00:00:00Z", codes: only(fhir.CodeInvalid), words: []string{`"_untill"`, "Did you mean _until?"}},
	{name: "= encoded", query: "_outputFormat%3Dapplication%252Ffhir%252Bndjson", codes: only(fhir.CodeInvalid), words: []string{`"_outputFormat=application%2Ffhir%2Bndjson"`, "Did you mean _outputFormat?"}},
	{name: "= and & encoded", query: "_since%3D2023-01-01T00:00:00Z%26_until%3D2024-01-01T00:00:00Z", codes: only(fhir.CodeInvalid), words: []string{"Did you mean _since?"}},
	{name: "filter on v1", query: "_typeFilter=ExplanationOfBenefit%3Fservice-date%3Dge2023", v1: true, codes: only(fhir.CodeNotSupported), words: []string{"_typeFilter", "v2", "Leave it out"}},
	{name: "empty filter", query: "_typeFilter=", codes: only(fhir.CodeValue), words: []string{"_typeFilter", `""`, "service-date%3Dge2023-01-01"}},
	{name: "filter of another type", query: "_typeFilter=Patient%3Fgender%3Dmale", codes: only(fhir.CodeValue), words: []string{"_typeFilter", `"Patient?gender=male"`, "ExplanationOfBenefit"}},
	{name: "filter without a type", query: "_typeFilter=service-date%3Dge2023", codes: only(fhir.CodeValue), words: []string{`"service-date=ge2023"`, "question mark"}},
	{name: "filter without conditions", query: "_typeFilter=ExplanationOfBenefit%3F", codes: only(fhir.CodeValue), words: []string{`"ExplanationOfBenefit?"`, "no conditions"}},
	{name: "filter encoded twice", query: "_typeFilter=ExplanationOfBenefit%253Fservice-date%253Dge2023", codes: only(fhir.CodeValue), words: []string{`"ExplanationOfBenefit%3Fservice-date%3Dge2023"`, "encoded once"}},
	{name: "filter that is not encoded", query: "_typeFilter=ExplanationOfBenefit?service-date=ge2023&service-date=le2023", codes: only(fhir.CodeInvalid), words: []string{"service-date", "%26"}},
	{name: "filter by something else", query: "_typeFilter=ExplanationOfBenefit%3Fstatus%3Dactive", codes: only(fhir.CodeNotSupported), words: []string{`"status"`, "service-date"}},
	{name: "filter with a result parameter", query: "_typeFilter=ExplanationOfBenefit%3F_sort%3Dservice-date%26service-date%3D2023", codes: only(fhir.CodeNotSupported), words: []string{`"_sort"`}},
	{name: "filter by no date", query: "_typeFilter=ExplanationOfBenefit%3Fservice-date%3Dgelast-week", codes: only(fhir.CodeValue), words: []string{`"gelast-week"`, "YYYY-MM-DD"}},
	{name: "filter by an unknown prefix", query: "_typeFilter=ExplanationOfBenefit%3Fservice-date%3Dne2023", codes: only(fhir.CodeValue), words: []string{`"ne2023"`, "ge, gt, le"}},
	{name: "filter by a day that is none", query: "_typeFilter=ExplanationOfBenefit%3Fservice-date%3D2023-02-30", codes: only(fhir.CodeValue), words: []string{`"2023-02-30"`}},
	{name: "filter by two dates in one", query: "_typeFilter=ExplanationOfBenefit%3Fservice-date%3D2023-01-01,2023-02-01", codes: only(fhir.CodeValue), words: []string{`"2023-01-01,2023-02-01"`}},
	{name: "second of two filters", query: "_typeFilter=ExplanationOfBenefit%3Fservice-date%3Dge2023,ExplanationOfBenefit%3Fservice-date%3Dx", codes: only(fhir.CodeValue), words: []string{`"x"`}},
	{name: "patient, lenient", query: "patient=Patient/1", lenient: true, codes: only(fhir.CodeNotSupported), words: []string{"patient", "body of a POST"}},
	{name: "since, lenient", query: "_since=yesterday", lenient: true, codes: only(fhir.CodeValue), words: []string{`"yesterday"`}},
	{name: "since for _since, lenient", query: "since=2023-01-01T00:00:00Z", lenient: true, codes: only(fhir.CodeInvalid), words: []string{"Did you mean _since?"}},
	{name: "until on v1, lenient", query: "_until=2024-01-01T00:00:00Z", v1: true, lenient: true, codes: only(fhir.CodeNotSupported), words: []string{"_until"}},
	{name: "filter by something else, lenient", query: "_typeFilter=ExplanationOfBenefit%3Fstatus%3Dactive", lenient: true, codes: only(fhir.CodeNotSupported), words: []string{`"status"`}},
	{name: "filter by no date, lenient", query: "_typeFilter=ExplanationOfBenefit%3Fservice-date%3Dgelast-week", lenient: true, codes: only(fhir.CodeValue), words: []string{`"gelast-week"`}},
	{name: "filter without a type, lenient", query: "_typeFilter=service-date%3Dge2023", lenient: true, codes: only(fhir.CodeValue), words: []string{"question mark"}},
	{name: "includeAssociatedData", query: "includeAssociatedData=LatestProvenanceResources", codes: only(fhir.CodeNotSupported), words: []string{"includeAssociatedData"}},
	{name: "organizeOutputBy", query: "organizeOutputBy=Patient", codes: only(fhir.CodeNotSupported), words: []string{"organizeOutputBy"}},
	{name: "allowPartialManifests on v1", query: "allowPartialManifests=true", v1: true, codes: only(fhir.CodeNotSupported), words: []string{"allowPartialManifests", "v2 and v3"}},
	{name: "allowPartialManifests that is neither", query: "allowPartialManifests=yes", codes: only(fhir.CodeValue), words: []string{`"yes"`, "neither true nor false"}},
	{name: "patient", query: "patient=Patient/1", codes: only(fhir.CodeNotSupported), words: []string{"patient", "body of a POST"}},
	{name: "_elements on v1", query: "_elements=id", v1: true, codes: only(fhir.CodeNotSupported), words: []string{"_elements", "v2 and v3"}},
	{name: "_elements below the top", query: "_elements=item.sequence", codes: only(fhir.CodeNotSupported), words: []string{`"item.sequence"`, "top of a claim", "billablePeriod"}},
	{name: "_elements, two unknown", query: "_elements=id,total&_elements=Patient.id", codes: []fhir.Code{fhir.CodeNotSupported, fhir.CodeNotSupported}, words: []string{`"total"`, `"Patient.id"`}},
	{name: "_elements, many", query: "_elements=" + strings.Repeat("id,", 100), codes: only(fhir.CodeTooCostly), words: []string{"101 elements"}},
	{name: "unknown", query: "_count=5&x=1", codes: []fhir.Code{fhir.CodeNotSupported, fhir.CodeNotSupported}, words: []string{`"_count"`, `"x"`, "Leave it out", "handling=lenient"}},
	{name: "unknown, strict", query: "_count=5", strict: true, codes: only(fhir.CodeNotSupported), words: []string{`"_count"`, "Leave it out", "handling=lenient"}},
	{name: "bad escape", query: "_outputFormat=%zz", codes: only(fhir.CodeInvalid), words: []string{"query string", `"%zz"`, "%2F"}},
	{name: "half an escape", query: "_outputFormat=application%2", codes: only(fhir.CodeInvalid), words: []string{"query string", `"%2"`}},
	{name: "semicolon", query: "_type=ExplanationOfBenefit;_since=x", codes: only(fhir.CodeInvalid), words: []string{"query string", `";"`}},
	{name: "many parameters", query: strings.Repeat("a=1&", 60), codes: only(fhir.CodeTooCostly), words: []string{"61 parameters", "_outputFormat"}},
	{name: "control characters", query: "_type=a%00%0d%0aSet-Cookie:%20x%1b%5b2J", codes: only(fhir.CodeNotSupported), words: []string{`"a\x00\r\nSet-Cookie: x\x1b[2J"`}},
	{name: "invalid UTF-8", query: "_type=%ff%feX", codes: only(fhir.CodeNotSupported), words: []string{`"\xff\xfeX"`}},
	{name: "right to left", query: "_type=%e2%80%aeX", codes: only(fhir.CodeNotSupported), words: []string{`"\u202eX"`}},
	{name: "10 KB", query: "_since=" + long, codes: only(fhir.CodeValue), words: []string{"_since", strings.Repeat("9", 80) + "…"}},
	{name: "10 KB of a name", query: long + "=1", strict: true, codes: only(fhir.CodeNotSupported), words: []string{strings.Repeat("9", 80) + "…"}},
	{name: "cut within a letter", query: "_type=" + strings.Repeat("9", 79) + "%c3%a4%c3%a4", codes: only(fhir.CodeNotSupported), words: []string{`"` + strings.Repeat("9", 79) + `…"`}},
	{name: "several", query: "since=x&_outputFormat=csv&_type=Patient&_since=1&_until=2", codes: []fhir.Code{fhir.CodeInvalid, fhir.CodeNotSupported, fhir.CodeNotSupported, fhir.CodeValue, fhir.CodeValue},
		words: []string{`"since"`, `"csv"`, `"Patient"`, `_since "1"`, `_until "2"`}},
	{name: "several and a bad escape", query: "_type=Patient&_outputFormat=%zz", codes: []fhir.Code{fhir.CodeInvalid, fhir.CodeNotSupported}, words: []string{`"%zz"`, `"Patient"`}},
}

func only(c fhir.Code) []fhir.Code { return []fhir.Code{c} }

func TestWrongKickOffs(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for _, c := range wrongKickOffs {
		path, headers := patientV2, []string{"Prefer: respond-async"}
		if c.v1 {
			path = patientV1
		}
		if c.strict {
			headers = append(headers, "Prefer: respond-async, handling=strict")
		}
		if c.lenient {
			headers = append(headers, "Prefer: handling=lenient")
		}
		a := s.do(one, "GET", path+"?"+c.query, headers...)
		if a.status != http.StatusBadRequest {
			t.Errorf("%s: answered %d %s", c.name, a.status, a.body)
			continue
		}
		var codes []fhir.Code
		var texts []string
		for _, i := range a.outcome(t).Issue {
			codes, texts = append(codes, i.Code), append(texts, i.Details.Text)
		}
		if diff := cmp.Diff(c.codes, codes); diff != "" {
			t.Errorf("%s: codes (- want, + got):\n%s%s", c.name, diff, texts)
		}
		all := strings.Join(texts, "\n")
		for _, w := range c.words {
			if !strings.Contains(all, w) {
				t.Errorf("%s: %s lacks %s", c.name, all, w)
			}
		}
		if len(a.body) > 2000 {
			t.Errorf("%s: the answer has %d bytes", c.name, len(a.body))
		}
	}
	s.kickOff(one, patientV2) // none of them has taken the only place
}

// TestKickOffsThatAreFine: what the job then asks for.
func TestKickOffsThatAreFine(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	floor := time.Date(2020, 3, 1, 0, 0, 0, 0, time.UTC) // the attestation, above every earlier _since
	since := time.Date(2023, 1, 1, 5, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		query        string
		headers      []string
		since, until time.Time
		notes        int
	}{
		{query: ""},
		{query: "_outputFormat=application%2Ffhir%2Bndjson&_type=ExplanationOfBenefit"},
		{query: "_outputFormat=application/fhir+ndjson"}, // the + arrives as a space
		{query: "_outputFormat=application/ndjson"}, {query: "_outputFormat=ndjson"},
		{query: "_type=ExplanationOfBenefit,ExplanationOfBenefit"}, {query: "_type=ExplanationOfBenefit&_type=ExplanationOfBenefit"},
		{query: "_since=2020-02-13T00:00:00-05:00", since: floor}, {query: "_since=2020-02-13T05:00:00Z", since: floor},
		{query: "_since=2026-01-15T12:00:00Z", since: time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)},
		{query: "_since=2023-01-01T06:00:00+01:00", since: since}, {query: "_since=2023-01-01T06:00:00%2B01:00", since: since},
		{query: "_since=2023-01-01T00:00:00.000-05:00&_until=2023-01-01T00:00:00.000-05:00", since: since, until: since},
		{query: "_until=2030-01-01T00:00:00Z", until: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)},
		{query: "_count=5", headers: []string{"Prefer: respond-async, handling=lenient"}, notes: 1}, {query: "_count=5&x=%ff", headers: []string{"Prefer: handling=lenient"}, notes: 2},
		{query: "a=1", headers: []string{"Prefer: respond-async", "Prefer: wait=10, handling=lenient"}, notes: 1},
	} {
		status := s.kickOff(one, patientV2+"?"+c.query, c.headers...)
		j, err := s.db.Job(t.Context(), jobID(status))
		if err != nil {
			t.Fatal(err)
		}
		if !j.Since.Equal(c.since) || !j.Until.Equal(c.until) || len(j.Notes) != c.notes {
			t.Errorf("%q: since %v, until %v, notes %q", c.query, j.Since, j.Until, j.Notes)
		}
		if j.Contract != "Z0000" || j.Client != one || j.Version != fhir.V2 || j.Request != s.url+patientV2+"?"+c.query {
			t.Errorf("%q became %+v", c.query, j)
		}
		s.do(one, "DELETE", status)
	}
}

func TestPreferStrictIsReadInEveryForm(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for _, prefer := range []string{"handling=strict", "respond-async, handling=strict", "respond-async; handling = strict", `handling="strict"`, "HANDLING=Strict"} {
		s.do(one, "GET", patientV2+"?_count=5", "Prefer: "+prefer).is(t, http.StatusBadRequest, fhir.CodeNotSupported, "handling=lenient")
	}
}

func TestAnotherContractsGroup(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	for _, group := range []string{"Z0001", "z0000", "Z0000%20", "Z0000%00", "..%2fPatient", "%ff"} {
		s.do(one, "GET", "/api/v1/fhir/Group/"+group+"/$export").is(t, http.StatusForbidden, fhir.CodeForbidden, "Group/Z0000/$export")
	}
}

// TestTooManyJobs: the answer leads to the job under way.
func TestTooManyJobs(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	first := s.kickOff(one, patientV1)
	a := s.do(one, "GET", patientV1)
	a.is(t, http.StatusTooManyRequests, fhir.CodeThrottled, "running exports (1)")
	if got := a.header.Get("Content-Location"); got != first || a.header.Get("Retry-After") != "5" {
		t.Errorf("Content-Location %s, want %s; Retry-After %s", got, first, a.header.Get("Retry-After"))
	}
	s.kickOff(two, patientV1) // another contract is not held up
	s.do(one, "DELETE", first)
	s.kickOff(one, patientV1)
}

// TestTwoKickOffsAtOnce: of several at the same moment exactly as many pass as
// there is room for.
func TestTwoKickOffsAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	bearer := "Bearer " + s.token(one, "clientCreds")
	begin, answers := make(chan struct{}), make(chan *http.Response, 8)
	for range cap(answers) {
		go func() {
			<-begin
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+patientV1, nil)
			if err != nil {
				t.Error(err)
			}
			r.Header.Set("Authorization", bearer)
			resp, err := s.client.Do(r)
			if err != nil {
				t.Error(err)
			}
			answers <- resp
		}()
	}
	close(begin)
	var passed, named []string
	for range cap(answers) {
		a := <-answers
		if a == nil {
			continue
		}
		a.Body.Close()
		if l := a.Header.Get("Content-Location"); a.StatusCode == http.StatusAccepted {
			passed = append(passed, l)
		} else {
			named = append(named, l)
		}
	}
	if len(passed) != 1 || slices.ContainsFunc(named, func(l string) bool { return l != passed[0] }) {
		t.Errorf("passed: %v; the others were told %v", passed, named)
	}
}

// TestSeveralRunningJobsAreNamed: oldest first, with commas between them.
func TestSeveralRunningJobsAreNamed(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *server) { s.workers = 0 })
	c, err := s.config.Intake.Entitled(t.Context(), "Z0000")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for range 3 {
		j, err := s.config.Intake.Accept(t.Context(), export.Request{Contract: c, Client: one, MaxJobs: 3, Version: fhir.V1})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, s.url+"/api/v2/fhir/Job/"+j.ID+"/$status")
		s.clock.Add(time.Second)
	}
	a := s.do(one, "GET", patientV2)
	a.is(t, http.StatusTooManyRequests, fhir.CodeThrottled, "running exports (3)")
	if diff := cmp.Diff(want, strings.Split(a.header.Get("Content-Location"), ", ")); diff != "" {
		t.Errorf("(- want, + got):\n%s", diff)
	}
	for _, l := range want {
		if u, err := url.Parse(l); err != nil || !u.IsAbs() {
			t.Errorf("%s is not absolute", l)
		}
	}
}
