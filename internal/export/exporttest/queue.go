package exporttest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
)

// RunQueue runs the suite for export.Queue.
func RunQueue(t *testing.T, open Open) {
	run(t, open, map[string]func(*bench){
		"a job goes its way":                         queueWay,
		"a job without enrollees goes to its end":    queueEmpty,
		"each part is leased once":                   queueLeaseOnce,
		"a lapsed lease is free, and its holder out": queueLapse,
		"an extended lease is not free":              queueExtend,
		"a canceled job stops its workers":           queueCancel,
		"a fault pauses a step":                      queueFault,
		"the last fault fails the job":               queueFail,
		"a step handed back is as new":               queueHandBack,
		"the job with the fewest parts goes first":   queueFair,
		"progress never goes back":                   queueProgress,
		"expiry":                                     queueExpiry,
		"a sweep waits for the last writer":          queueSweepWaits,
		"a delete during the sweep is swept again":   queueSweepAgain,
		"ledgers of a range":                         queueLedgers,
		"a job is done by workers with its source":   queueSource,
		"a job of some patients":                     queuePatients,
		"files are ready part by part":               queuePartial,
	})
}

const ttl = 15 * time.Second

// lease leases a step. Sweeps that are due come in between at any time; they
// are done when another step is wanted.
func (b *bench) lease(want export.Step) *export.Task {
	b.Helper()
	t, err := b.Lease(b.Context(), "worker", "test:", ttl)
	for err == nil && t.Lease.Step == export.StepSweep && want != export.StepSweep {
		b.ok(b.Swept(b.Context(), t.Lease))
		t, err = b.Lease(b.Context(), "worker", "test:", ttl)
	}
	if err != nil || t.Lease.Step != want {
		b.Fatalf("leased %+v, %v; want step %s", t, err, want)
	}
	return t
}

func (b *bench) noWork() {
	b.Helper()
	if t, err := b.Lease(b.Context(), "worker", "test:", ttl); !errors.Is(err, export.ErrNoWork) {
		b.Fatalf("leased %+v, %v; want ErrNoWork", t, err)
	}
}

func (b *bench) lost(err error) {
	b.Helper()
	if !errors.Is(err, export.ErrLeaseLost) {
		b.Fatalf("got %v, want ErrLeaseLost", err)
	}
}

// plan leases and plans a job with n parts of one enrollee each.
func (b *bench) plan(n int) *export.Task {
	b.Helper()
	t := b.lease(export.StepPlan)
	var parts []export.Part
	for i := range n {
		id := coverage.EnrolleeID(i + 1)
		parts = append(parts, export.Part{Number: i + 1, First: id, Last: id, Enrollees: 1})
	}
	b.ok(b.SavePlan(b.Context(), t.Lease, "snapshot", parts))
	return t
}

func result(t *export.Task, e export.Entry) export.PartResult {
	var r export.PartResult
	r.Ledger.Record(e)
	r.Files = []export.File{{Job: t.Lease.Job, Kind: export.Data, Part: t.Part.Number,
		Key:   fmt.Sprintf("%s/%d-%d", t.Lease.Job, t.Part.Number, t.Lease.Fence),
		Count: e.Claims, Length: 100, Stored: 50, SHA256: []byte{byte(t.Part.Number)}}}
	return r
}

func (b *bench) commit(t *export.Task) {
	b.Helper()
	b.ok(b.CommitPart(b.Context(), t.Lease, result(t, export.Entry{Enrollee: t.Part.First, Outcome: export.Delivered, Claims: 3})))
}

// complete brings a job with n parts to its end and sweeps it.
func (b *bench) complete(contract string, n int) string {
	b.Helper()
	return b.completeWith(contract, n, export.Entry{Enrollee: 1, Outcome: export.Delivered, Claims: 3})
}

func (b *bench) completeWith(contract string, n int, e export.Entry) string {
	b.Helper()
	id := b.accept(contract).ID
	b.plan(n)
	for range n {
		t := b.lease(export.StepPart)
		b.ok(b.CommitPart(b.Context(), t.Lease, result(t, e)))
	}
	b.finish()
	b.ok(b.Swept(b.Context(), b.lease(export.StepSweep).Lease))
	return id
}

