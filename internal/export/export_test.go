package export_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/fhir"
	"ab2d/internal/files"
	"ab2d/internal/store"
)

// engine is intake and workers on a real database and a real directory.
type engine struct {
	*testing.T
	source *exporttest.Source
	clock  *exporttest.Clock
	db     *store.DB
	files  export.Files
	intake *export.Intake
	worker export.Worker // a pattern; each run takes a copy
	log    bytes.Buffer
}

func newEngine(t *testing.T, source *exporttest.Source) *engine {
	e := &engine{T: t, source: source, clock: exporttest.NewClock()}
	var err error
	if e.db, err = store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ab2d.db"), e.clock.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.db.Close() })
	if e.files, err = files.Open("dir:" + t.TempDir()); err != nil {
		t.Fatal(err)
	}
	notifier := export.NewNotifier()
	e.intake = &export.Intake{Jobs: e.db, Roster: source.Roster(), Notifier: notifier, Now: e.clock.Now}
	settings := export.DefaultSettings()
	settings.PartEnrollees = 10
	settings.Idle = 5 * time.Millisecond
	e.worker = export.Worker{
		Name: "test", Queue: e.db, Jobs: e.db, Ledgers: e.db, Roster: source.Roster(), Claims: source, Files: e.files, Notifier: notifier, Now: e.clock.Now,
		Log: slog.New(slog.NewTextHandler(&e.log, nil)), Settings: settings,
	}
	return e
}

func (e *engine) accept(change ...func(*export.Request)) *export.Job {
	e.Helper()
	c, err := e.intake.Entitled(e.Context(), "Z0000")
	if err != nil {
		e.Fatal(err)
	}
	r := export.Request{Contract: c, Client: "client", MaxJobs: 9, Version: fhir.V2, URL: "http://h/x"}
	for _, f := range change {
		f(&r)
	}
	j, err := e.intake.Accept(e.Context(), r)
	if err != nil {
		e.Fatal(err)
	}
	return j
}

// start starts n workers; the returned function stops them.
func (e *engine) start(n int) (stop func()) {
	ctx, cancel := context.WithCancel(e.Context())
	var wg sync.WaitGroup
	for range n {
		w := e.worker
		wg.Go(func() { w.Run(ctx) })
	}
	return func() { cancel(); wg.Wait() }
}

// until waits for something that the workers bring about.
func (e *engine) until(what string, done func() bool) {
	e.Helper()
	look, patience := time.NewTicker(time.Millisecond), time.After(20*time.Second)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-patience:
			e.Fatalf("waited in vain for %s; log:\n%s", what, e.log.String())
		}
	}
}

func (e *engine) job(id string) *export.Job {
	e.Helper()
	j, err := e.db.Job(e.Context(), id)
	if err != nil {
		e.Fatal(err)
	}
	return j
}

// run runs the job to its end with n workers.
func (e *engine) run(j *export.Job, n int) *export.Job {
	e.Helper()
	stop := e.start(n)
	defer stop()
	e.until("the job's end", func() bool { return e.job(j.ID).State.Ended() })
	return e.job(j.ID)
}

// stored lists what is stored for a job.
func (e *engine) stored(id string) []string {
	e.Helper()
	keys, err := e.files.List(e.Context(), id)
	if err != nil {
		e.Fatal(err)
	}
	return keys
}

// content reads the files of one kind, each checked against its row.
func (e *engine) content(id string, k export.Kind) string {
	e.Helper()
	list, err := e.db.Files(e.Context(), id)
	if err != nil {
		e.Fatal(err)
	}
	var all strings.Builder
	for _, f := range list {
		if f.Kind != k {
			continue
		}
		b := e.read(f)
		all.Write(b)
		if sum := sha256.Sum256(b); !bytes.Equal(sum[:], f.SHA256) || f.Length != int64(len(b)) || f.Count != int64(bytes.Count(b, []byte("\n"))) {
			e.Errorf("file %s does not match its row %+v", f.Name, f)
		}
	}
	return all.String()
}

func (e *engine) read(f export.File) []byte {
	e.Helper()
	r, err := e.files.Open(e.Context(), f.Key)
	if err != nil {
		e.Fatal(err)
	}
	defer r.Close()
	stored, err := io.ReadAll(r)
	if err != nil || int64(len(stored)) != f.Stored {
		e.Fatalf("%d bytes are stored, %v; the row says %d", len(stored), err, f.Stored)
	}
	z, err := gzip.NewReader(bytes.NewReader(stored))
	if err != nil {
		e.Fatal(err)
	}
	z.Multistream(false) // one member a file
	b, err := io.ReadAll(z)
	if err != nil {
		e.Fatal(err)
	}
	return b
}

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

