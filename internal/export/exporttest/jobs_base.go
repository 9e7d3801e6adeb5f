package exporttest

import (
	"errors"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

func jobsBase(b *bench) {
	base := func() string {
		b.Helper()
		j, err := b.Base(b.Context(), "Z0000", fhir.V2)
		if errors.Is(err, export.ErrNoJob) {
			return ""
		}
		b.ok(err)
		return j.ID
	}
	download := func(id string) {
		b.Helper()
		files, err := b.Store.Files(b.Context(), id)
		b.ok(err)
		for i := range files {
			b.deliver(&files[i], export.Delivery{To: files[i].Length, Size: files[i].Length})
		}
	}
	if base() != "" {
		b.Error("there is a base before the first job")
	}
	first := b.complete("Z0000", 2)
	if base() != "" {
		b.Error("a job that was not downloaded is a base")
	}
	files, err := b.Store.Files(b.Context(), first)
	b.ok(err)
	b.deliver(&files[0], export.Delivery{To: 100, Size: 100})
	if base() != "" {
		b.Error("a job that was downloaded in part is a base")
	}
	download(first)
	b.complete("Z0000", 1)           // not downloaded
	download(b.complete("Z0001", 1)) // of another contract
	_, err = b.Delete(b.Context(), first)
	b.ok(err)
	if got := base(); got != first {
		b.Errorf("the base is %q, want %s: the downloaded job, though it was deleted since", got, first)
	}
	if j, err := b.Base(b.Context(), "Z0000", fhir.V1); !errors.Is(err, export.ErrNoJob) {
		b.Errorf("v1 has a base of v2: %v, %v", j, err)
	}
	b.endedAlone(first)
	last := b.complete("Z0000", 1)
	download(last)
	if got := base(); got != last {
		b.Errorf("the base is %q, want the last one", got)
	}
}

// endedAlone checks that a job is found by its transactionTime, its contract and its
// version, and by nothing else.
func (b *bench) endedAlone(id string) {
	b.Helper()
	j, err := b.Store.Job(b.Context(), id)
	b.ok(err)
	if ended, err := b.Ended(b.Context(), "Z0000", fhir.V2, j.TransactionTime); err != nil || ended.ID != id {
		b.Errorf("the job that ended at %v is %v, %v", j.TransactionTime, ended, err)
	}
	for _, q := range []struct {
		contract string
		version  fhir.Version
		after    time.Duration
	}{{"Z0001", fhir.V2, 0}, {"Z0000", fhir.V1, 0}, {"Z0000", fhir.V2, time.Nanosecond * 1e6}} {
		if ended, err := b.Ended(b.Context(), q.contract, q.version, j.TransactionTime.Add(q.after)); !errors.Is(err, export.ErrNoJob) {
			b.Errorf("%+v finds %v, %v", q, ended, err)
		}
	}
}
