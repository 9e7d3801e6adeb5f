package bfdtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/synth"
)

// answer is what a test reads of an answer.
type answer struct {
	ResourceType string
	Status       string
	Total        *int
	Meta         *struct{ LastUpdated time.Time }
	Link         []struct{ Relation, URL string }
	Entry        []struct {
		Resource struct {
			ID         string
			Identifier []struct{ System string }
		}
	}
}

func (a *answer) relations() (list []string) {
	for _, l := range a.Link {
		list = append(list, l.Relation)
	}
	return list
}

func asOf() time.Time { return time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC) }

func stand(t *testing.T) *Server {
	t.Helper()
	d, err := synth.NewPopulation(42, asOf, synth.DatasetSponsors(4)...).Dataset(asOf())
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), d, fhir.V2, fhir.V3)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, s *Server, target string, header ...string) (int, answer) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var a answer
	if strings.HasPrefix(w.Header().Get("Content-Type"), fhir.TypeFHIR) {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("%s: %v", target, err)
		}
	}
	return w.Code, a
}

// claimsURL searches the claims of the person of a version who has most.
func claimsURL(s *Server, v fhir.Version) (target string, claims int) {
	for _, p := range s.Patients(v) {
		if n := len(s.Claims(v, p)); n > claims {
			target, claims = "/"+v.String()+"/fhir/ExplanationOfBenefit?patient="+strconv.FormatInt(int64(p), 10), n
		}
	}
	return target, claims
}

func TestStatus(t *testing.T) {
	s := stand(t)
	v2, n := claimsURL(s, fhir.V2)
	v3, _ := claimsURL(s, fhir.V3)
	for target, want := range map[string]int{
		"/v1/fhir/metadata": 200, "/v9/fhir/metadata": 401, "/": 401, "/v2/fhir/Coverage": 404, "/v2/fhir/Patient": 404, "/v3/fhir/Patient": 400,
		"/v2/fhir/ExplanationOfBenefit": 400, v2: 200, v3: 200, v2 + "&_source=NCH": 400, v3 + "&_source=X": 400, v3 + "&excludeSAMHSA=true": 400,
		v2 + "&_lastUpdated=ge2024-01-01T00:00:00%2B00:00": 200, v2 + "&_lastUpdated=ge2024-01-01T00:00:00+00:00": 400,
		v2 + "&service-date=ge2024": 400, v2 + "&_count=0": 400, v2 + "&_count=5&startIndex=" + strconv.Itoa(n): 400, v2 + "&x=%zz": 400,
		v3 + "&_offset=-1": 400, v3 + "&_offset=" + strconv.Itoa(n+5000): 200, "/v1/fhir/Patient?_has:Coverage.extension=x": 400,
	} {
		if got, _ := get(t, s, target); got != want {
			t.Errorf("%s: %d, want %d", target, got, want)
		}
	}
	if _, a := get(t, s, "/v2/fhir/metadata"); a.Status != "active" {
		t.Errorf("metadata: %+v", a)
	}
	s.Set(Fault{Mode: Blank})
	for zone, want := range map[string]int{"%2B00:00": 400, "Z": 200} {
		if got, _ := get(t, s, v2+"&_lastUpdated=ge2024-01-01T00:00:00"+zone); got != want {
			t.Errorf("a plus that is a blank: %s: %d, want %d", zone, got, want)
		}
	}
}

func TestPages(t *testing.T) {
	s := stand(t)
	target, n := claimsURL(s, fhir.V2)
	_, whole := get(t, s, target)
	if len(whole.Entry) != n || *whole.Total != n || !slices.Equal(whole.relations(), []string{"self"}) || whole.Meta == nil {
		t.Errorf("unpaged: %d of %d, %+v", len(whole.Entry), n, whole.relations())
	}
	_, middle := get(t, s, target+"&_count=5&startIndex=5")
	if len(middle.Entry) != 5 || *middle.Total != n || middle.Entry[0].Resource.ID != whole.Entry[5].Resource.ID ||
		!slices.Equal(middle.relations(), []string{"self", "first", "next", "previous", "last"}) {
		t.Errorf("a page: %+v", middle.relations())
	}
	target, n = claimsURL(s, fhir.V3)
	s.SetLimit(n - 1)
	_, first := get(t, s, target)
	if len(first.Entry) != n-1 || first.Total != nil || first.Meta != nil || !slices.Equal(first.relations(), []string{"self", "next"}) {
		t.Errorf("version 3: %d entries, %+v", len(first.Entry), first)
	}
	_, last := get(t, s, target+"&_offset="+strconv.Itoa(n-1))
	if len(last.Entry) != 1 || *last.Total != n || last.Meta != nil {
		t.Errorf("version 3, the last page: %+v", last)
	}
	if _, none := get(t, s, "/v3/fhir/ExplanationOfBenefit?patient=1"); *none.Total != 0 || none.Meta == nil {
		t.Errorf("version 3, nobody: %+v", none)
	}
}