func (b *bench) finish() *export.Task {
	b.Helper()
	t := b.lease(export.StepFinish)
	var files []export.File
	var totals export.Totals
	b.ok(b.Results(b.Context(), t.Job.ID, func(p export.Part, fs []export.File) error {
		totals.Add(p.Totals)
		for _, f := range fs {
			f.Number = len(files) + 1
			f.Name = export.FileName(t.Job.Contract, f.Kind, f.Number)
			files = append(files, f)
		}
		return nil
	}))
	b.ok(b.Finish(b.Context(), t.Lease, files, totals, b.clock.Now().Add(72*time.Hour)))
	return t
}

func queueWay(b *bench) {
	b.noWork()
	j := b.accept("Z0000")
	b.plan(2)
	if got := b.state(j.ID, export.Running); got.Expected != 2 || got.Parts != 2 || got.Snapshot != "snapshot" || !got.Started.Equal(b.clock.Now()) {
		b.Errorf("planned: %+v", got)
	}
	one, two := b.lease(export.StepPart), b.lease(export.StepPart)
	if one.Part.Number != 1 || two.Part.Number != 2 || one.Part.First != 1 || one.Job.Snapshot != "snapshot" {
		b.Errorf("leased %+v and %+v", one, two)
	}
	b.noWork()
	b.commit(two)
	b.lost(b.CommitPart(b.Context(), two.Lease, export.PartResult{})) // only once
	b.commit(one)
	b.finish()
	got := b.state(j.ID, export.Completed)
	if got.Percent() != 100 || got.Totals.Claims != 6 || got.Totals.Delivered != 2 || !got.Expires.Equal(b.clock.Now().Add(72*time.Hour)) {
		b.Errorf("completed: %+v", got)
	}
	files, err := b.Store.Files(b.Context(), j.ID)
	b.ok(err)
	if len(files) != 2 || files[0].Part != 1 || files[1].Part != 2 {
		b.Errorf("files out of order: %+v", files)
	}
	b.ok(b.Swept(b.Context(), b.lease(export.StepSweep).Lease))
	b.noWork()
}

func queueEmpty(b *bench) {
	j := b.accept("Z0000")
	b.plan(0)
	b.finish()
	b.state(j.ID, export.Completed)
}

func queueLeaseOnce(b *bench) {
	const parts = 40
	b.accept("Z0000")
	b.plan(parts)
	var mu sync.Mutex
	seen := map[int]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				t, err := b.Lease(b.Context(), "worker", "test:", ttl)
				if errors.Is(err, export.ErrNoWork) {
					return
				}
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				seen[t.Part.Number]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for n := 1; n <= parts; n++ {
		if seen[n] != 1 {
			b.Errorf("part %d was leased %d times", n, seen[n])
		}
	}
}

func queueLapse(b *bench) {
	j := b.accept("Z0000")
	old := b.lease(export.StepPlan)
	b.noWork()
	b.clock.Add(ttl)
	b.plan(1)
	b.lost(b.SavePlan(b.Context(), old.Lease, "late", nil))
	zombie := b.lease(export.StepPart)
	b.clock.Add(ttl)
	heir := b.lease(export.StepPart)
	if heir.Lease.Fence <= zombie.Lease.Fence {
		b.Errorf("the fence did not go up: %d, then %d", zombie.Lease.Fence, heir.Lease.Fence)
	}
	b.lost(b.Extend(b.Context(), zombie.Lease, ttl, 1))
	b.lost(b.CommitPart(b.Context(), zombie.Lease, result(zombie, export.Entry{Enrollee: 1, Outcome: export.Delivered, Claims: 3})))
	b.ok(b.Release(b.Context(), zombie.Lease, nil)) // frees nothing
	b.noWork()
	b.commit(heir)
	late := b.lease(export.StepFinish)
	b.clock.Add(ttl)
	b.finish()
	b.lost(b.Finish(b.Context(), late.Lease, nil, export.Totals{}, b.clock.Now()))
	files, err := b.Store.Files(b.Context(), j.ID)
	b.ok(err)
	if len(files) != 1 || files[0].Key != result(heir, export.Entry{}).Files[0].Key {
		b.Errorf("the files are %+v, want the heir's", files)
	}
}

func queueExtend(b *bench) {
	b.accept("Z0000")
	b.plan(1)
	t := b.lease(export.StepPart)
	for range 5 {
		b.clock.Add(ttl - time.Second)
		b.ok(b.Extend(b.Context(), t.Lease, ttl, 0))
	}
	b.noWork()
	b.commit(t)
	f := b.lease(export.StepFinish)
	b.clock.Add(ttl - time.Second)
	b.ok(b.Extend(b.Context(), f.Lease, ttl, 0))
	b.clock.Add(ttl - time.Second)
	b.noWork()
}

