package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/mirror"
	"ab2d/internal/store"
)

// only has the mirror read one version, all claims each time.
func only(v fhir.Version) func(*mirror.Config) {
	return func(c *mirror.Config) {
		c.Versions, c.Complete = []fhir.Version{v}, time.Nanosecond
	}
}

// settle reads with a plan of faults, and then once more without.
func settle(t *testing.T, w *world, db *store.DB, v fhir.Version, faults []bfdtest.Fault) {
	t.Helper()
	w.SetPlan(bfdtest.Plan{Every: 5, Faults: faults, Seed: 1})
	quick := w.mirror(t, db, func(c *mirror.Config) { only(v)(c); c.GiveUp, c.Rounds = 300*time.Millisecond, 2 })
	if _, err := quick.Once(t.Context()); err != nil && !errors.Is(err, mirror.ErrUnreachable) && bfd.Temporary(err) {
		t.Logf("with faults: %v", err) // it is allowed to fail; it must not lie
	}
	w.SetPlan(bfdtest.Plan{})
	if sum := once(t, w.mirror(t, db, only(v))); sum.Failed != 0 {
		t.Errorf("after the faults %d people could not be read", sum.Failed)
	}
}

// faultNames are the faults that are tried with each version. Those that make the
// client wait are in its own tests.
func faultNames() map[fhir.Version][]string {
	if os.Getenv("AB2D_TORTURE") != "" {
		return map[fhir.Version][]string{fhir.V2: bfdtest.FaultNames(), fhir.V3: bfdtest.FaultNames()}
	}
	return map[fhir.Version][]string{
		fhir.V2: {"401", "html", "empty", "other-patient", "no-last-updated", "old-year"},
		fhir.V3: {"shared-system", "stranger"},
	}
}

// TestFaults: whatever the upstream server does to one call in five, for a while,
// what is stored afterward is what it has.
func TestFaults(t *testing.T) {
	w := newWorld(t, 9)
	want := map[fhir.Version]map[string]string{}
	for _, v := range []fhir.Version{fhir.V2, fhir.V3} {
		want[v] = dump(t, w.fromFiles(t, v), v)
	}
	for v, names := range faultNames() {
		for _, name := range names {
			faults, err := bfdtest.ParseFaults(name)
			ok(t, err)
			t.Run(fmt.Sprintf("%s %s", name, v), func(t *testing.T) {
				db := w.open(t)
				settle(t, w, db, v, faults)
				same(t, dump(t, db, v), want[v])
			})
		}
	}
	t.Run("mixed", func(t *testing.T) {
		faults, err := bfdtest.ParseFaults("500", "502", "503", "reset", "break", "cut", "empty", "repeat", "html", "other-patient", "part2", "pde", "gzip")
		ok(t, err)
		db := w.open(t)
		settle(t, w, db, fhir.V2, faults)
		same(t, dump(t, db, fhir.V2), want[fhir.V2])
	})
	log := w.log.String()
	for _, v := range fhir.Versions() {
		for _, patient := range w.Patients(v) {
			if strings.Contains(log, fmt.Sprint(int64(patient))) {
				t.Fatalf("the log has the number of a person of %s", v)
			}
		}
	}
	if strings.Contains(log, "1S00") || !strings.Contains(log, "will be tried again") {
		t.Error("the log has an MBI, or nothing of the faults")
	}
}

// TestEmptyAnswers: nobody loses claims, and nobody counts as read up to a time,
// because the upstream server answers with nothing.
func TestEmptyAnswers(t *testing.T) {
	w := newWorld(t, 9)
	want := dump(t, w.fromFiles(t, fhir.V1), fhir.V1)
	db := w.open(t)
	once(t, w.mirror(t, db, only(fhir.V1)))
	w.SetPlan(bfdtest.Plan{Every: 1, Faults: []bfdtest.Fault{{Mode: bfdtest.Empty}}})
	quick := func(c *mirror.Config) { only(fhir.V1)(c); c.Rounds, c.Enrollment = 1, false }
	if sum := once(t, w.mirror(t, db, quick)); sum.Failed == 0 {
		t.Error("nobody failed although all answers were empty")
	}
	same(t, dump(t, db, fhir.V1), want)
	faults, err := db.MirrorFaults(t.Context())
	ok(t, err)
	if len(faults) != 1 || faults[0].Fault != "empty answer where claims are known" {
		t.Errorf("the reasons are %+v", faults)
	}
	f, err := db.Freshness(t.Context(), "Z9001", fhir.V1)
	ok(t, err)
	if f.Unread == 0 || f.UpstreamRead.IsZero() {
		t.Errorf("the sponsor is told %+v", f)
	}
	// When it answers again, those who failed are read completely, and then changes
	// only. An empty answer to that is no proof that nothing changed.
	w.SetPlan(bfdtest.Plan{})
	changes := func(c *mirror.Config) { quick(c); c.Complete = 0 }
	once(t, w.mirror(t, db, changes))
	passes, err := db.MirrorPasses(t.Context(), 1)
	ok(t, err)
	answered := passes[0].ReadUpTo
	for range 2 {
		w.Requests()
		once(t, w.mirror(t, db, changes))
		for _, r := range w.Requests() {
			since, _ := strings.CutPrefix(r.Query.Get("_lastUpdated"), "ge")
			if at, err := time.Parse(time.RFC3339, since); since != "" && (err != nil || at.After(answered)) {
				t.Fatalf("asked for changes since %q, and the last answer with claims was that of %v", since, answered)
			}
		}
	}
	same(t, dump(t, db, fhir.V1), want)
	if f, err = db.Freshness(t.Context(), "Z9001", fhir.V1); err != nil || f.Unread != 0 {
		t.Errorf("afterward the sponsor is told %+v, %v", f, err)
	}
}

