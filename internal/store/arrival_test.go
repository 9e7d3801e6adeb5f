package store_test

import (
	"fmt"
	"maps"
	"testing"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

func TestArrived(t *testing.T) { each(t, testArrived) }

func testArrived(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2, 3)
	c.load(claim(1, 11, 1000, "a"), claim(2, 21, 2000, "b"))
	first := c.snapshot()
	c.load(claim(1, 12, 900, "late"), claim(1, 13, 800, "later"), claim(1, 14, 2500, "new"), claim(2, 21, 2000, "b")) // the last is unchanged
	second := c.snapshot()
	c.load(claim(3, 31, 1500, "c"), claim(1, 11, 1100, "changed"))
	third := c.snapshot()
	arrived := func(from, to coverage.EnrolleeID, earlier, now string) string {
		t.Helper()
		got, err := c.Arrived(t.Context(), export.Query{Version: fhir.V1, Snapshot: now, First: from, Last: to}, earlier)
		c.ok(err)
		ms := map[coverage.EnrolleeID]int64{}
		for id, at := range maps.All(got) {
			ms[id] = at.UnixMilli()
		}
		return fmt.Sprint(ms)
	}
	for _, q := range []struct {
		name, earlier, now string
		from, to           coverage.EnrolleeID
		want               string
	}{
		{"nothing was loaded between", first, first, 1, 3, "map[]"},
		{"the oldest of a load, of those who got something", first, second, 1, 3, "map[1:800]"},
		{"the oldest of several loads", first, third, 1, 3, "map[1:800 3:1500]"},
		{"not what the earlier one had", second, third, 1, 3, "map[1:1100 3:1500]"},
		{"not what came afterward", first, second, 2, 3, "map[]"},
		{"only those who are asked for", first, third, 2, 3, "map[3:1500]"},
	} {
		if got := arrived(q.from, q.to, q.earlier, q.now); got != q.want {
			t.Errorf("%s: got %s, want %s", q.name, got, q.want)
		}
	}
	if _, err := c.Arrived(t.Context(), export.Query{Version: fhir.V1, Snapshot: third}, "of the sandbox"); err == nil {
		t.Error("a snapshot of another source is accepted")
	}
	// A load in several batches notes the oldest of all.
	l := c.begin("batches")
	for i, updated := range []int64{700, 600, 650} {
		c.merge(l, claim(2, 40+i, updated, "batch"))
	}
	c.ok(c.Publish(t.Context(), l, audit.Entry{}))
	if got := arrived(1, 3, third, c.snapshot()); got != "map[2:600]" {
		t.Errorf("a load in batches: got %s", got)
	}
}
