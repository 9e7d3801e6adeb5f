package exporttest

import (
	"errors"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
)

func queueExpiry(b *bench) {
	id := b.complete("Z0000", 1)
	b.clock.Add(72*time.Hour - time.Millisecond)
	b.noWork()
	b.state(id, export.Completed)
	b.clock.Add(time.Millisecond)
	b.ok(b.Swept(b.Context(), b.lease(export.StepSweep).Lease))
	b.state(id, export.Expired)
	files, err := b.Store.Files(b.Context(), id)
	b.ok(err)
	if len(files) != 0 {
		b.Errorf("an expired job has files: %v", files)
	}
	b.noWork()
}

func queueSweepWaits(b *bench) {
	j := b.accept("Z0000")
	b.plan(1)
	t := b.lease(export.StepPart)
	_, err := b.Delete(b.Context(), j.ID)
	b.ok(err)
	b.noWork() // the part may still be written
	b.ok(b.Release(b.Context(), t.Lease, nil))
	b.lease(export.StepSweep)
}

func queueSweepAgain(b *bench) {
	j := b.accept("Z0000")
	b.plan(1)
	b.commit(b.lease(export.StepPart))
	b.finish()
	t := b.lease(export.StepSweep)
	_, err := b.Delete(b.Context(), j.ID)
	b.ok(err)
	b.lost(b.Swept(b.Context(), t.Lease))
	b.ok(b.Swept(b.Context(), b.lease(export.StepSweep).Lease))
	b.noWork()
}