func TestTheDefaultSince(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 10))
	first := e.run(e.accept(), 1)
	if first.SinceSource != export.SinceNone || e.content(first.ID, export.Errors) != "" {
		t.Errorf("the first job starts at %v (%s)", first.Since, first.SinceSource)
	}
	e.clock.Add(time.Hour)
	if again := e.accept(); again.SinceSource != export.SinceNone {
		t.Errorf("before the download the next job starts at %v (%s)", again.Since, again.SinceSource)
	}
	e.download(first)
	e.source.Claims[3][0].LastUpdated = first.TransactionTime // has been delivered
	e.source.Claims[3][1].LastUpdated = first.TransactionTime.Add(time.Millisecond)
	next := e.run(e.accept(), 1)
	if next.SinceSource != export.SinceDefault || !next.Since.Equal(first.TransactionTime) || next.Base != first.ID {
		t.Errorf("after the download the next job starts at %v (%s)", next.Since, next.SinceSource)
	}
	if got, want := e.content(next.ID, export.Data), e.source.Claims[3][1].Line+"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if errs := e.content(next.ID, export.Errors); !strings.Contains(errs, fhir.FormatInstant(first.TransactionTime)) || !strings.Contains(errs, `"severity":"information"`) {
		t.Errorf("the error file does not tell of the default: %s", errs)
	}
	v1 := e.accept(func(r *export.Request) { r.Version = fhir.V1 })
	if v1.SinceSource != export.SinceNone {
		t.Error("v1 has a default")
	}
	early := time.Date(2020, 2, 20, 0, 0, 0, 0, time.UTC)
	user := e.accept(func(r *export.Request) { r.Since = early })
	if user.SinceSource != export.SinceUser || !user.Since.Equal(time.Date(2020, 3, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("a _since before the attestation is %v, want it raised to the attestation", user.Since)
	}
}

// TestTheDefaultSinceSkipsNobody: whoever was not in the job before, was not
// delivered in it, or has new months, gets what the sponsor does not have yet.
func TestTheDefaultSinceSkipsNobody(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 24))
	all := e.source.Enrollees["Z0000"]
	late := all[23] // is enrolled only later
	e.source.Enrollees["Z0000"] = all[:23:23]
	all[13].OptedOut = true                    // 14
	e.source.Fail(19, errors.New("no answer")) // twice
	e.source.Fail(9, errors.New("no answer"))  // once
	all[3].Months = coverage.MonthSet{}        // 4: only one month, then also June
	all[3].Months.Add(coverage.MonthOf(2025, time.January))

	first := e.run(e.accept(), 2)
	if first.Totals.NotRead != 2 || first.Totals.OptedOut != 1 {
		t.Fatalf("totals %+v", first.Totals)
	}
	e.download(first)
	e.clock.Add(time.Hour)
	e.source.Fail(9, nil)
	second := e.run(e.accept(), 2)
	if got, want := e.content(second.ID, export.Data), e.lines(9); got != want {
		t.Errorf("the second job delivers\n%s\nwant those of the enrollee who could not be read\n%s", got, want)
	}
	e.download(second)
	e.clock.Add(time.Hour)
	e.source.Fail(19, nil)
	all[13].OptedOut = false
	all[3].Months.Add(coverage.MonthOf(2025, time.June))
	e.source.Enrollees["Z0000"] = append(all[:23:23], late)
	third := e.run(e.accept(), 2)
	if got, want := e.content(third.ID, export.Data), e.lines(4, 14, 19, 24); got != want {
		t.Errorf("the third job delivers\n%s\nwant\n%s", got, want)
	}
	e.download(third)
	e.clock.Add(time.Hour)
	if fourth := e.run(e.accept(), 2); fourth.Totals.Claims != 0 || fourth.Base != third.ID {
		t.Errorf("the fourth job delivers %+v", fourth.Totals)
	}
}

// lines are all claims of some enrollees.
func (e *engine) lines(ids ...coverage.EnrolleeID) string {
	var b strings.Builder
	for _, id := range ids {
		for _, c := range e.source.Claims[id] {
			b.WriteString(c.Line + "\n")
		}
	}
	return b.String()
}

// TestPartsOfWhatIsNewAreLarger: an export of little has few parts and files.
func TestPartsOfWhatIsNewAreLarger(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 95))
	for since, want := range map[time.Duration]int{100 * 24 * time.Hour: 10, 80 * 24 * time.Hour: 1} {
		j := e.run(e.accept(func(r *export.Request) { r.Since = e.clock.Now().Add(-since) }), 2)
		if j.Parts != want || j.Totals.Enrollees() != 95 {
			t.Errorf("since %s: %d parts, %d enrollees; want %d and 95", since, j.Parts, j.Totals.Enrollees(), want)
		}
	}
}

func TestWhoIsEntitled(t *testing.T) {
	e := newEngine(t, exporttest.NewSource("Z0000", 1))
	e.source.Contracts["Z0009"] = coverage.Contract{Number: "Z0009"}
	if _, err := e.intake.Entitled(t.Context(), "Z0009"); !errors.Is(err, export.ErrNotAttested) {
		t.Errorf("got %v, want ErrNotAttested", err)
	}
	if _, err := e.intake.Entitled(t.Context(), "Z0008"); !errors.Is(err, export.ErrNoContract) {
		t.Errorf("got %v, want ErrNoContract", err)
	}
}
