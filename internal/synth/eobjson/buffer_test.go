package eobjson

import (
	"testing"

	"ab2d/internal/coverage"
)

// TestCivil holds the calendar arithmetic equal to package time's.
func TestCivil(t *testing.T) {
	for d := coverage.Date(0); d < 60_000; d++ {
		y, m, day := civil(d)
		if want := d.Time(); y != want.Year() || m != int(want.Month()) || day != want.Day() {
			t.Fatalf("%s: got %d-%d-%d", d, y, m, day)
		}
	}
}

// TestBuffer holds the writing of numbers and instants.
func TestBuffer(t *testing.T) {
	w := new(Buffer)
	w.number(-10_000_000_000_099)
	w.text(" ")
	w.number(0)
	w.text(" ")
	w.cents(123_405)
	w.text(" ")
	w.digits(42, 5)
	w.text(" ")
	w.instant(1_598_659_200_007)
	if got := string(w.b); got != "-10000000000099 0 1234.05 00042 2020-08-29T00:00:00.007+00:00" {
		t.Error(got)
	}
}
