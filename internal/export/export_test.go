package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/fhir"
)

func TestExportDeliversEveryEnrolleeInOrder(t *testing.T) {
	for _, workers := range []int{1, 4} {
		e := newEngine(t, exporttest.NewSource("Z0000", 95))
		e.source.Enrollees["Z0000"][6].OptedOut = true
		e.source.Enrollees["Z0000"][7].MBIs = nil
		j := e.run(e.accept(), workers)
		if j.State != export.Completed {
			t.Fatalf("the job is %s: %s", j.State, j.Reason)
		}
		want := e.source.Expected("Z0000")
		if got := e.content(j.ID, export.Data); got != want {
			t.Errorf("with %d workers the files hold\n%s\nwant\n%s", workers, got, want)
		}
		totals := export.Totals{Delivered: 74, NoClaims: 19, OptedOut: 1, NoIdentifier: 1, Claims: int64(strings.Count(want, "\n"))}
		if j.Totals != totals {
			t.Errorf("totals %+v, want %+v", j.Totals, totals)
		}
		if e.source.Reads(7) != 0 || e.source.Reads(8) != 0 {
			t.Error("claims of an enrollee who is not to be delivered were read")
		}
	}
}

func TestExportIsTheSameEveryTime(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 50))
	v1 := func(r *export.Request) { r.Version = fhir.V1 }
	one, two := e.run(e.accept(v1), 1), e.run(e.accept(v1), 3)
	a, err := e.db.Files(t.Context(), one.ID)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.db.Files(t.Context(), two.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != len(b) || len(a) != 5 {
		t.Fatalf("%d files, then %d; want 5", len(a), len(b))
	}
	for i := range a {
		if a[i].Name != b[i].Name || !bytes.Equal(a[i].SHA256, b[i].SHA256) || !bytes.Equal(e.read(a[i]), e.read(b[i])) {
			t.Errorf("%s and %s differ", a[i].Name, b[i].Name)
		}
	}
}

func TestEmptyContract(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 0))
	j := e.run(e.accept(), 1)
	if j.State != export.Completed || j.Totals != (export.Totals{}) || e.content(j.ID, export.Data) != "" {
		t.Errorf("got %+v", j)
	}
}

func TestFilesRollBetweenEnrollees(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 40))
	e.worker.FileBytes = 300 // three or four lines
	j := e.run(e.accept(), 2)
	if got := e.content(j.ID, export.Data); got != e.source.Expected("Z0000") {
		t.Errorf("the files hold\n%s", got)
	}
	list, err := e.db.Files(t.Context(), j.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range list {
		if want := fmt.Sprintf("Z0000_%04d.ndjson", i+1); f.Name != want {
			t.Errorf("file %d is %s, want %s", i, f.Name, want)
		}
		if f.Length > 300 && f.Count > 4 { // 4 lines are the most an enrollee has
			t.Errorf("%s has %d bytes", f.Name, f.Length)
		}
	}
	if len(list) < 10 {
		t.Errorf("only %d files", len(list))
	}
}

func TestAnUnreadableEnrolleeIsNamed(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 25))
	e.source.Fail(14, errors.New("upstream says no"))
	j := e.run(e.accept(), 2)
	if j.State != export.Completed || j.Totals.NotRead != 1 || j.Totals.Enrollees() != 25 {
		t.Fatalf("got %s %+v", j.State, j.Totals)
	}
	if got := e.content(j.ID, export.Data); got != e.source.Expected("Z0000") {
		t.Errorf("the files hold\n%s", got)
	}
	errs := e.content(j.ID, export.Errors)
	if strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "Patient/14 ") || !strings.Contains(errs, `"OperationOutcome"`) || strings.Contains(errs, "upstream") {
		t.Errorf("the error file holds %s", errs)
	}
}

