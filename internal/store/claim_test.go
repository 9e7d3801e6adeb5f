package store_test

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

func TestClaimsAreReadAsTheyWereMerged(t *testing.T) { each(t, testClaimsAreReadAsTheyWereMerged) }

func testClaimsAreReadAsTheyWereMerged(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2, 3)
	a, b, other := claim(1, 11, 1000, "a"), claim(1, 12, 2000, "b"), claim(3, 31, 1500, "c")
	if sum := c.load(b, other, a); sum != (store.Merged{New: 3}) {
		t.Errorf("merged %+v", sum)
	}
	all := c.read(c.snapshot(), time.Time{})
	c.check(all[1], []coverage.MBI{mbi(1, "A")}, a, b)
	c.check(all[2], nil)
	c.check(all[3], []coverage.MBI{mbi(3, "A")}, other)
	if all[1].segments != 1 {
		t.Error("all claims are wanted, but they were not taken as they are stored")
	}

	// The same again, an older and a newer version.
	older, newer := claim(1, 11, 999, "older"), claim(1, 12, 3000, "newer")
	if sum := c.load(a, older, newer, b); sum != (store.Merged{Unchanged: 1, Older: 2, Replaced: 1}) {
		t.Errorf("merged %+v", sum)
	}
	c.check(c.read(c.snapshot(), time.Time{})[1], []coverage.MBI{mbi(1, "A")}, a, newer)
	if sum := c.load(a, newer); sum != (store.Merged{Unchanged: 2}) {
		t.Errorf("the same again merged %+v", sum)
	}

	// Only a part of them: cut.
	cut := c.read(c.snapshot(), time.UnixMilli(1000))
	c.check(cut[1], []coverage.MBI{mbi(1, "A")}, newer)
	c.check(c.read(c.snapshot(), time.UnixMilli(3000))[1], nil)
}

// TestClaim_Moves: a claim that comes with another enrollee than before is that
// one's only, in exports of everything and of what is new. Jobs that were planned
// before still see it where it was.
func TestClaim_Moves(t *testing.T) { each(t, testClaimMoves) }

func testClaimMoves(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2)
	stays, moves := claim(1, 11, 1000, "stays"), claim(1, 12, 2000, "moves")
	c.load(stays, moves)
	before := c.snapshot()
	j := &export.Job{ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Contract: contract, Version: fhir.V1, State: export.Accepted, TransactionTime: c.clock.Now()}
	c.ok(c.Accept(t.Context(), j, 1))
	task, err := c.Lease(t.Context(), "w", "test:", time.Minute)
	c.ok(err)
	c.ok(c.SavePlan(t.Context(), task.Lease, before, []export.Part{{Number: 1, First: 1, Last: 2, Enrollees: 2}}))

	moved := claim(2, 12, 2500, "moved")
	if sum := c.load(moved); sum != (store.Merged{Replaced: 1}) {
		t.Errorf("merged %+v", sum)
	}
	after := c.read(c.snapshot(), time.Time{})
	c.check(after[1], []coverage.MBI{mbi(1, "A")}, stays)
	c.check(after[2], []coverage.MBI{mbi(2, "A")}, moved)
	recent := c.read(c.snapshot(), time.UnixMilli(1500))
	c.check(recent[1], []coverage.MBI{mbi(1, "A")})
	c.check(recent[2], []coverage.MBI{mbi(2, "A")}, moved)
	pinned := c.read(before, time.Time{})
	c.check(pinned[1], []coverage.MBI{mbi(1, "A")}, stays, moves)
	c.check(pinned[2], nil)

	// An older version at the former enrollee changes nothing.
	if sum := c.load(moves); sum != (store.Merged{Older: 1}) {
		t.Errorf("merged %+v", sum)
	}
	// The last claim moves, too, and both come back within one load.
	c.load(claim(2, 11, 1600, "moved"))
	c.check(c.read(c.snapshot(), time.Time{})[1], nil)
	c.check(c.read(c.snapshot(), time.UnixMilli(1500))[1], nil)
	back := []store.Claim{claim(1, 11, 3000, "back"), claim(1, 12, 3100, "back")}
	l := c.begin("back")
	c.merge(l, claim(2, 11, 2900, "on the way"))
	c.merge(l, back...)
	c.ok(c.Publish(c.Context(), l, audit.Entry{}))
	all := c.read(c.snapshot(), time.Time{})
	c.check(all[1], []coverage.MBI{mbi(1, "A")}, back...)
	c.check(all[2], nil)

	// What an abandoned import moved stays where it was.
	l = c.begin("abandoned")
	c.merge(l, claim(2, 11, 4000, "abandoned"))
	_, err = c.AbandonLoad(c.Context())
	c.ok(err)
	c.load(claim(2, 11, 4100, "at last"))
	all = c.read(c.snapshot(), time.Time{})
	c.check(all[1], []coverage.MBI{mbi(1, "A")}, back[1])
	c.check(all[2], []coverage.MBI{mbi(2, "A")}, claim(2, 11, 4100, "at last"))

	// Of two versions of a claim that moves, one is older.
	if sum := c.load(claim(1, 11, 4300, "older"), claim(1, 11, 4400, "newer")); sum != (store.Merged{Replaced: 1, Older: 1}) {
		t.Errorf("merged %+v", sum)
	}
}

