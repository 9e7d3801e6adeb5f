package export

import (
	"testing"

	"pgregory.net/rapid"
)

// TestCoverage_CountsAsAnArray: a coverage counts as an array with a counter for
// each byte does, whatever is delivered in whatever order.
func TestCoverage_CountsAsAnArray(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 40).Draw(t, "size")
		counters := make([]int, size)
		var c Coverage
		for range rapid.IntRange(0, 30).Draw(t, "deliveries") {
			from := rapid.Int64Range(0, size).Draw(t, "from")
			to := rapid.Int64Range(from, size).Draw(t, "to")
			c = c.Add(from, to)
			for i := from; i < to; i++ {
				counters[i]++
			}
			parsed, err := ParseCoverage(c.String())
			if err != nil {
				t.Fatal(err)
			}
			least := counters[0]
			for _, n := range counters {
				least = min(least, n)
			}
			if got := parsed.Complete(size); got != least {
				t.Fatalf("%v: %d complete deliveries, want %d of %v", c, got, least, counters)
			}
			if rapid.Bool().Draw(t, "count") {
				c = c.Less(least)
				for i := range counters {
					counters[i] -= least
				}
			}
		}
	})
}

// TestCoverage_IsBounded: a client that asks for single bytes does not make the
// coverage grow, and gains nothing by it.
func TestCoverage_IsBounded(t *testing.T) {
	const size = 40 * maxCoverageSteps
	var c Coverage
	for i := int64(0); i < size; i += 2 {
		c = c.Add(i, i+1)
		if len(c) > maxCoverageSteps {
			t.Fatalf("%d steps", len(c))
		}
	}
	for i := int64(1); i < size; i += 2 {
		c = c.Add(i, i+1)
	}
	if got := c.Complete(size); got < 1 {
		t.Errorf("%d complete deliveries, want 1 at least", got)
	}
}