func TestASourceThatIsDownFailsTheJob(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 5))
	for id := range 6 {
		e.source.Fail(coverage.EnrolleeID(id), errors.New("connection refused"))
	}
	j := e.accept()
	stop := e.start(1)
	defer stop()
	e.until("the job's end", func() bool {
		e.clock.Add(time.Minute) // over every pause
		return e.job(j.ID).State.Ended()
	})
	if j = e.job(j.ID); j.State != export.Failed || !strings.Contains(j.Reason, "No enrollee") || strings.Contains(j.Reason, "refused") {
		t.Errorf("the job is %s: %s", j.State, j.Reason)
	}
	if n := e.source.Reads(1); n != e.worker.Attempts {
		t.Errorf("tried %d times, want %d", n, e.worker.Attempts)
	}
}

func TestASourceThatComesBack(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 5))
	for id := range 6 {
		e.source.Fail(coverage.EnrolleeID(id), errors.New("connection refused"))
	}
	j := e.accept()
	stop := e.start(1)
	defer stop()
	e.until("a failure", func() bool { return e.source.Reads(5) == 1 })
	for id := range 6 {
		e.source.Fail(coverage.EnrolleeID(id), nil)
	}
	e.until("the job's end", func() bool { e.clock.Add(time.Second); return e.job(j.ID).State.Ended() })
	if got := e.content(j.ID, export.Data); got != e.source.Expected("Z0000") {
		t.Errorf("the files hold\n%s", got)
	}
}

func TestAPanicIsAFault(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 5))
	panics := 2
	e.source.Before = func(_ context.Context, id coverage.EnrolleeID) error {
		if id == 3 && panics > 0 {
			panics--
			panic("out of order")
		}
		return nil
	}
	j := e.accept()
	stop := e.start(1)
	defer stop()
	e.until("the job's end", func() bool { e.clock.Add(time.Second); return e.job(j.ID).State.Ended() })
	if got := e.content(j.ID, export.Data); got != e.source.Expected("Z0000") {
		t.Errorf("the files hold\n%s", got)
	}
}

func TestACancelledJobStopsAndLeavesNothing(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 30))
	e.worker.Lease = 60 * time.Millisecond // a heartbeat each 20
	inPart := make(chan struct{})
	var once sync.Once
	e.source.Before = func(ctx context.Context, id coverage.EnrolleeID) error {
		if id == 29 { // of the last part, when other parts are done
			once.Do(func() { close(inPart) })
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	j := e.accept()
	stop := e.start(1)
	defer stop()
	<-inPart
	if len(e.stored(j.ID)) == 0 {
		t.Error("nothing is stored yet; the test tests nothing")
	}
	if moved, err := e.db.Delete(t.Context(), j.ID); err != nil || !moved {
		t.Fatal(moved, err)
	}
	e.until("the files to go", func() bool { return len(e.stored(j.ID)) == 0 })
	if got := e.job(j.ID); got.State != export.Canceled {
		t.Errorf("the job is %s", got.State)
	}
}

func TestStoppedWorkersHandBack(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 20))
	inPart := make(chan struct{})
	var once sync.Once
	e.source.Before = func(ctx context.Context, id coverage.EnrolleeID) error {
		held := false
		once.Do(func() { held = true; close(inPart) })
		if held {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	j := e.accept()
	stop := e.start(1)
	<-inPart
	stop()
	// The clock stands still: the lease cannot have lapsed.
	if j = e.run(j, 1); j.State != export.Completed {
		t.Fatalf("the job is %s", j.State)
	}
	if got := e.content(j.ID, export.Data); got != e.source.Expected("Z0000") {
		t.Errorf("the files hold\n%s", got)
	}
}

func TestTheSweepRemovesWhatACrashLeft(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 20))
	j := e.accept()
	for _, name := range []string{"part000001-77-0.ndjson.gz", "part000002-77-0.ndjson.gz"} {
		w, err := e.files.Create(t.Context(), j.ID+"/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "000001") {
			if err := w.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop := e.start(2)
	defer stop()
	e.until("the sweep", func() bool {
		return e.job(j.ID).State == export.Completed && !strings.Contains(strings.Join(e.stored(j.ID), " "), "-77-")
	})
	if n := len(e.stored(j.ID)); n != 2 {
		t.Errorf("%d files are left, want the two of the job", n)
	}
	if got := e.content(j.ID, export.Data); got != e.source.Expected("Z0000") {
		t.Errorf("the files hold\n%s", got)
	}
}

// TestOrphansAreFound: what is written behind the sweep goes with the next one.
func TestOrphansAreFound(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 20))
	orphans := export.Orphans{Jobs: e.db, Files: e.files.(export.StoredJobs), Queue: e.db, Log: e.worker.Log}
	look := func(want int) {
		t.Helper()
		if n, err := orphans.Look(t.Context()); err != nil || n != want {
			t.Errorf("found %d, %v; want %d", n, err, want)
		}
	}
	done, canceled := e.run(e.accept(), 1), e.accept()
	if _, err := e.db.Delete(t.Context(), canceled.ID); err != nil {
		t.Fatal(err)
	}
	for { // both are swept, there is nothing to remove
		task, err := e.db.Lease(t.Context(), "test", "test:", time.Minute)
		if errors.Is(err, export.ErrNoWork) {
			break
		}
		if err == nil {
			err = e.db.Swept(t.Context(), task.Lease)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	look(0)
	for _, id := range []string{done.ID, canceled.ID} {
		w, err := e.files.Create(t.Context(), id+"/part000001-99-0.ndjson.gz")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	look(2)
	stop := e.start(1)
	defer stop()
	e.until("the orphans to go", func() bool { return len(e.stored(done.ID)) == 2 && len(e.stored(canceled.ID)) == 0 })
	look(0)
}

func TestExpiryReallyDeletes(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 20))
	j := e.run(e.accept(), 1)
	if want := e.clock.Now().Add(72 * time.Hour); !j.Expires.Equal(want) {
		t.Errorf("expires %v, want %v", j.Expires, want)
	}
	e.clock.Add(72 * time.Hour)
	stop := e.start(1)
	defer stop()
	e.until("the files to go", func() bool { return len(e.stored(j.ID)) == 0 })
	if got := e.job(j.ID); got.State != export.Expired {
		t.Errorf("the job is %s", got.State)
	}
}

