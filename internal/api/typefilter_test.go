package api

import (
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// TestServiceDate_V3: in version 3 a condition bounds the through date alone, as
// BFD's search does; in version 2 it bounds the period.
func TestServiceDate_V3(t *testing.T) {
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
			if got, ok := parseServiceDate(condition, fhir.V3); !ok || got != want {
				t.Errorf("got %+v, %v; want %+v", got, ok, want)
			}
		})
	}
	if two, ok := parseServiceDate("le2025-03-10", fhir.V2); !ok || two.EndTo != unlimited.EndTo || two.StartTo != day(10) {
		t.Errorf("v2: got %+v, want a bound of the start", two)
	}
	for _, bad := range []string{"", "ne2025", "ap2025", "2025-13", "service-date"} {
		if _, ok := parseServiceDate(bad, fhir.V3); ok {
			t.Errorf("%q was read", bad)
		}
	}
}
