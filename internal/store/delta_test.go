package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/encryption"
	"ab2d/internal/export"
	"ab2d/internal/store"
	"ab2d/internal/testserver"
)

// many are claims of an enrollee, so that a few more are a delta.
func many(patient coverage.EnrolleeID, n int) (list []store.Claim) {
	for i := range n {
		list = append(list, claim(patient, int(patient)*1000+i, 1000+int64(i), strings.Repeat("x", 40)))
	}
	return list
}

func (c *claims) rows(segments, deltas int) {
	c.Helper()
	s, d, err := c.Rows(c.Context())
	c.ok(err)
	if s != segments || d != deltas {
		c.Errorf("there are %d segments and %d deltas, want %d and %d", s, d, segments, deltas)
	}
}

// TestDelta_IsJoined: claims that come later are stored beside the others, and all of them
// are exported as they are stored.
func TestDelta_IsJoined(t *testing.T) { each(t, testDeltaIsJoined) }

func testDeltaIsJoined(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2)
	first := many(1, 20)
	c.load(first...)
	c.load(claim(1, 5001, 3000, "new"))
	c.load(claim(1, 5002, 2000, "late"))
	c.rows(1, 2)
	all := c.read(c.snapshot(), time.Time{})
	c.check(all[1], []coverage.MBI{mbi(1, "A")}, append(first, claim(1, 5001, 3000, "new"), claim(1, 5002, 2000, "late"))...)
	if all[1].segments != 1 {
		t.Error("the claims were not joined as they are stored")
	}
	if got := all[1].lines[20] + all[1].lines[21]; !strings.Contains(got, "5001") || strings.Index(got, "5001") > strings.Index(got, "5002") {
		t.Errorf("after the base come %s, want the deltas in the order of their loads", got)
	}
	recent := c.read(c.snapshot(), time.UnixMilli(2500))[1]
	if c.check(recent, []coverage.MBI{mbi(1, "A")}, claim(1, 5001, 3000, "new")); recent.segments != 1 && len(recent.lines) != 1 {
		t.Errorf("the recent ones: %q", recent.lines)
	}
	if sum := c.load(claim(1, 5001, 3000, "new"), first[3]); sum != (store.Merged{Unchanged: 2}) {
		t.Errorf("the same again: %+v", sum)
	}
	c.rows(1, 2)
}

// TestDelta_Bounded: an enrollee has ten deltas at most, and less if they are large.
func TestDelta_Bounded(t *testing.T) { each(t, testDeltaBounded) }

func testDeltaBounded(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1)
	c.load(many(1, 200)...)
	for i := range 10 {
		c.load(claim(1, 5000+i, 3000+int64(i), "new"))
	}
	c.rows(1, 10)
	c.load(claim(1, 6000, 4000, "eleventh"))
	c.rows(1, 0)
	c.load(many(1, 260)[200:]...)
	c.rows(1, 0)
	if n := len(c.read(c.snapshot(), time.Time{})[1].lines); n != 271 {
		t.Errorf("%d claims, want 271", n)
	}
}

// TestDelta_RollingUpgrade: while processes of the former release may run on a database,
// they see whatever a load writes. Afterward a load writes what it changes.
func TestDelta_RollingUpgrade(t *testing.T) { each(t, testDeltaRollingUpgrade) }

func testDeltaRollingUpgrade(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.ok(c.UnfinishUpgrade(t.Context()))
	c.enroll("A", 1)
	c.load(many(1, 20)...)
	c.load(claim(1, 5001, 3000, "new"))
	c.rows(1, 0)
	if done, err := c.UpgradeFinished(t.Context()); err != nil || done {
		t.Errorf("finished: %v, %v", done, err)
	}
	for range 2 {
		c.ok(c.FinishUpgrade(t.Context()))
	}
	if done, err := c.UpgradeFinished(t.Context()); err != nil || !done {
		t.Errorf("finished: %v, %v", done, err)
	}
	c.load(claim(1, 5002, 4000, "newer"))
	c.rows(1, 1)
	// Deltas that are there are read in any case.
	c.ok(c.UnfinishUpgrade(t.Context()))
	if n := len(c.read(c.snapshot(), time.Time{})[1].lines); n != 22 {
		t.Errorf("%d claims, want 22", n)
	}
	c.load(claim(1, 5003, 5000, "newest"))
	c.rows(1, 0)
}