// download counts all claim files of a job as downloaded.
func (e *engine) download(j *export.Job) {
	e.Helper()
	list, err := e.db.Files(e.Context(), j.ID)
	if err != nil {
		e.Fatal(err)
	}
	for i := range list {
		d := export.Delivery{To: list[i].Length, Size: list[i].Length}
		id, err := e.db.BeginDelivery(e.Context(), &list[i], d, 1, time.Minute)
		if err != nil {
			e.Fatal(err)
		}
		if err := e.db.EndDelivery(e.Context(), id, &list[i], d); err != nil {
			e.Fatal(err)
		}
	}
}

// TestASnapshotThatIsGoneFailsTheJob at once, with the reason.
func TestASnapshotThatIsGoneFailsTheJob(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 25))
	j := e.accept()
	e.worker.Roster = goneRoster{e.worker.Roster, func() bool { return e.job(j.ID).State == export.Running }}
	j = e.run(j, 1)
	if j.State != export.Failed || !strings.Contains(j.Reason, "not stored any more") {
		t.Errorf("the job is %s: %s", j.State, j.Reason)
	}
	if strings.Count(e.log.String(), "level=ERROR")+strings.Count(e.log.String(), "level=WARN") > 2 {
		t.Errorf("it was tried again:\n%s", e.log.String())
	}
}

// goneRoster loses the snapshot of a job that is planned. While it is planned, it takes
// the newest one.
type goneRoster struct {
	export.Roster
	planned func() bool
}

func (g goneRoster) Enrollees(ctx context.Context, contract, snapshot string, from coverage.EnrolleeID, limit int) ([]coverage.Enrollee, error) {
	if g.planned() {
		return nil, fmt.Errorf("snapshot of before: %w", export.ErrNoSnapshot)
	}
	return g.Roster.Enrollees(ctx, contract, snapshot, from, limit)
}
