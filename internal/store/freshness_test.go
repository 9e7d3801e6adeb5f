package store_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"ab2d/internal/audit"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

func TestFreshness(t *testing.T) { each(t, testFreshness) }

func testFreshness(t *testing.T, open opener) {
	c := newClaims(t, open)
	is := func(what string, v fhir.Version, want export.Freshness) {
		t.Helper()
		got, err := c.Freshness(t.Context(), contract, v)
		c.ok(err)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (- want, + got):\n%s", what, diff)
		}
	}
	is("nothing yet", fhir.V2, export.Freshness{})
	c.enroll("A", 1, 2)
	enrolled := c.clock.Now()
	is("enrolled", fhir.V2, export.Freshness{Enrollment: enrolled, Enrollees: 2})
	c.clock.Add(time.Hour)
	l := c.begin("a file")
	c.merge(l, claim(1, 1, 5000, "x"), claim(2, 3, 9000, "x"))
	is("a load is under way", fhir.V2, export.Freshness{Enrollment: enrolled, Enrollees: 2})
	c.merge(l, claim(1, 5, 7000, "x"))
	c.ok(c.Publish(t.Context(), l, audit.Entry{}))
	loaded := c.clock.Now()
	is("loaded", l.Version, export.Freshness{Enrollment: enrolled, Enrollees: 2, LastLoad: loaded, NewestClaim: time.UnixMilli(9000).UTC()})
	is("the other version", 3-l.Version, export.Freshness{Enrollment: enrolled, Enrollees: 2})
	c.clock.Add(time.Hour)
	c.enroll("B", 1, 2)
	if _, err := c.RefreshMBIs(t.Context(), contract); err != nil {
		t.Fatal(err)
	}
	is("new identifiers are no new claims", l.Version, export.Freshness{Enrollment: c.clock.Now(), Enrollees: 2, LastLoad: loaded, NewestClaim: time.UnixMilli(9000).UTC()})
}
