package random

import "testing"

// TestStreams: weights are kept, and draws stay in range.
func TestStreams(t *testing.T) {
	r := New(1, 10)
	var got [3]int
	for range 60_000 {
		got[r.Pick([]uint16{10, 0, 50})]++
		if n := r.Between(-2, 2); n < -2 || n > 2 {
			t.Fatal(n)
		}
	}
	if got[1] != 0 || got[0] < 9_500 || got[0] > 10_500 {
		t.Error(got)
	}
}
