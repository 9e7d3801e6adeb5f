package synth

import (
	"bytes"
	"testing"
	"time"

	"ab2d/internal/coverage"
)

// TestWrite_Since: what is left out before it is drawn changes nothing. A month that
// counts from the beginning has nothing left out, and this one is after all claims.
func TestWrite_Since(t *testing.T) {
	s := sourceAt(42, asOf)
	never := coverage.MonthSet{}
	never.Add(coverage.LastMonth)
	reload := time.Date(2025, time.March, 12, 9, 0, 0, 0, time.UTC)
	load := time.Date(2026, time.October, 31, 23, 0, 0, 0, time.UTC) // at a full hour, where many claims are stamped
	sinces := []time.Time{
		time.UnixMilli(-1), asOf.AddDate(-5, 0, 0), reload, reload.AddDate(0, 0, 2), asOf.AddDate(-1, 0, 0), asOf.AddDate(0, -1, 0),
		load.Add(-time.Nanosecond), load, load.Add(time.Nanosecond), load.Add(time.Millisecond), asOf.AddDate(0, 0, -7), asOf.AddDate(0, 0, -1), asOf.AddDate(0, 1, 0),
	}
	claims, fewer := map[time.Time]int{}, 0
	for _, v := range allVersions {
		for _, selection := range sample(t, s, 150) {
			for _, since := range sinces {
				selection.Since, selection.Added = since, coverage.MonthSet{}
				got := claimsOf(t, s, v, selection, false)
				selection.Added = never
				want := claimsOf(t, s, v, selection, false)
				if !bytes.Equal(got.bytes(), want.bytes()) {
					t.Fatalf("%s: enrollee %d has other claims since %s", v, selection.Enrollee.ID, since)
				}
				claims[since] += got.verdicts[coverage.Deliver]
				fewer += len(want.offers) - len(got.offers)
			}
		}
	}
	for _, since := range sinces[:len(sinces)-2] {
		if claims[since] == 0 {
			t.Errorf("nobody has claims since %s", since)
		}
	}
	if fewer < 100_000 {
		t.Errorf("%d claims are left out before they are offered, want most of them", fewer)
	}
}