// TestMigration_Deltas: tables that a former release made may have its processes on them,
// and those that this one made have not.
func TestMigration_Deltas(t *testing.T) {
	for name, address := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "ab2d.db"), "postgres": testserver.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			for _, want := range []bool{true, false} {
				db, err := store.Open(t.Context(), address, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := db.UpgradeFinished(t.Context()); err != nil || got != want {
					t.Errorf("deltas may be written: %v, %v, want %v", got, err, want)
				}
				if err := errors.Join(db.RevertDeltas(t.Context()), db.Close()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// pinned plans a job with what is published, and returns its snapshot.
func (c *claims) pinned() (job, snapshot string) {
	c.Helper()
	job, snapshot = "0f8fad5b-d9cb-469f-a165-70867728950e", c.snapshot()
	c.ok(c.Accept(c.Context(), &export.Job{ID: job, Contract: contract, Version: c.version, State: export.Accepted, TransactionTime: c.clock.Now()}, 1))
	task, err := c.Lease(c.Context(), "w", "test:", time.Minute)
	c.ok(err)
	c.ok(c.SavePlan(c.Context(), task.Lease, snapshot, []export.Part{{Number: 1, First: 1, Last: 2, Enrollees: 2}}))
	return job, snapshot
}

// TestFold_Repeats: a fold changes no byte of an export that was planned before, also
// when rows have been pruned since, and nothing that later ones have.
func TestFold_Repeats(t *testing.T) { each(t, testFoldRepeats) }

func testFoldRepeats(t *testing.T, open opener) {
	c := newClaims(t, open)
	h := &history{claims: c}
	c.enroll("A", 1, 2)
	c.load(append(many(1, 80), many(2, 40)...)...)
	for i := range 6 {
		c.load(claim(1, 5000+i, 3000+int64(i), "new"), claim(1, 1000+i, 4000+int64(i), "newer"))
	}
	job, snapshot := c.pinned()
	before, lines := h.gzip(snapshot, time.Time{}), c.read(snapshot, time.Time{})[1].lines
	if n, err := c.Fold(t.Context(), false); err != nil || n != 1 {
		t.Fatalf("%d folded, %v; want 1", n, err)
	}
	if n, err := c.Fold(t.Context(), false); err != nil || n != 0 {
		t.Errorf("%d folded again, %v", n, err)
	}
	c.rows(3, 6)
	_, err := c.RemoveOld(t.Context(), store.Retention{})
	c.ok(err)
	c.rows(3, 6)
	if after := h.gzip(snapshot, time.Time{}); !bytes.Equal(before, after) {
		t.Error("an export that was planned before writes other bytes")
	}
	later := c.read(c.snapshot(), time.Time{})[1]
	if fmt.Sprint(sorted(later.lines)) != fmt.Sprint(sorted(lines)) || later.segments != 1 {
		t.Errorf("an export that was planned later has %d claims in %d segments, want %d in one", len(later.lines), later.segments, len(lines))
	}
	if f, err := c.Freshness(t.Context(), contract, c.version); err != nil || !f.LastLoad.Before(c.clock.Now()) {
		t.Errorf("the fold counts as an import: %+v, %v", f, err)
	}
	_, err = c.Delete(t.Context(), job)
	c.ok(err)
	_, err = c.RemoveOld(t.Context(), store.Retention{})
	c.ok(err)
	c.rows(2, 0)
}

func sorted(lines []string) []string {
	lines = append([]string{}, lines...)
	slices.Sort(lines)
	return lines
}

// TestFold_Interrupted: a fold that is stopped has changed nothing; one that meets an
// import does nothing; and the next one does it.
func TestFold_Interrupted(t *testing.T) { each(t, testFoldInterrupted) }

func testFoldInterrupted(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2)
	c.load(many(1, 40)...)
	for i := range 6 {
		c.load(claim(1, 5000+i, 3000+int64(i), "new"))
	}
	before := c.snapshot()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := c.Fold(stopped, false); err == nil {
		t.Error("a fold that was stopped has no error")
	}
	l := c.begin("an import")
	c.merge(l, claim(2, 7000, 5000, "other"))
	if n, err := c.Fold(t.Context(), false); n != 0 || err != nil {
		t.Errorf("during an import %d were folded, %v", n, err)
	}
	if got := c.snapshot(); got != before {
		t.Errorf("the snapshot is %s, want %s", got, before)
	}
	c.ok(c.Publish(t.Context(), l, audit.Entry{}))
	c.rows(2, 6)
	if n, err := c.Fold(t.Context(), false); n != 1 || err != nil {
		t.Errorf("%d were folded, %v; want 1", n, err)
	}
	if n := len(c.read(c.snapshot(), time.Time{})[1].lines); n != 46 {
		t.Errorf("%d claims, want 46", n)
	}
}

// TestFold_Plan: a fold does not make a plan wait, as long as nothing was pruned.
func TestFold_Plan(t *testing.T) { each(t, testFoldPlan) }

func testFoldPlan(t *testing.T, open opener) {
	for _, pruned := range []bool{false, true} {
		c := newClaims(t, open)
		c.enroll("A", 1, 2)
		c.load(many(1, 40)...)
		for i := range 6 {
			c.load(claim(1, 5000+i, 3000+int64(i), "new"))
		}
		snapshot := c.snapshot()
		j := &export.Job{ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Contract: contract, Version: c.version, State: export.Accepted, TransactionTime: c.clock.Now()}
		c.ok(c.Accept(t.Context(), j, 1))
		task, err := c.Lease(t.Context(), "w", "test:", time.Minute)
		c.ok(err)
		_, err = c.Fold(t.Context(), false)
		c.ok(err)
		if pruned {
			_, err = c.RemoveOld(t.Context(), store.Retention{})
			c.ok(err)
		}
		err = c.SavePlan(t.Context(), task.Lease, snapshot, []export.Part{{Number: 1, First: 1, Last: 2, Enrollees: 2}})
		if pruned != errors.Is(err, export.ErrNoSnapshot) || !pruned && err != nil {
			t.Errorf("pruned: %v, the plan: %v", pruned, err)
		}
	}
}

// TestPrune_Bounded: pruning looks only at enrollees of whom a base was written since it
// ran last.
func TestPrune_Bounded(t *testing.T) { each(t, testPruneBounded) }

func testPruneBounded(t *testing.T, open opener) {
	c := newClaims(t, open)
	c.enroll("A", 1, 2)
	c.load(append(many(1, 3), many(2, 3)...)...)
	c.load(claim(1, 1000, 9000, "replaces the base"))
	c.rows(2, 0)
	c.ok(c.CopySegment(t.Context(), 1, 0)) // as if pruning had left a row
	c.load(claim(2, 2000, 9000, "replaces the base"))
	c.rows(3, 0)
	c.load(claim(1, 1001, 9000, "replaces the base"))
	c.rows(2, 0)
}

// TestEncryptedDeltasAtRest: no id of a claim is shown by a delta, and no part of one can
// be put in the place of another's.
func TestEncryptedDeltasAtRest(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "ab2d.db")
	c := newClaims(t, func(t *testing.T, now func() time.Time) *store.DB { return openDB(t, address, now) })
	encrypt(t, c.DB, keys(t, "a"))
	c.enroll("A", 1, 2)
	c.load(append(many(1, 40), many(2, 40)...)...)
	gone := claim(1, 1003, 8000, "gone")
	gone.Withheld = true
	other := claim(2, 2003, 8000, "gone")
	other.Withheld = true
	c.load(claim(1, 5001, 9000, "one"), gone, claim(2, 5002, 9000, "two"), other)
	db := rawDB(t, address)
	rows, err := db.QueryContext(t.Context(), `select entries, gone, deflate from delta order by enrollee`)
	c.ok(err)
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var entries, ids, body []byte
		c.ok(rows.Scan(&entries, &ids, &body))
		if entries[0] != 0xE1 || bytes.Contains(entries, []byte("carrier-")) || len(ids) == 0 || bytes.Contains(ids, []byte("carrier-")) || len(body) < 28 {
			t.Errorf("stored: %q, %q", entries, ids)
		}
	}
	if c.ok(rows.Err()); n != 2 {
		t.Fatalf("%d deltas", n)
	}
	c.ok(readError(c, 1))
	for _, part := range []string{"gone", "entries", "deflate"} {
		swap := `update delta set ` + part + ` = (select o.` + part + ` from delta o where o.enrollee = 3 - delta.enrollee)`
		if _, err := db.ExecContext(t.Context(), `create table was as select * from delta; `+swap+` where enrollee = 1`); err != nil {
			t.Fatal(err)
		}
		if err := readError(c, 1); !errors.Is(err, encryption.ErrDamaged) {
			t.Errorf("%s of another: %v", part, err)
		}
		_, err := db.ExecContext(t.Context(), `delete from delta; insert into delta select * from was; drop table was`)
		c.ok(err)
	}
	c.ok(readError(c, 1))
}
