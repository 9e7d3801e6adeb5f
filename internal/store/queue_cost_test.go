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
// job's parts.
func TestLease_ManyParts(t *testing.T) {
	few, many := leaseCost(t, 10), leaseCost(t, 8000)
	if many > 8*few+2*time.Millisecond {
		t.Errorf("leasing a part takes %s of 8,000 parts and %s of 10", many, few)
	}
}

// leaseCost is the least that leasing takes when most parts of a job are done.
func leaseCost(t *testing.T, n int) time.Duration {
	t.Helper()
	ctx := t.Context()
	db, err := Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "ab2d.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(db.Accept(ctx, &export.Job{ID: "large", Contract: "Z0000", Version: fhir.V2, TransactionTime: time.Now().UTC(), SinceSource: export.SinceNone}, 1))
	task, err := db.Lease(ctx, "test", "", time.Hour)
	ok(err)
	parts := make([]export.Part, n)
	for i := range parts {
		parts[i] = export.Part{Number: i + 1, First: coverage.EnrolleeID(i), Last: coverage.EnrolleeID(i), Enrollees: 1}
	}
	ok(db.SavePlan(ctx, task.Lease, "", parts))
	_, err = db.write.ExecContext(ctx, `update part set done = 1, progress = enrollees, ledger = zeroblob(2000) where number <= $1`, n-9)
	ok(err)
	least := time.Hour
	for range 9 {
		began := time.Now()
		task, err := db.Lease(ctx, "test", "", time.Hour)
		least = min(least, time.Since(began))
		ok(err)
		ok(db.CommitPart(ctx, task.Lease, export.PartResult{}))
	}
	return least
}
