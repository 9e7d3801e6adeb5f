package exporttest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// Store is what keeps jobs for both sides.
type Store interface {
	export.Jobs
	export.Queue
	export.Ledgers
	export.Deliveries
	export.PinnedJobs
}

// Open gives an empty store that lives by the clock.
type Open func(t *testing.T, now func() time.Time) Store

// bench is a store under test.
type bench struct {
	*testing.T
	Store
	clock *Clock
}

func run(t *testing.T, open Open, tests map[string]func(*bench)) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			clock := NewClock()
			test(&bench{T: t, Store: open(t, clock.Now), clock: clock})
		})
	}
}

// RunJobs runs the suite for export.Jobs.
func RunJobs(t *testing.T, open Open) {
	run(t, open, map[string]func(*bench){
		"a job is read as it was accepted":           jobsRoundTrip,
		"a contract has no more jobs than its limit": jobsLimit,
		"the limit holds against requests at once":   jobsLimitAtOnce,
		"each job has its own transactionTime":       jobsTransactionTime,
		"jobs ahead":                                 jobsAhead,
		"delete":                                     jobsDelete,
		"files and deliveries":                       jobsDeliveries,
		"a delivery is reserved":                     jobsDeliveryLimit,
		"deliveries at once":                         jobsDeliveriesAtOnce,
		"damaged files":                              jobsDamagedFiles,
		"the base of the next job":                   jobsBase,
	})
}

func (b *bench) job(contract string) *export.Job {
	return &export.Job{ID: uuid.NewString(), Contract: contract, Client: "client", Version: fhir.V2, Request: "http://h/api/v2/fhir/Patient/$export?_type=ExplanationOfBenefit",
		SinceSource: export.SinceNone, Continuous: true, TransactionTime: b.clock.Now(), State: export.Accepted}
}

func (b *bench) accept(contract string) *export.Job {
	b.Helper()
	b.clock.Add(time.Second)
	j := b.job(contract)
	b.ok(b.Store.Accept(b.Context(), j, 100))
	return j
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) state(id string, want export.State) *export.Job {
	b.Helper()
	j, err := b.Job(b.Context(), id)
	b.ok(err)
	if j.State != want {
		b.Fatalf("the job is %s, want %s", j.State, want)
	}
	return j
}

func jobsRoundTrip(b *bench) {
	j := b.job("Z0000")
	j.Since, j.SinceSource, j.Until = b.clock.Now().Add(-time.Hour), export.SinceUser, b.clock.Now().Add(-time.Minute)
	j.ServiceDates = []coverage.ServiceDates{coverage.AnyServiceDates(), {StartFrom: 1, StartTo: 2, EndFrom: 3, EndTo: 4}}
	j.Notes, j.Continuous, j.Base = []string{"a note with \"quotes\""}, false, "another job"
	j.Elements = []string{"id", "meta"}
	b.ok(b.Store.Accept(b.Context(), j, 1))
	got, err := b.Job(b.Context(), j.ID)
	b.ok(err)
	if diff := cmp.Diff(j, got); diff != "" {
		b.Error(diff)
	}
	if _, err := b.Job(b.Context(), uuid.NewString()); !errors.Is(err, export.ErrNoJob) {
		b.Errorf("an unknown job: %v, want ErrNoJob", err)
	}
}

func jobsLimit(b *bench) {
	first := b.job("Z0000")
	b.ok(b.Store.Accept(b.Context(), first, 1))
	var busy *export.JobLimitError
	if err := b.Store.Accept(b.Context(), b.job("Z0000"), 1); !errors.As(err, &busy) {
		b.Fatalf("got %v, want *JobLimitError", err)
	}
	if diff := cmp.Diff([]export.RunningJob{{ID: first.ID, Version: first.Version}}, busy.Running); diff != "" {
		b.Error(diff)
	}
	b.ok(b.Store.Accept(b.Context(), b.job("Z0001"), 1)) // another contract
	_, err := b.Delete(b.Context(), first.ID)
	b.ok(err)
	b.ok(b.Store.Accept(b.Context(), b.job("Z0000"), 1))
}

