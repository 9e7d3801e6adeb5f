package store_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/store"
	"ab2d/internal/testserver"
)

// TestAttach: leases are free at once for a process that is the only one on its
// database, and for no other.
func TestAttach(t *testing.T) {
	clock := exporttest.NewClock()
	for _, tt := range []struct {
		name, address string
		alive         bool // the process that has the lease
		want          bool // the next one can lease at once
	}{
		{"dead", "sqlite:" + filepath.Join(t.TempDir(), "dead.db"), false, true},
		{"alive", "sqlite:" + filepath.Join(t.TempDir(), "alive.db"), true, false},
		{"postgres", testserver.Postgres(t), false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first, err := store.Open(t.Context(), tt.address, clock.Now)
			if err != nil {
				t.Fatal(err)
			}
			defer first.Close()
			attachAndLease(t, first, true)
			if !tt.alive {
				if err := first.Close(); err != nil { // the system does it for a killed one
					t.Fatal(err)
				}
			}
			attachAndLease(t, openDB(t, tt.address, clock.Now), tt.want)
		})
	}
}

// attachAndLease attaches and leases the step of the database's job, which it
// accepts if there is none.
func attachAndLease(t *testing.T, db *store.DB, want bool) {
	t.Helper()
	if err := db.Attach(t.Context()); err != nil {
		t.Fatal(err)
	}
	j := &export.Job{ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Contract: contract, State: export.Accepted, TransactionTime: db.Now()}
	if err := db.Accept(t.Context(), j, 1); err != nil && !errors.As(err, new(*export.JobLimitError)) {
		t.Fatal(err)
	}
	_, err := db.Lease(t.Context(), "w", "test:", 15*time.Second)
	if got := err == nil; got != want || err != nil && !errors.Is(err, export.ErrNoWork) {
		t.Errorf("leased: %v, %v; want %v", got, err, want)
	}
}
