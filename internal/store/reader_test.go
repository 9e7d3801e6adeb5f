package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// TestSinceWithinASegment: of an enrollee with much, what is new is found in the
// last block alone, in both, and when it is everything.
func TestSinceWithinASegment(t *testing.T) { each(t, testSinceWithinASegment) }

func testSinceWithinASegment(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2)
	var all []store.Claim
	for i := range 80 {
		all = append(all, claim(1, i, int64(i+1)*1000, fmt.Sprintf("%d %s", i, strings.Repeat(fmt.Sprint(i*i), 400))))
	}
	c.load(append(all, claim(2, 99, 500, "small"))...)
	snapshot := c.snapshot()
	for _, from := range []int{0, 1, 5, 39, 60, 68, 70, 75, 79} {
		d := c.read(snapshot, time.UnixMilli(int64(from)*1000))
		c.check(d[1], []coverage.MBI{mbi(1, "A")}, all[from:]...)
	}
	if d := c.read(snapshot, time.UnixMilli(80_000)); len(d[1].lines) != 0 {
		t.Errorf("%d claims after the newest", len(d[1].lines))
	}
	c.enroll("B", 1, 2) // other identifiers than those that are stored
	snapshot = c.snapshot()
	for _, from := range []int{0, 60, 78} {
		c.check(c.read(snapshot, time.UnixMilli(int64(from)*1000))[1], []coverage.MBI{mbi(1, "B")}, all[from:]...)
	}
}

// TestManyReaders: as many workers as there are can read at the same time, and
// look something up while they read, and others can ask the database.
func TestManyReaders(t *testing.T) { each(t, testManyReaders) }

func testManyReaders(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2)
	c.load(claim(1, 1, 1000, "old"), claim(2, 2, 9000, "new"))
	snapshot := c.snapshot()
	con, err := c.Contract(t.Context(), contract)
	c.ok(err)
	enrollees, err := c.Enrollees(t.Context(), contract, snapshot, -1<<63, 10)
	c.ok(err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var readers []export.Reader
	for range 40 {
		r, err := c.Open(ctx, export.Query{Version: fhir.V1, Snapshot: snapshot, First: 1, Last: 2, Since: time.UnixMilli(5000)})
		c.ok(err)
		defer r.Close()
		readers = append(readers, r)
	}
	for _, r := range readers {
		// Of the first everything is wanted, which the query has left out.
		d := &delivery{sel: &coverage.Selection{Contract: con, Enrollee: &enrollees[0], Until: time.UnixMilli(1 << 50)}}
		c.ok(r.Write(ctx, d.sel, d))
		if len(d.lines) != 1 {
			t.Fatalf("read %d lines", len(d.lines))
		}
	}
	c.ok(c.Ping(ctx))
}