// jobsTransactionTime: a _since names the job that it continues from by its
// transactionTime alone, so that two jobs of a contract that were asked for in the same
// millisecond have different ones.
func jobsTransactionTime(b *bench) {
	at := b.clock.Now()
	seen := map[time.Time]string{}
	for range 3 {
		j := b.job("Z0000")
		b.ok(b.Store.Accept(b.Context(), j, 10))
		if other := seen[j.TransactionTime]; other != "" {
			b.Errorf("jobs %s and %s both have the transactionTime %s", other, j.ID, j.TransactionTime)
		}
		seen[j.TransactionTime] = j.ID
		if got, err := b.Job(b.Context(), j.ID); err != nil || !got.TransactionTime.Equal(j.TransactionTime) {
			b.Errorf("stored %v, %v; want %s", got, err, j.TransactionTime)
		}
	}
	other := b.job("Z0001")
	b.ok(b.Store.Accept(b.Context(), other, 10))
	if !other.TransactionTime.Equal(at) {
		b.Errorf("another contract's job has %s, want %s", other.TransactionTime, at)
	}
}

func jobsLimitAtOnce(b *bench) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted := 0
	for range 20 {
		j := b.job("Z0000")
		wg.Go(func() {
			if err := b.Store.Accept(b.Context(), j, 3); err == nil {
				mu.Lock()
				accepted++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if accepted != 3 {
		b.Errorf("%d of 20 requests at once were accepted, want 3", accepted)
	}
}

func jobsAhead(b *bench) {
	var ids []string
	for range 3 {
		b.accept("Z0001") // of another contract, which is nobody's business
		ids = append(ids, b.accept("Z0000").ID)
	}
	for want, id := range ids {
		if n, err := b.Ahead(b.Context(), id); err != nil || n != want {
			b.Errorf("job %d has %d ahead, %v", want, n, err)
		}
	}
	_, err := b.Delete(b.Context(), ids[0])
	b.ok(err)
	if n, err := b.Ahead(b.Context(), ids[2]); err != nil || n != 1 {
		b.Errorf("after a cancel there are %d ahead, %v; want 1", n, err)
	}
}

func jobsDelete(b *bench) {
	id := b.accept("Z0000").ID
	for want := range 2 {
		moved, err := b.Delete(b.Context(), id)
		b.ok(err)
		if moved != (want == 0) {
			b.Errorf("call %d of Delete moved the job: %v", want+1, moved)
		}
	}
	b.state(id, export.Canceled)
	done := b.complete("Z0000", 1)
	moved, err := b.Delete(b.Context(), done)
	b.ok(err)
	if !moved {
		b.Error("a completed job was not deleted")
	}
	files, err := b.Store.Files(b.Context(), done)
	b.ok(err)
	if len(files) != 0 {
		b.Errorf("a deleted job has files: %v", files)
	}
	if moved, err := b.Delete(b.Context(), uuid.NewString()); err != nil || moved {
		b.Errorf("deleting an unknown job: %v, %v", moved, err)
	}
}

func jobsDeliveries(b *bench) {
	id := b.complete("Z0000", 2)
	files, err := b.Store.Files(b.Context(), id)
	b.ok(err)
	if len(files) != 2 || files[0].Name != "Z0000_0001.ndjson" || files[1].Name != "Z0000_0002.ndjson" {
		b.Fatalf("the files are %+v", files)
	}
	f, err := b.File(b.Context(), id, files[1].Name)
	b.ok(err)
	if diff := cmp.Diff(files[1], *f); diff != "" {
		b.Error(diff)
	}
	if _, err := b.File(b.Context(), id, "../"+files[1].Name); !errors.Is(err, export.ErrNoFile) {
		b.Errorf("an unknown file: %v, want ErrNoFile", err)
	}
	for _, d := range []struct {
		export.Delivery
		want int
	}{
		{export.Delivery{Gzip: true, From: 0, To: 40, Size: 50}, 0},
		{export.Delivery{Gzip: true, From: 45, To: 50, Size: 50}, 0}, // 40 to 45 are missing
		{export.Delivery{Gzip: false, From: 40, To: 100, Size: 100}, 0},
		{export.Delivery{Gzip: true, From: 40, To: 45, Size: 50}, 1}, // the last that were missing
		{export.Delivery{Gzip: true, From: 40, To: 50, Size: 50}, 1}, // begins anew
		{export.Delivery{Gzip: false, From: 0, To: 40, Size: 100}, 2},
		{export.Delivery{Gzip: false, From: 0, To: 100, Size: 100}, 3},
	} {
		b.deliver(f, d.Delivery)
		got, err := b.File(b.Context(), id, f.Name)
		b.ok(err)
		if got.Downloads != d.want {
			b.Errorf("after %+v there are %d downloads, want %d", d.Delivery, got.Downloads, d.want)
		}
	}
}

// manyDownloads is a limit that no test reaches.
const manyDownloads = 1000

// deliver delivers bytes of a file.
func (b *bench) deliver(f *export.File, d export.Delivery) {
	b.Helper()
	delivery, err := b.BeginDelivery(b.Context(), f, d, manyDownloads, time.Minute)
	b.ok(err)
	b.ok(b.EndDelivery(b.Context(), delivery, f, d))
}

// jobsDeliveryLimit: reservations hold the limit while requests are being
// answered, come back when a delivery breaks off, and lapse with their process.
func jobsDeliveryLimit(b *bench) {
	id := b.complete("Z0000", 1)
	files, err := b.Store.Files(b.Context(), id)
	b.ok(err)
	f := &files[0]
	whole := export.Delivery{To: 100, Size: 100}
	begin := func(d export.Delivery, want error) string {
		b.Helper()
		delivery, err := b.BeginDelivery(b.Context(), f, d, 1, time.Minute)
		if !errors.Is(err, want) {
			b.Errorf("begin %+v: %v, want %v", d, err, want)
		}
		return delivery
	}
	first := begin(whole, nil)
	begin(whole, export.ErrDownloading)
	begin(export.Delivery{Gzip: true, To: 50, Size: 50}, export.ErrDownloading)
	half := begin(export.Delivery{From: 50, To: 100, Size: 100}, nil) // does not make another whole
	begin(export.Delivery{From: 0, To: 50, Size: 100}, export.ErrDownloading)
	b.ok(b.EndDelivery(b.Context(), first, f, export.Delivery{To: 30, Size: 100})) // broke off
	b.ok(b.EndDelivery(b.Context(), half, f, export.Delivery{From: 50, To: 50, Size: 100}))
	begin(whole, nil) // and its process dies
	begin(whole, export.ErrDownloading)
	b.clock.Add(40 * time.Second)
	begin(whole, export.ErrDownloading)
	b.clock.Add(21 * time.Second)
	last := begin(whole, nil)
	b.ok(b.ExtendDelivery(b.Context(), last, 5*time.Minute))
	b.clock.Add(2 * time.Minute)
	begin(whole, export.ErrDownloading)
	b.ok(b.EndDelivery(b.Context(), last, f, whole))
	begin(export.Delivery{To: 1, Size: 100}, export.ErrDownloadLimit)
	if got, err := b.File(b.Context(), id, f.Name); err != nil || got.Downloads != 1 {
		b.Errorf("%+v, %v", got, err)
	}
}

// jobsDeliveriesAtOnce: of many requests at the same time one gets the file.
func jobsDeliveriesAtOnce(b *bench) {
	id := b.complete("Z0000", 1)
	files, err := b.Store.Files(b.Context(), id)
	b.ok(err)
	var began atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := b.BeginDelivery(b.Context(), &files[0], export.Delivery{To: 100, Size: 100}, 1, time.Minute)
			if err == nil {
				began.Add(1)
			} else if !errors.Is(err, export.ErrDownloading) {
				b.Error(err)
			}
		})
	}
	all.Wait()
	if began.Load() != 1 {
		b.Errorf("%d requests began a delivery, want 1", began.Load())
	}
}

// jobsDamagedFiles: a mark stays until it is taken away.
func jobsDamagedFiles(b *bench) {
	id := b.complete("Z0000", 1)
	files, err := b.Store.Files(b.Context(), id)
	b.ok(err)
	for _, damaged := range []bool{true, true, false} {
		b.ok(b.MarkDamaged(b.Context(), &files[0], damaged))
		got, err := b.File(b.Context(), id, files[0].Name)
		b.ok(err)
		if got.Damaged != damaged {
			b.Errorf("damaged is %t, want %t", got.Damaged, damaged)
		}
	}
}
