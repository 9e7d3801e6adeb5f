package store_test

import (
	"errors"
	"testing"
	"time"

	"ab2d/internal/export"
)

// TestPlan_SnapshotReplaced: a plan that was made with claims or an enrollment that
// were replaced before it was stored is not stored. Nothing had pinned what it names,
// so that a part of it is deleted, and an export of the rest would look complete. Found by internal/simulation.
func TestPlan_SnapshotReplaced(t *testing.T) { each(t, testPlanSnapshotReplaced) }

func testPlanSnapshotReplaced(t *testing.T, open opener) {
	for name, replace := range map[string]func(c *claims){
		"claims":     func(c *claims) { c.load(claim(1, 11, 2000, "newer")) },
		"enrollment": func(c *claims) { c.enroll("A", 1, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClaims(t, open)
			c.enroll("A", 1, 2)
			c.load(claim(1, 11, 1000, "old"))
			j := &export.Job{ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Contract: contract, Version: c.version, State: export.Accepted, TransactionTime: c.clock.Now()}
			c.ok(c.Accept(t.Context(), j, 1))
			task, err := c.Lease(t.Context(), "w", "test:", time.Minute)
			c.ok(err)
			before, parts := c.snapshot(), []export.Part{{Number: 1, First: 1, Last: 2, Enrollees: 2}}
			replace(c)
			if err := c.SavePlan(t.Context(), task.Lease, before, parts); !errors.Is(err, export.ErrNoSnapshot) {
				t.Fatalf("the plan with %s was stored after it became %s: %v", before, c.snapshot(), err)
			}
			c.ok(c.SavePlan(t.Context(), task.Lease, c.snapshot(), parts))
		})
	}
}
