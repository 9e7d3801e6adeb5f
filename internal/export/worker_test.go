package export

import (
	"fmt"
	"testing"
)

// TestFailure_NoSnapshot: a snapshot that is not kept any more ends a job whose parts
// were planned with it. A plan takes another, and a sweep needs none.
func TestFailure_NoSnapshot(t *testing.T) {
	w := &Worker{Settings: DefaultSettings()}
	for step, final := range map[Step]bool{StepPlan: false, StepPart: true, StepFinish: true, StepSweep: false} {
		f := w.failure(&Task{Lease: Lease{Step: step}}, fmt.Errorf("read: %w", ErrNoSnapshot))
		if (f.Reason != "") != final {
			t.Errorf("%s: reason %q, want one: %v", step, f.Reason, final)
		}
	}
}
