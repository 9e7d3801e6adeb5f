package store_test

import (
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// TestPatientV3: claims of version 3 are stored under another number, in another
// order than that of the enrollees, carry the current identifier only, and are
// nobody's whose number is not known.
func TestPatientV3(t *testing.T) { each(t, testPatientV3) }

func testPatientV3(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.version = fhir.V3
	enroll := func(letter string) {
		var all []coverage.Enrollee
		for id, patient := range []coverage.EnrolleeID{900, 700, 800, 0} {
			e := coverage.Enrollee{ID: coverage.EnrolleeID(id + 1), PatientV3: patient, MBIs: []coverage.MBI{mbi(patient%97, letter), mbi(patient%97, "H")}}
			e.Months.AddRange(coverage.MonthOf(2020, 1), coverage.MonthOf(2026, 1))
			all = append(all, e)
		}
		_, err := c.PutEnrollment(t.Context(), contract, all, true)
		c.ok(err)
	}
	enroll("A")
	nine, seven, eight := claim(900, 11, 1000, "nine"), claim(700, 12, 2000, "seven"), claim(800, 13, 3000, "eight")
	// The ids of enrollees are those of other people in version 3.
	c.load(nine, seven, eight, claim(1, 14, 1000, "somebody else"), claim(4, 15, 1000, "somebody else"))
	check := func(letter string) {
		t.Helper()
		all := c.read(c.snapshot(), time.Time{})
		c.check(all[1], []coverage.MBI{mbi(900%97, letter)}, nine)
		c.check(all[2], []coverage.MBI{mbi(700%97, letter)}, seven)
		c.check(all[3], []coverage.MBI{mbi(800%97, letter)}, eight)
		c.check(all[4], nil)
		if all[1].segments != 1 {
			t.Error("all claims are wanted, but they were not taken as they are stored")
		}
	}
	check("A")
	if n, err := c.RefreshMBIs(t.Context(), contract); err != nil || n != 0 {
		t.Errorf("refreshed %d enrollees, %v; want none", n, err)
	}
	enroll("C")
	if n, err := c.RefreshMBIs(t.Context(), contract); err != nil || n != 3 {
		t.Errorf("refreshed %d enrollees, %v; want 3", n, err)
	}
	check("C")

	// What is new: the older blocks of the others are not read.
	newer := claim(700, 12, 5000, "newer")
	if sum := c.load(newer); sum != (store.Merged{Replaced: 1}) {
		t.Errorf("merged %+v", sum)
	}
	recent := c.read(c.snapshot(), time.UnixMilli(4000))
	c.check(recent[1], nil)
	c.check(recent[2], []coverage.MBI{mbi(700%97, "C")}, newer)

	// A claim moves between the numbers of two people.
	moved := claim(900, 13, 6000, "moved")
	c.load(moved)
	all := c.read(c.snapshot(), time.Time{})
	c.check(all[1], []coverage.MBI{mbi(900%97, "C")}, nine, moved)
	c.check(all[3], nil)
}