// TestDays compares bounds of the last day of service with the data.
func TestDays(t *testing.T) {
	s := stand(t)
	target, _ := claimsURL(s, fhir.V2)
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.ParseInt(u.Query().Get("patient"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	claims := s.Claims(fhir.V2, coverage.EnrolleeID(id))
	day := claims[len(claims)/2].End
	for prefix, order := range map[string]func(int) bool{
		"ge": func(n int) bool { return n >= 0 }, "gt": func(n int) bool { return n > 0 }, "le": func(n int) bool { return n <= 0 },
		"lt": func(n int) bool { return n < 0 }, "eq": func(n int) bool { return n == 0 }, "": func(n int) bool { return n == 0 },
	} {
		want := 0
		for _, c := range claims {
			if c.HasEnd && order(int(c.End-day)) {
				want++
			}
		}
		if _, a := get(t, s, target+"&service-date="+prefix+day.String()); len(a.Entry) != want {
			t.Errorf("%s: %d claims, want %d", prefix, len(a.Entry), want)
		}
	}
}

// TestPatient: version 3 finds a person by MBI, by GET and by POST, and only so.
func TestPatient(t *testing.T) {
	s := stand(t)
	e := s.People("Z9001")[0]
	search := "identifier=" + url.QueryEscape("http://hl7.org/fhir/sid/us-mbi|"+string(e.MBIs[0]))
	post := func(target, kind string) int {
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(search))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == http.StatusOK && !strings.Contains(w.Body.String(), `"id":"`+strconv.FormatInt(int64(e.PatientV3), 10)+`"`) {
			t.Errorf("%s: %s", target, w.Body)
		}
		return w.Code
	}
	if _, a := get(t, s, "/v3/fhir/Patient?"+search); len(a.Entry) != 1 || a.Entry[0].Resource.ID != strconv.FormatInt(int64(e.PatientV3), 10) || a.Meta != nil {
		t.Errorf("GET: %+v", a)
	}
	if _, a := get(t, s, "/v3/fhir/Patient?identifier=http://hl7.org/fhir/sid/us-mbi|9S99A99AA99"); len(a.Entry) != 0 || a.Meta == nil {
		t.Errorf("nobody: %+v", a)
	}
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		target, kind string
		want         int
	}{
		{"/v3/fhir/Patient/_search", form, 200}, {"/v3/fhir/Patient", form, 405}, {"/v2/fhir/Patient/_search", form, 405}, {"/v3/fhir/Patient/_search", "text/plain", 400},
	} {
		if got := post(c.target, c.kind); got != c.want {
			t.Errorf("POST %s: %d, want %d", c.target, got, c.want)
		}
	}
	for _, query := range []string{"identifier=x|" + string(e.MBIs[0]), search + "&" + search, search + "&name=x"} {
		if code, _ := get(t, s, "/v3/fhir/Patient?"+query); code != 400 {
			t.Errorf("%d for a query that is wrong", code)
		}
	}
}

// TestIdentifiers: MBIs come only for who asks for them.
func TestIdentifiers(t *testing.T) {
	s := stand(t)
	const target = "/v1/fhir/Patient?_has:Coverage.extension=https://bluebutton.cms.gov/resources/variables/ptdcntrct06|Z9001" +
		"&_has:Coverage.rfrncyr=https://bluebutton.cms.gov/resources/variables/rfrnc_yr|2024"
	_, without := get(t, s, target)
	_, with := get(t, s, target, "IncludeIdentifiers", "mbi")
	if len(without.Entry) == 0 || len(without.Entry[0].Resource.Identifier) != 1 || len(with.Entry[0].Resource.Identifier) < 2 {
		t.Errorf("%+v, %+v", without, with)
	}
}
