package store

import (
	"path/filepath"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// TestLease_ManyParts: the cost of leasing a part does not grow with the number of the
// job's parts, whether most of them are done or most are not.
func TestLease_ManyParts(t *testing.T) {
	for _, done := range []bool{true, false} {
		few, many := leaseCost(t, 10, done), leaseCost(t, 20_000, done)
		if many > 4*few+time.Millisecond {
			t.Errorf("most are done %t: leasing a part takes %s of 20,000 parts and %s of 10", done, many, few)
		}
	}
}

// leaseCost is the least that leasing takes.
func leaseCost(t *testing.T, n int, done bool) time.Duration {
	t.Helper()
	db := planned(t, n)
	if done {
		if _, err := db.write.ExecContext(t.Context(), `update part set done = 1, progress = enrollees, ledger = zeroblob(2000) where number <= $1`, n-9); err != nil {
			t.Fatal(err)
		}
	}
	least := time.Hour
	for range 9 {
		began := time.Now()
		task, err := db.Lease(t.Context(), "test", "", time.Hour)
		least = min(least, time.Since(began))
		if err == nil {
			err = db.CommitPart(t.Context(), task.Lease, export.PartResult{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return least
}

// TestResults_ManyParts: reading the results of ten times as many parts does not take a
// hundred times as long.
func TestResults_ManyParts(t *testing.T) {
	few, many := resultsCost(t, 300), resultsCost(t, 3000)
	if many > 40*few {
		t.Errorf("reading the results of 3,000 parts takes %s, of 300 %s", many, few)
	}
}

// resultsCost is the least that reading the results of parts with a file each takes.
func resultsCost(t *testing.T, n int) time.Duration {
	t.Helper()
	db := planned(t, n)
	_, err := db.write.ExecContext(t.Context(), `insert into file (job, key, kind, part, ord, count, length, stored, sha256, checksums)
		select job, number, 'data', number, 1, 1, 1, 1, zeroblob(32), zeroblob(500) from part`)
	if err != nil {
		t.Fatal(err)
	}
	least := time.Hour
	for range 3 {
		began, seen := time.Now(), 0
		err := db.Results(t.Context(), "large", func(p export.Part, files []export.File) error {
			if seen++; p.Number != seen || len(files) != 1 || files[0].Part != seen {
				t.Fatalf("part %d has the files %v", p.Number, files)
			}
			return nil
		})
		least = min(least, time.Since(began))
		if err != nil || seen != n {
			t.Fatalf("%d parts, %v; want %d", seen, err, n)
		}
	}
	return least
}

// planned is a store with a job of so many parts.
func planned(t *testing.T, n int) *DB {
	t.Helper()
	ctx := t.Context()
	db, err := Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "ab2d.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	parts := make([]export.Part, n)
	for i := range parts {
		parts[i] = export.Part{Number: i + 1, First: coverage.EnrolleeID(i), Last: coverage.EnrolleeID(i), Enrollees: 1}
	}
	err = db.Accept(ctx, &export.Job{ID: "large", Contract: "Z0000", Version: fhir.V2, TransactionTime: time.Now().UTC(), SinceSource: export.SinceNone}, 1)
	if err != nil {
		t.Fatal(err)
	}
	task, err := db.Lease(ctx, "test", "", time.Hour)
	if err == nil {
		err = db.SavePlan(ctx, task.Lease, "", parts)
	}
	if err != nil {
		t.Fatal(err)
	}
	return db
}