// TestClaim_Withheld: a newer version of a claim that must not be shared removes
// the stored one, whoever's it is, and is not stored itself.
func TestClaim_Withheld(t *testing.T) { each(t, testClaimWithheld) }

func testClaimWithheld(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2)
	withheld := func(patient coverage.EnrolleeID, id int, updated int64) store.Claim {
		cl := claim(patient, id, updated, "must not be shared")
		cl.Withheld = true
		return cl
	}
	check := func(one, two []store.Claim) {
		t.Helper()
		for _, since := range []time.Time{{}, time.UnixMilli(1)} {
			all := c.read(c.snapshot(), since)
			c.check(all[1], []coverage.MBI{mbi(1, "A")}, one...)
			c.check(all[2], []coverage.MBI{mbi(2, "A")}, two...)
		}
	}
	a, b, d := claim(1, 11, 1000, "a"), claim(1, 12, 2000, "b"), claim(2, 13, 3000, "d")
	c.load(a, b, d)
	for _, step := range []struct {
		what     string
		load     []store.Claim
		want     store.Merged
		one, two []store.Claim
	}{
		{"an older version", []store.Claim{withheld(1, 12, 1900)}, store.Merged{Older: 1}, []store.Claim{a, b}, []store.Claim{d}},
		{"a newer version", []store.Claim{withheld(1, 11, 1100)}, store.Merged{Withdrawn: 1}, []store.Claim{b}, []store.Claim{d}},
		{"again", []store.Claim{withheld(1, 11, 1100)}, store.Merged{}, []store.Claim{b}, []store.Claim{d}},
		{"unknown", []store.Claim{withheld(1, 19, 1100)}, store.Merged{}, []store.Claim{b}, []store.Claim{d}},
		{"of another patient", []store.Claim{withheld(2, 12, 2000)}, store.Merged{Withdrawn: 1}, nil, []store.Claim{d}},
		{"before an older one in a file", []store.Claim{withheld(2, 13, 4000), claim(1, 13, 3500, "x")}, store.Merged{Withdrawn: 1, Older: 1}, nil, nil},
		{"before a newer one in a file", []store.Claim{withheld(1, 11, 5000), claim(1, 11, 6000, "e")}, store.Merged{New: 1}, []store.Claim{claim(1, 11, 6000, "e")}, nil},
	} {
		if got := c.load(step.load...); got != step.want {
			t.Errorf("%s: merged %+v, want %+v", step.what, got, step.want)
		}
		check(step.one, step.two)
	}
}

func TestRealPeople(t *testing.T) { each(t, testRealPeople) }

