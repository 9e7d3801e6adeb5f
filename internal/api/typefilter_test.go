package api

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// TestServiceDate: a condition bounds the through date alone, as BFD's search does.
func TestServiceDate(t *testing.T) {
	day := func(d int) coverage.Date { return coverage.DateOf(2025, time.March, d) }
	unlimited := coverage.AnyServiceDates()
	end := func(from, to coverage.Date) coverage.ServiceDates {
		d := coverage.AnyServiceDates()
		d.EndFrom, d.EndTo = from, to
		return d
	}
	for condition, want := range map[string]coverage.ServiceDates{
		"2025-03-10":                end(day(10), day(10)),
		"eq2025-03":                 end(day(1), day(31)),
		"ge2025-03-10":              end(day(10), unlimited.EndTo),
		"gt2025-03":                 end(day(32), unlimited.EndTo),
		"sa2025-03-10":              end(day(11), unlimited.EndTo),
		"le2025-03":                 end(unlimited.EndFrom, day(31)),
		"lt2025-03-10":              end(unlimited.EndFrom, day(9)),
		"eb2025-03-10":              end(unlimited.EndFrom, day(9)),
		"le2025-03-10T23:59:59.9Z":  end(unlimited.EndFrom, day(10)),
		"ge2025-03-10T00:00:00.00Z": end(day(10), unlimited.EndTo),
	} {
		t.Run(condition, func(t *testing.T) {
			if got, ok := parseServiceDate(condition); !ok || got != want {
				t.Errorf("got %+v, %v; want %+v", got, ok, want)
			}
		})
	}
	for _, bad := range []string{"", "ne2025", "ap2025", "2025-13", "service-date"} {
		if _, ok := parseServiceDate(bad); ok {
			t.Errorf("%q was read", bad)
		}
	}
}

// naiveFilters is splitFilters as one would write it without a thought of its cost.
func naiveFilters(value string) []string {
	var filters []string
	for _, piece := range strings.Split(value, ",") {
		if len(filters) > 0 && !beginsSearch(piece) {
			filters[len(filters)-1] += "," + piece
			continue
		}
		filters = append(filters, piece)
	}
	return filters
}

// TestSplitFilters holds it against a plain one.
func TestSplitFilters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[aZ?,=é]{0,30}`).Draw(t, "value")
		if diff := cmp.Diff(naiveFilters(value), slices.Collect(splitFilters(value))); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestTypeFilterIsBounded: however long a _typeFilter is, few searches are kept, few
// issues told, and its length costs no allocations.
func TestTypeFilterIsBounded(t *testing.T) {
	const search = "ExplanationOfBenefit?service-date=2024"
	times := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	for name, c := range map[string]struct {
		values          []string
		filters, issues int
		want            string
	}{
		"commas":              {[]string{strings.Repeat(",", 60_000)}, 0, 1, "is not a search for ExplanationOfBenefit"},
		"many":                {[]string{strings.Repeat("A?,", 20_000)}, 0, 1, "_typeFilter has 20000 searches; at most 50 are read"},
		"just fit":            {[]string{times(maxFilters, search)}, maxFilters, 0, ""},
		"one more":            {[]string{times(maxFilters, search), search}, 0, 1, "_typeFilter has 51 searches"},
		"conditions":          {[]string{search + strings.Repeat("&service-date=2024", maxConditions-1)}, 1, 0, ""},
		"one condition more":  {[]string{search + strings.Repeat("&service-date=2024", maxConditions)}, 0, 1, "has 51 conditions; at most 50"},
		"ends of conditions":  {[]string{"ExplanationOfBenefit?" + strings.Repeat("&", 60_000)}, 0, 1, "has 60001 conditions"},
		"faulty searches":     {[]string{times(maxFilters, "Patient?x=1")}, 0, maxIssues + 1, "There are 30 more problems with the parameters"},
		"faulty conditions":   {[]string{search + strings.Repeat("&service-date=x", maxConditions-1)}, 0, maxIssues + 1, "There are 29 more problems"},
		"a condition of ones": {[]string{search + strings.Repeat("1", 60_000)}, 0, 1, "is not a date with a prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			values := url.Values{"_typeFilter": c.values}
			read := func() (params, []fhir.Issue) {
				return parseParams(&reader{version: fhir.V2, sinceV3: DefaultEarliestSinceV3(), now: time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC), values: values})
			}
			p, faults := read()
			if len(p.filters) != c.filters || len(faults) != c.issues {
				t.Fatalf("%d searches and %d issues, want %d and %d", len(p.filters), len(faults), c.filters, c.issues)
			}
			if c.issues > 0 && !strings.Contains(faults[len(faults)-1].Details.Text, c.want) {
				t.Errorf("told %q, want %q", faults[len(faults)-1].Details.Text, c.want)
			}
			// A search costs some allocations; a comma or an & must cost none.
			if used := testing.AllocsPerRun(1, func() { read() }); used > 5000 {
				t.Errorf("%v allocations", used)
			}
		})
	}
}