func queueLedgers(b *bench) {
	id := b.complete("Z0000", 5)
	for _, c := range []struct {
		first, last coverage.EnrolleeID
		want        []int
	}{{1, 5, []int{1, 2, 3, 4, 5}}, {2, 3, []int{2, 3}}, {-9, 1, []int{1}}, {5, 99, []int{5}}, {6, 99, nil}} {
		parts, err := b.Ledgers(b.Context(), id, c.first, c.last)
		b.ok(err)
		var got []int
		for _, p := range parts {
			got = append(got, p.Number)
			if len(p.Ledger) == 0 {
				b.Errorf("part %d has no ledger", p.Number)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			b.Errorf("enrollees %d to %d: %s", c.first, c.last, diff)
		}
	}
}

// queueSource: each step of a job is leased by workers with the job's source
// only. The others leave it alone, and can tell.
func queueSource(b *bench) {
	j := b.job("Z0000")
	j.Source = "synthetic:seed=1"
	b.ok(b.Store.Accept(b.Context(), j, 1))
	step := func(want export.Step) *export.Task {
		b.Helper()
		if t, err := b.Lease(b.Context(), "worker", "synthetic:seed=2", ttl); !errors.Is(err, export.ErrNoWork) {
			b.Fatalf("another source leased %+v, %v", t, err)
		}
		t, err := b.Lease(b.Context(), "worker", "synthetic:seed=1", ttl)
		b.ok(err)
		if t.Lease.Step != want || t.Job.Source != j.Source {
			b.Fatalf("leased %s of a job with source %q, want %s", t.Lease.Step, t.Job.Source, want)
		}
		return t
	}
	others := func(source string, want map[string]string) {
		b.Helper()
		got, err := b.OtherSources(b.Context(), source, 10)
		b.ok(err)
		if diff := cmp.Diff(want, got); diff != "" {
			b.Error(diff)
		}
	}
	others("synthetic:seed=2", map[string]string{j.ID: "synthetic:seed=1"})
	others("synthetic:seed=1", map[string]string{})
	plan := step(export.StepPlan)
	b.ok(b.SavePlan(b.Context(), plan.Lease, "snapshot", []export.Part{{Number: 1, First: 1, Last: 1, Enrollees: 1}}))
	part := step(export.StepPart)
	b.ok(b.CommitPart(b.Context(), part.Lease, result(part, export.Entry{Enrollee: 1, Outcome: export.NoClaims})))
	finish := step(export.StepFinish)
	b.ok(b.Finish(b.Context(), finish.Lease, nil, export.Totals{NoClaims: 1}, b.clock.Now().Add(time.Hour)))
	others("synthetic:seed=2", map[string]string{})
}

// queuePatients: the patients of a job are there until it was swept, and the members
// of a part are leased with it.
func queuePatients(b *bench) {
	j := b.job("Z0000")
	j.Patients, j.PatientsHash = []coverage.EnrolleeID{-3, 2, 1 << 40}, "hash"
	b.ok(b.Store.Accept(b.Context(), j, 1))
	patients := func(want ...coverage.EnrolleeID) {
		b.Helper()
		got, err := b.Patients(b.Context(), j.ID)
		b.ok(err)
		if !slices.Equal(got, want) {
			b.Errorf("the patients are %v, want %v", got, want)
		}
	}
	patients(j.Patients...)
	t := b.lease(export.StepPlan)
	if t.Job.PatientsHash != "hash" || t.Job.Patients != nil {
		b.Errorf("leased %+v", t.Job)
	}
	members := []coverage.EnrolleeID{-3, 1 << 40}
	b.ok(b.SavePlan(b.Context(), t.Lease, "snapshot", []export.Part{{Number: 1, First: 1, Last: 9, Enrollees: 2, Members: members}}))
	part := b.lease(export.StepPart)
	if !slices.Equal(part.Part.Members, members) {
		b.Errorf("the part has %v, want %v", part.Part.Members, members)
	}
	b.commit(part)
	patients(j.Patients...)
	b.finish()
	b.ok(b.Swept(b.Context(), b.lease(export.StepSweep).Lease))
	patients()
}

// queuePartial: the files of a job with partial manifests have their numbers and can be
// downloaded as soon as all parts before theirs are done, and what was downloaded before
// the end counts.
func queuePartial(b *bench) {
	j := b.job("Z0000")
	j.Partial = true
	b.ok(b.Accept(b.Context(), j, 1))
	b.plan(4)
	var tasks []*export.Task
	for range 4 {
		tasks = append(tasks, b.lease(export.StepPart))
	}
	ready := func(done int, want ...int) {
		b.Helper()
		b.commit(tasks[done-1])
		if got := b.state(j.ID, export.Running); !got.Partial || got.ReadyFiles != len(want) {
			b.Errorf("after part %d there are %d files ready, want %d", done, got.ReadyFiles, len(want))
		}
		for n := 1; n <= 4; n++ {
			f, err := b.File(b.Context(), j.ID, export.FileName("Z0000", export.Data, n))
			switch {
			case n > len(want) && !errors.Is(err, export.ErrNoFile):
				b.Errorf("after part %d file %d: %v, want ErrNoFile", done, n, err)
			case n <= len(want) && (err != nil || f.Part != want[n-1] || f.Number != n):
				b.Errorf("after part %d file %d is %+v, %v", done, n, f, err)
			}
		}
	}
	download := func(n int) {
		b.Helper()
		f, err := b.File(b.Context(), j.ID, export.FileName("Z0000", export.Data, n))
		b.ok(err)
		b.deliver(f, export.Delivery{Gzip: true, To: 50, Size: 50})
	}
	ready(2)
	ready(1, 1, 2)
	download(1)
	download(2) // all that there are
	ready(4, 1, 2)
	ready(3, 1, 2, 3, 4)
	download(3)
	if _, err := b.Base(b.Context(), "Z0000", j.Version); !errors.Is(err, export.ErrNoJob) {
		b.Errorf("a running job is a base: %v", err)
	}
	b.finish()
	if _, err := b.Base(b.Context(), "Z0000", j.Version); !errors.Is(err, export.ErrNoJob) {
		b.Errorf("a job with a file that was not downloaded is a base: %v", err)
	}
	download(4)
	if base, err := b.Base(b.Context(), "Z0000", j.Version); err != nil || base.ID != j.ID || base.ReadyFiles != 4 {
		b.Errorf("the base is %+v, %v", base, err)
	}
}