// testRealPeople: a contract that once had enrollees who could be real people keeps
// the mark, because what was exported of them is still there.
func testRealPeople(t *testing.T, open opener) {
	c := newClaims(t, open)
	marked := func(want bool) {
		t.Helper()
		if got, err := c.RealPeople(t.Context(), contract); err != nil || got != want {
			t.Errorf("real people: %v, %v, want %v", got, err, want)
		}
	}
	marked(false)
	c.enroll("A", 1)
	marked(false)
	_, err := c.PutEnrollment(t.Context(), contract, []coverage.Enrollee{{ID: 1, MBIs: []coverage.MBI{"1EG4TE5MK73"}}}, true)
	c.ok(err)
	marked(true)
	c.enroll("A", 1)
	marked(true)
}

// TestMergeAgainstMap holds any sequence of loads against a plain map. Claims
// come with any of the enrollees, so that they move.
func TestMergeAgainstMap(t *testing.T) { each(t, testMergeAgainstMap) }

func testMergeAgainstMap(t *testing.T, open opener) {
	c := newClaims(t, open)
	first := coverage.EnrolleeID(1) // each sequence has enrollees of its own
	rapid.Check(t, func(t *rapid.T) {
		first += 3
		c.enroll("A", first, first+1, first+2)
		model := map[string]store.Claim{}
		for range rapid.IntRange(1, 4).Draw(t, "loads") {
			var batch []store.Claim
			for range rapid.IntRange(0, 8).Draw(t, "claims") {
				patient := first + coverage.EnrolleeID(rapid.IntRange(0, 2).Draw(t, "patient"))
				cl := claim(patient, int(first)*10+rapid.IntRange(0, 5).Draw(t, "id"), rapid.Int64Range(0, 3).Draw(t, "updated"), rapid.StringMatching(`[ab]`).Draw(t, "text"))
				batch = append(batch, cl)
				if old, ok := model[cl.Entry.ID]; !ok || old.Entry.LastUpdated <= cl.Entry.LastUpdated {
					model[cl.Entry.ID] = cl
				}
			}
			c.load(batch...)
		}
		got := c.read(c.snapshot(), time.Time{})
		for id := first; id < first+3; id++ {
			c.check(got[id], []coverage.MBI{mbi(id, "A")}, inOrder(model, id)...)
		}
		if c.Failed() {
			t.FailNow()
		}
	})
}

// inOrder are the claims of an enrollee that can be delivered, as the store
// orders them.
func inOrder(model map[string]store.Claim, id coverage.EnrolleeID) (wanted []store.Claim) {
	for _, cl := range model {
		if cl.Patient == id && cl.Entry.LastUpdated != 0 {
			wanted = append(wanted, cl)
		}
	}
	slices.SortFunc(wanted, func(a, b store.Claim) int {
		return cmp.Or(int(a.Entry.LastUpdated-b.Entry.LastUpdated), strings.Compare(a.Entry.ID, b.Entry.ID))
	})
	return wanted
}

func TestALoadIsSeenAtOnceAndByLaterJobsOnly(t *testing.T) {
	each(t, testALoadIsSeenAtOnceAndByLaterJobsOnly)
}

func testALoadIsSeenAtOnceAndByLaterJobsOnly(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1)
	a, b := claim(1, 11, 1000, "a"), claim(1, 12, 2000, "b")
	c.load(a)
	before := c.snapshot()
	// A job under way keeps what it was planned with.
	j := &export.Job{ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Contract: contract, Version: fhir.V1, State: export.Accepted, TransactionTime: c.clock.Now()}
	c.ok(c.Accept(t.Context(), j, 1))
	task, err := c.Lease(t.Context(), "w", "test:", time.Minute)
	c.ok(err)
	c.ok(c.SavePlan(t.Context(), task.Lease, before, []export.Part{{Number: 1, First: 1, Last: 1, Enrollees: 1}}))

	l := c.begin("second")
	c.merge(l, b)
	c.check(c.read(c.snapshot(), time.Time{})[1], []coverage.MBI{mbi(1, "A")}, a)
	c.ok(c.Publish(t.Context(), l, audit.Entry{}))
	c.check(c.read(c.snapshot(), time.Time{})[1], []coverage.MBI{mbi(1, "A")}, a, b)
	c.check(c.read(before, time.Time{})[1], []coverage.MBI{mbi(1, "A")}, a)

	// When it has ended, the next load deletes what nobody needs.
	if _, err := c.Delete(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	c.load(claim(1, 13, 3000, "c"))
	if d := c.read(before, time.Time{})[1]; len(d.lines) != 0 {
		t.Errorf("what no job needs is still kept: %q", d.lines)
	}
}