// TestUnread: whoever has not been read is named as not read, and is not taken for
// somebody without claims.
func TestUnread(t *testing.T) {
	w := newWorld(t, 9)
	db := w.open(t)
	w.SetPlan(bfdtest.Plan{})
	upstream := &deaf{Upstream: w.client(t, nil)}
	m := w.mirror(t, db, func(c *mirror.Config) { only(fhir.V2)(c); c.Upstream, c.Rounds = upstream, 1 })
	if sum := once(t, m); sum.Failed != 1 {
		t.Errorf("%d people failed, want 1", sum.Failed)
	}
	unread := 0
	for _, text := range dump(t, db, fhir.V2) {
		if strings.HasPrefix(text, "error: the claims have not been read") {
			unread++
		}
	}
	if unread != 1 {
		t.Errorf("%d enrollees are named as not read, want 1", unread)
	}
	upstream.hears.Store(true)
	once(t, m)
	same(t, dump(t, db, fhir.V2), dump(t, w.fromFiles(t, fhir.V2), fhir.V2))
}

// deaf is an upstream server that always fails for the first person it is asked for.
type deaf struct {
	mirror.Upstream
	hears  atomic.Bool
	person atomic.Int64
}

func (d *deaf) Claims(ctx context.Context, q bfd.ClaimQuery, see func([]byte) error) (bfd.Result, error) {
	d.person.CompareAndSwap(0, int64(q.Patient))
	if !d.hears.Load() && d.person.Load() == int64(q.Patient) {
		return bfd.Result{}, &bfd.Error{Kind: bfd.Failed, Status: 500}
	}
	return d.Upstream.Claims(ctx, q, see)
}

// without is an upstream server that does not have a claim any more.
type without struct {
	mirror.Upstream
	id string
}

func (w *without) Claims(ctx context.Context, q bfd.ClaimQuery, see func([]byte) error) (bfd.Result, error) {
	return w.Upstream.Claims(ctx, q, func(raw []byte) error {
		if strings.Contains(string(raw), `"id":"`+w.id+`"`) {
			return nil
		}
		return see(raw)
	})
}

// TestRemoved: a claim that the upstream server does not have any more is removed when
// all claims are read, and nothing else is.
func TestRemoved(t *testing.T) {
	w := newWorld(t, 9)
	db := w.open(t)
	once(t, w.mirror(t, db, only(fhir.V2)))
	want := dump(t, db, fhir.V2)
	gone := ""
	for who, text := range want {
		if lines := strings.SplitAfter(text, "\n"); len(lines) > 3 {
			_, rest, _ := strings.Cut(lines[1], `"id":"`)
			gone, _, _ = strings.Cut(rest, `"`)
			want[who] = lines[0] + strings.Join(lines[2:], "")
			break
		}
	}
	changes := func(c *mirror.Config) {
		only(fhir.V2)(c)
		c.Upstream, c.Complete = &without{w.client(t, nil), gone}, 0
	}
	once(t, w.mirror(t, db, changes)) // nothing says that it is gone
	sum := once(t, w.mirror(t, db, func(c *mirror.Config) { changes(c); c.Complete = time.Nanosecond }))
	if got := sum.Passes[0].Report.Merged; got.Removed != 1 || got.New+got.Replaced != 0 {
		t.Errorf("the claim %q is gone upstream: %+v", gone, got)
	}
	same(t, dump(t, db, fhir.V2), want)
	snapshot, err := db.Snapshot(t.Context(), "Z9001")
	ok(t, err)
	withdrawn, err := db.Withdrawn(t.Context(), export.Query{Version: fhir.V2, Snapshot: snapshot, First: math.MinInt64, Last: math.MaxInt64}, time.Time{}, time.Time{})
	ok(t, err)
	if len(withdrawn) != 1 || withdrawn[0].ID != gone || withdrawn[0].Claim.Type == coverage.OtherClaim || !withdrawn[0].Claim.HasEnd {
		t.Errorf("the claim %q is gone, and withdrawn are %+v", gone, withdrawn)
	}
}

// TestEnrollmentShrinks: an enrollment answer that has lost most people changes
// nothing.
func TestEnrollmentShrinks(t *testing.T) {
	w := newWorld(t, 30)
	db := w.open(t)
	m := w.mirror(t, db, func(c *mirror.Config) { only(fhir.V1)(c); c.Upstream = &few{w.client(t, nil), false} })
	once(t, m)
	before, err := db.CurrentEnrollment(t.Context(), "Z9001")
	ok(t, err)
	m = w.mirror(t, db, func(c *mirror.Config) { only(fhir.V1)(c); c.Upstream = &few{w.client(t, nil), true} })
	if _, err := m.Once(t.Context()); !errors.As(err, new(*store.ShrinkError)) {
		t.Errorf("got %v", err)
	}
	after, err := db.CurrentEnrollment(t.Context(), "Z9001")
	ok(t, err)
	if len(before) == 0 || len(after) != len(before) {
		t.Errorf("%d enrollees became %d", len(before), len(after))
	}
}

// few is an upstream server that has lost all people but one.
type few struct {
	mirror.Upstream
	lost bool
}

func (f *few) Enrollment(ctx context.Context, q bfd.EnrollmentQuery, see func(bfd.Member) error) (bfd.Enrollment, error) {
	var first coverage.EnrolleeID
	return f.Upstream.Enrollment(ctx, q, func(m bfd.Member) error {
		if first == 0 {
			first = m.ID
		}
		if f.lost && m.ID != first {
			return nil
		}
		return see(m)
	})
}