func queueCancel(b *bench) {
	j := b.accept("Z0000")
	b.plan(2)
	t := b.lease(export.StepPart)
	_, err := b.Delete(b.Context(), j.ID)
	b.ok(err)
	b.lost(b.Extend(b.Context(), t.Lease, ttl, 1))
	b.lost(b.CommitPart(b.Context(), t.Lease, result(t, export.Entry{Enrollee: 1, Outcome: export.Delivered, Claims: 3})))
	b.ok(b.Release(b.Context(), t.Lease, &export.StepFailure{Reason: "late"}))
	b.state(j.ID, export.Canceled)

	j = b.accept("Z0001")
	p := b.lease(export.StepPlan)
	_, err = b.Delete(b.Context(), j.ID)
	b.ok(err)
	b.lost(b.SavePlan(b.Context(), p.Lease, "late", nil))
	b.state(j.ID, export.Canceled)
}

func queueFault(b *bench) {
	j := b.accept("Z0000")
	t := b.lease(export.StepPlan)
	b.ok(b.Release(b.Context(), t.Lease, &export.StepFailure{Text: "no database", Pause: time.Minute}))
	b.noWork()
	b.clock.Add(time.Minute)
	if t = b.lease(export.StepPlan); t.Failures != 1 {
		b.Errorf("%d failures, want 1", t.Failures)
	}
	b.state(j.ID, export.Accepted)
	b.clock.Add(ttl)
	b.plan(1)
	part := b.lease(export.StepPart)
	b.ok(b.Release(b.Context(), part.Lease, &export.StepFailure{Text: "no claims", Pause: time.Second}))
	b.noWork()
	b.clock.Add(time.Second)
	if part = b.lease(export.StepPart); part.Failures != 1 {
		b.Errorf("%d failures, want 1", part.Failures)
	}
}

func queueFail(b *bench) {
	for _, step := range []export.Step{export.StepPlan, export.StepPart, export.StepFinish} {
		j := b.accept("Z0000")
		if step != export.StepPlan {
			b.plan(1)
		}
		if step == export.StepFinish {
			b.commit(b.lease(export.StepPart))
		}
		t := b.lease(step)
		b.ok(b.Release(b.Context(), t.Lease, &export.StepFailure{Text: "internal", Reason: "try again"}))
		if got := b.state(j.ID, export.Failed); got.Reason != "try again" {
			b.Errorf("the reason is %q", got.Reason)
		}
		b.ok(b.Swept(b.Context(), b.lease(export.StepSweep).Lease))
		b.noWork()
	}
}

func queueHandBack(b *bench) {
	b.accept("Z0000")
	t := b.lease(export.StepPlan)
	b.ok(b.Release(b.Context(), t.Lease, nil))
	b.lost(b.Extend(b.Context(), t.Lease, ttl, 0))
	if t = b.lease(export.StepPlan); t.Failures != 0 {
		b.Errorf("%d failures, want none", t.Failures)
	}
}

func queueFair(b *bench) {
	large := b.accept("Z0000")
	b.plan(10)
	for range 4 {
		b.lease(export.StepPart)
	}
	small := b.accept("Z0001")
	b.plan(2)
	var got []string
	for range 4 {
		got = append(got, b.lease(export.StepPart).Job.ID)
	}
	if diff := cmp.Diff([]string{small.ID, small.ID, large.ID, large.ID}, got); diff != "" {
		b.Error(diff)
	}
}

func queueProgress(b *bench) {
	j := b.accept("Z0000")
	t := b.lease(export.StepPlan)
	b.ok(b.SavePlan(b.Context(), t.Lease, "s", []export.Part{{Number: 1, First: 1, Last: 100, Enrollees: 100}, {Number: 2, First: 101, Last: 200, Enrollees: 100}}))
	percent := func(want int) {
		b.Helper()
		if got := b.state(j.ID, export.Running).Percent(); got != want {
			b.Errorf("%d%%, want %d%%", got, want)
		}
	}
	percent(0)
	t = b.lease(export.StepPart)
	b.ok(b.Extend(b.Context(), t.Lease, ttl, 60))
	percent(30)
	b.clock.Add(ttl)
	t = b.lease(export.StepPart)
	b.ok(b.Extend(b.Context(), t.Lease, ttl, 10)) // another worker begins anew
	percent(30)
	b.commit(t)
	percent(50)
	b.commit(b.lease(export.StepPart))
	percent(99) // all parts are done, but the job is not
}
