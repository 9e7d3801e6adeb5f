package store_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

func TestWithdrawn(t *testing.T) { each(t, testWithdrawn) }

// testWithdrawn: claims that were published and are gone are named, with the facts that
// decide who could receive them; others are not.
func testWithdrawn(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2, 3)
	withheld := func(cl store.Claim) store.Claim { cl.Withheld = true; return cl }
	c.load(claim(1, 11, 1000, "a"), claim(1, 12, 1000, "b"), claim(2, 21, 2000, "c"), claim(2, 22, 2000, "d"))
	start := c.clock.Now()
	first := c.snapshot()
	c.clock.Add(time.Minute)

	l := c.begin("two batches") // 31 comes and goes in the same load, 12 goes in its second batch
	c.merge(l, claim(3, 31, 1000, "never published"), claim(1, 13, 1500, "stays"), claim(2, 22, 2001, "changed"))
	c.merge(l, withheld(claim(3, 31, 1001, "")), withheld(claim(1, 12, 1001, "")))
	c.ok(c.Publish(t.Context(), l, audit.Entry{}))
	c.clock.Add(time.Minute)
	middle, second := c.clock.Now().Add(-time.Second), c.snapshot()
	c.load(claim(3, 21, 2500, "moved")) // from 2
	third := c.snapshot()
	c.load(withheld(claim(1, 11, 1002, "")))
	c.load(claim(1, 11, 1003, "is back"))
	last := c.snapshot()

	for _, q := range []struct {
		name, snapshot string
		after, until   time.Time
		from, to       coverage.EnrolleeID
		want           string
	}{
		{"nothing was withdrawn", first, time.Time{}, time.Time{}, 1, 3, ""},
		{"withheld", second, start, time.Time{}, 1, 3, "1:carrier-12"},
		{"moved", third, start, time.Time{}, 1, 3, "1:carrier-12 2:carrier-21→3"},
		{"what is back is not gone", last, start, time.Time{}, 1, 3, "1:carrier-12 2:carrier-21→3"},
		{"after a time", last, middle, time.Time{}, 1, 3, "2:carrier-21→3"},
		{"up to a time", last, start, middle, 1, 3, "1:carrier-12"},
		{"of some enrollees", last, start, time.Time{}, 2, 3, "2:carrier-21→3"},
	} {
		got, err := c.Withdrawn(t.Context(), export.Query{Version: fhir.V1, Snapshot: q.snapshot, First: q.from, Last: q.to}, q.after, q.until)
		c.ok(err)
		var texts []string
		for _, w := range got {
			text := fmt.Sprintf("%d:%s", w.Claim.Patient, w.ID)
			if w.Home != 0 {
				text += fmt.Sprintf("→%d", w.Home)
			}
			texts = append(texts, text)
			if w.At.Before(start) || w.Claim.Type != coverage.Carrier || !w.Claim.HasStart || w.Claim.Start != 19000 || w.Claim.End != 19000 || w.Claim.LastUpdated.IsZero() {
				t.Errorf("%s: %+v", q.name, w)
			}
		}
		if text := strings.Join(texts, " "); text != q.want {
			t.Errorf("%s: got %q, want %q", q.name, text, q.want)
		}
	}
	if _, err := c.Withdrawn(t.Context(), export.Query{Version: fhir.V1, Snapshot: "of the sandbox"}, start, start); err == nil {
		t.Error("a snapshot of another source is accepted")
	}
	c.withdrawalsEnd()
}

// withdrawalsEnd: an import that was abandoned withdraws nothing, and what was withdrawn
// is forgotten when its time is over.
func (c *claims) withdrawalsEnd() {
	t := c.TB
	t.Helper()
	withheld := claim(2, 22, 9000, "")
	withheld.Withheld = true
	l := c.begin("abandoned")
	c.merge(l, withheld)
	if _, err := c.AbandonLoad(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Withdrawn(t.Context(), export.Query{Version: fhir.V1, Snapshot: c.snapshot(), First: math.MinInt64, Last: math.MaxInt64}, time.Time{}, time.Time{}); err != nil || len(got) != 2 {
		t.Errorf("after an import was abandoned: %+v %v", got, err)
	}
	for _, r := range []struct {
		imports time.Duration // how long they are remembered
		removed int64
	}{{time.Hour, 0}, {time.Second, 3}, {time.Second, 0}} {
		c.clock.Add(time.Minute)
		if sum, err := c.RemoveOld(t.Context(), store.Retention{Imports: r.imports}); err != nil || sum.Withdrawals != r.removed {
			t.Errorf("remembered for %s: %d withdrawals were removed, want %d; %v", r.imports, sum.Withdrawals, r.removed, err)
		}
	}
}