func TestOneLoadAtATime(t *testing.T) { each(t, testOneLoadAtATime) }

func testOneLoadAtATime(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1)
	a, b := claim(1, 11, 1000, "a"), claim(1, 12, 2000, "b")
	first := c.begin("x")
	c.merge(first, a)
	var other *store.LoadInProgressError
	if _, err := c.BeginLoad(t.Context(), "y", "y", fhir.V1); !errors.As(err, &other) || other.Load.ID != first.ID {
		t.Fatalf("a second load: %v, want *LoadInProgressError", err)
	}
	// Broken off, and begun again: it goes on where it was.
	again := c.begin("x")
	if again.ID != first.ID || again.Position != 1 || again.Line != 1 {
		t.Errorf("begun again it is %+v", again)
	}
	c.merge(again, b)
	m, err := c.NewMerger(first) // the one that was thought dead
	c.ok(err)
	if _, err := m.Merge(t.Context(), []store.Claim{a}, 9, 9, func(store.Merged) string { return "{}" }); !errors.Is(err, store.ErrLoadMoved) {
		t.Errorf("got %v, want ErrLoadMoved", err)
	}
	if err := c.Publish(t.Context(), first, audit.Entry{}); !errors.Is(err, store.ErrLoadMoved) {
		t.Errorf("got %v, want ErrLoadMoved", err)
	}
	c.ok(c.Publish(t.Context(), again, audit.Entry{}))
	c.check(c.read(c.snapshot(), time.Time{})[1], []coverage.MBI{mbi(1, "A")}, a, b)

	c.merge(c.begin("z"), claim(1, 13, 1, "c"))
	was, err := c.AbandonLoad(t.Context())
	c.ok(err)
	if was == nil || was.Source != "file z" {
		t.Errorf("abandoned %+v", was)
	}
	c.load()
	c.check(c.read(c.snapshot(), time.Time{})[1], []coverage.MBI{mbi(1, "A")}, a, b)
}

func TestIdentifiersAreTheEnrollees(t *testing.T) { each(t, testIdentifiersAreTheEnrollees) }

func testIdentifiersAreTheEnrollees(t *testing.T, open opener) {
	c := newClaims(t, open)
	a, b := claim(1, 11, 1000, "a"), claim(1, 12, 2000, "b")
	c.load(a, b) // before anybody is enrolled
	for _, letter := range []string{"A", "C"} {
		c.enroll(letter, 1)
		d := c.read(c.snapshot(), time.Time{})[1]
		c.check(d, []coverage.MBI{mbi(1, letter)}, a, b)
		if d.segments != 0 {
			t.Error("claims with other identifiers were taken as they are stored")
		}
		n, err := c.RefreshMBIs(t.Context(), contract)
		c.ok(err)
		d = c.read(c.snapshot(), time.Time{})[1]
		c.check(d, []coverage.MBI{mbi(1, letter)}, a, b)
		if n != 1 || d.segments != 1 {
			t.Errorf("%d refreshed, then %d segments taken as they are stored; want 1 and 1", n, d.segments)
		}
		if n, err := c.RefreshMBIs(t.Context(), contract); err != nil || n != 0 {
			t.Errorf("refreshed again: %d, %v", n, err)
		}
	}
	// The claims are still the same: merged again, nothing changes.
	if sum := c.load(a, b); sum != (store.Merged{Unchanged: 2}) {
		t.Errorf("merged %+v", sum)
	}
}
