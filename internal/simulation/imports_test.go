package simulation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/ingest"
	"ab2d/internal/mirror"
	"ab2d/internal/segment"
	"ab2d/internal/store"
)

// upstream is what claims come from: files that are imported one after the other, or
// a server that is mirrored.
type upstream struct {
	w      *world
	mu     sync.Mutex
	claims map[string]version // newest, by id
	files  [][]byte
	moved  time.Time // when something changed last
	made   int
}

// line is a claim as the server has it.
func (v version) line() string {
	day := v.month.First().Time().Format(time.DateOnly)
	return fmt.Sprintf(`{"resourceType":"ExplanationOfBenefit","id":%q,"meta":{"lastUpdated":%q},"status":"active",`+
		`"type":{"coding":[{"system":"https://bluebutton.cms.gov/resources/codesystem/eob-type","code":"CARRIER"}]},"patient":{"reference":"Patient/%d"},`+
		`"billablePeriod":{"start":%q,"end":%q},"item":[{"sequence":1,"productOrService":{"coding":[{"code":"G0438"}]}}],"payment":{"amount":{"value":1.10}}}`,
		v.id, time.UnixMilli(v.updated).UTC().Format("2006-01-02T15:04:05.000Z"), v.patient, day, day) + "\n"
}

// change makes new claims and new versions of others, and a file of them.
func (u *upstream) change(r *rand.Rand) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.moved = u.w.now()
	var file strings.Builder
	put := func(v version) {
		u.made++
		v.updated = u.moved.UnixMilli() - int64(u.made)
		u.claims[v.id] = v
		file.WriteString(v.line())
	}
	for id := range 3 + u.made {
		if had, ok := u.claims[fmt.Sprintf("carrier-%d", id)]; ok && r.IntN(4) == 0 {
			put(had)
		}
	}
	for range 1 + r.IntN(6) {
		put(version{id: fmt.Sprintf("carrier-%d", 1000+u.made), patient: coverage.EnrolleeID(1001 + r.IntN(u.w.plan.enrollees)), month: january + coverage.Month(r.IntN(months))})
	}
	u.files = append(u.files, []byte(file.String()))
}

// mirrored is the server as a mirror's process calls it.
type mirrored struct {
	caller
	from *upstream
}

func (m mirrored) Claims(ctx context.Context, q bfd.ClaimQuery, see func([]byte) error) (bfd.Result, error) {
	return do(ctx, m.caller, "Claims", reads|of(slowAfter, killAfter, freezeAfter), func(context.Context) (bfd.Result, error) {
		u := m.from
		u.mu.Lock()
		r := bfd.Result{Began: u.w.now(), Updated: u.moved, Pages: 1, Calls: 1}
		var found []version
		for _, v := range u.claims {
			at := time.UnixMilli(v.updated)
			if v.patient == q.Patient && (q.Since.IsZero() || !at.Before(q.Since)) && (q.Until.IsZero() || !at.After(q.Until)) {
				found = append(found, v)
			}
		}
		u.mu.Unlock()
		slices.SortFunc(found, func(a, b version) int { return strings.Compare(a.id, b.id) })
		for _, v := range found {
			if err := see([]byte(v.line())); err != nil {
				return r, err
			}
		}
		r.Count, r.Total = len(found), int64(len(found))
		return r, nil
	})
}

func (mirrored) Enrollment(context.Context, bfd.EnrollmentQuery, func(bfd.Member) error) (bfd.Enrollment, error) {
	return bfd.Enrollment{}, errors.New("the enrollment is imported")
}

func (mirrored) PatientV3(context.Context, coverage.MBI) (coverage.EnrolleeID, bool, error) {
	return 0, false, nil
}

// slowFile is a file that is read by a process that can die meanwhile.
type slowFile struct {
	caller
	from io.Reader
}

func (f *slowFile) Read(p []byte) (int, error) {
	return do(f.ctx, f.caller, "Read file", of(failBefore, slowBefore, killBefore, killAfter, freezeBefore), func(context.Context) (int, error) {
		return f.from.Read(p[:min(len(p), 900)])
	})
}

// takeIn imports or mirrors until all is there.
func (u *upstream) takeIn(p *process, byMirror bool, done func()) {
	w := u.w
	c := caller{p, p.name}
	p.goes(func() {
		for p.ctx.Err() == nil {
			calm := w.isCalm() // before it begins, so that it sees the last change
			err := u.once(c, byMirror)
			if p.isDead() {
				<-w.over
				return
			}
			if err == nil && calm {
				done()
				return
			}
			if w.traced {
				w.t.Logf("%v %s: %v", w.since(), p.name, err)
			}
			w.hits.state(w, "taken in again")
			if w.sleep(p.ctx, 3*time.Second) != nil {
				return
			}
		}
	})
}

func (w *world) isCalm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calm
}

func (u *upstream) once(c caller, byMirror bool) error {
	if byMirror {
		m, err := mirror.New(mirror.Config{DB: c.db, Upstream: mirrored{c, u}, Source: "upstream", Versions: []fhir.Version{fhir.V2}, Name: c.name, Workers: 1,
			Calls: 2, People: 2, Log: slog.New(slog.DiscardHandler), Overlap: time.Minute})
		if err != nil {
			return err
		}
		sum, err := m.Once(c.ctx)
		if err == nil && sum.Failed > 0 {
			err = errors.New("people could not be read")
		}
		return err
	}
	u.mu.Lock()
	files := slices.Clone(u.files)
	u.mu.Unlock()
	for i, file := range files {
		if err := importFile(c.ctx, c.db, fmt.Sprint("file ", i), &slowFile{c, bytes.NewReader(file)}); err != nil {
			return err
		}
	}
	return nil
}

func importFile(ctx context.Context, db *store.DB, name string, r io.Reader) error {
	claims, err := ingest.OpenClaims(r, ingest.ClaimsConfig{Name: name, Version: fhir.V2, Abandon: true, Rejects: func(bool) (io.WriteCloser, error) { return discard{}, nil }})
	if err != nil {
		return err
	}
	_, err = claims.Store(ctx, db)
	return err
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }

// lines reads all claims that are published.
func lines(ctx context.Context, db *store.DB, d *data) (string, error) {
	snapshot, err := db.Snapshot(ctx, contractName(0))
	if err != nil {
		return "", err
	}
	enrollees, err := db.Enrollees(ctx, contractName(0), snapshot, 0, 1000)
	if err != nil || len(enrollees) == 0 {
		return "", err
	}
	r, err := db.Open(ctx, export.Query{Version: fhir.V2, Snapshot: snapshot, First: enrollees[0].ID, Last: enrollees[len(enrollees)-1].ID})
	if err != nil {
		return "", err
	}
	defer r.Close()
	var all sink
	for i := range enrollees {
		all.selection = &coverage.Selection{Contract: d.contract(contractName(0)), Enrollee: &enrollees[i], Until: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
		if err := r.Write(ctx, all.selection, &all); err != nil {
			return "", err
		}
	}
	return all.text.String(), nil
}

// importHistory runs one history of imports or of a mirror.
func importHistory(t *testing.T, seed uint64, byMirror bool) (r result) {
	empty, err := emptyDatabase()
	if err != nil {
		t.Fatal(err)
	}
	dir := scratch(t)
	defer os.RemoveAll(dir)
	open := func(w *world, name string) *store.DB {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			if err := os.WriteFile(path, empty, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		db, err := store.Open(context.Background(), "sqlite:"+path, w.now)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := newWorld(t, seed, mutant{}, nil)
		w.plan.contracts = 1
		w.offset = time.Until(firstDay())
		w.began = w.now()
		w.db = open(w, "ab2d.db")
		w.store, w.objects = w.mutant.wrap(w)
		u := &upstream{w: w, claims: map[string]version{}}
		if w.data, err = enrolled(ctx, w, w.db); err != nil {
			t.Fatal(err)
		}
		w.takeAll(u, byMirror, func() *store.DB { return open(w, "ab2d.db") })
		want := open(w, "undisturbed.db")
		if _, err := enrolled(ctx, w, want); err != nil {
			t.Fatal(err)
		}
		for i, file := range u.files {
			if err := importFile(ctx, want, fmt.Sprint("file ", i), bytes.NewReader(file)); err != nil {
				w.judge.fail("an undisturbed import fails: %v", err)
			}
		}
		w.compareStores(ctx, want)
		w.end()
		for _, p := range w.processes {
			if !p.dead {
				p.closeDB()
			}
		}
		if err := errors.Join(w.db.Close(), want.Close()); err != nil {
			t.Error(err)
		}
		w.hits.close()
		r = result{seed, w.judge.failures(), w.fired, w.trace, w.calls, w.since(), w.hits}
	})
	return r
}

// takeAll lets processes take in what changes meanwhile.
func (w *world) takeAll(u *upstream, byMirror bool, open func() *store.DB) {
	ended, processes := 0, 1
	if byMirror {
		processes = w.plan.workers
	}
	for i := range 1 + w.plan.events {
		name := fmt.Sprintf("change#%d", i)
		r := w.random(name)
		w.at(time.Duration(i)*time.Duration(r.Int64N(int64(10*time.Second))), name, func() { u.change(r) })
	}
	for i := range processes {
		w.launch(fmt.Sprint("i", i+1), false, func(p *process) {
			p.db = open()
			u.takeIn(p, byMirror, func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				ended++
			})
		})
	}
	// After the last change and the last fault, everything is taken in once more.
	w.at(w.plan.quiet+time.Minute, "calm", func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calm = true
	})
	done := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return ended == processes
	}
	w.look(func() {}, func() bool { return done() || w.since() > 12*time.Hour })
	if !done() {
		w.judge.fail("not everything was taken in after %v", w.since())
	}
}

// enrolled fills a database with a contract and its enrollees.
func enrolled(ctx context.Context, w *world, db *store.DB) (*data, error) {
	d := &data{w: w}
	if err := db.PutContracts(ctx, []coverage.Contract{d.contract(contractName(0))}, true); err != nil {
		return nil, err
	}
	var list []coverage.Enrollee
	r := w.random("enrollees")
	for k := range w.plan.enrollees {
		list = append(list, d.enrollee(r, coverage.EnrolleeID(1001+k)))
	}
	_, err := db.PutEnrollment(ctx, contractName(0), list, true)
	return d, err
}

// compareStores compares what was taken in with what an undisturbed import gives.
func (w *world) compareStores(ctx context.Context, want *store.DB) {
	a, err := lines(ctx, w.db, w.data)
	b, e := lines(ctx, want, w.data)
	switch {
	case err != nil || e != nil:
		w.judge.fail("read the claims: %v, %v", err, e)
	case a != b:
		w.judge.fail("taken in were %d bytes of claims, and not the %d of an undisturbed import", len(a), len(b))
	case b != "":
		w.hits.state(w, "all was taken in")
	}
	w.judge.auditLog(ctx)
}

// TestImports runs histories of imports and of mirrors.
func TestImports(t *testing.T) {
	count := 10
	if s := os.Getenv("AB2D_SIMULATE"); s != "" {
		count = number(t, s)
	}
	first := uint64(1)
	if s := os.Getenv("AB2D_SIMULATE_SEED"); s != "" {
		first = uint64(number(t, s))
	}
	for name, byMirror := range map[string]bool{"files": false, "mirror": true} {
		t.Run(name, func(t *testing.T) {
			total, began := newHits(), time.Now()
			for seed := first; seed < first+uint64(count); seed++ {
				r := importHistory(t, seed, byMirror)
				total.add(r.hits)
				if len(r.faults) > 0 {
					t.Errorf("seed %d:\n  %s\nwith %s", seed, strings.Join(r.faults, "\n  "), strings.Join(r.fired, ", "))
				}
			}
			t.Logf("%d histories, %.1f a second\n%s", count, float64(count)/time.Since(began).Seconds(), total)
		})
	}
}

// sink gathers claims.
type sink struct {
	selection *coverage.Selection
	text      strings.Builder
}

func (s *sink) Wants(c *coverage.Claim) bool { return s.selection.Verdict(c) == coverage.Deliver }

func (s *sink) Line(line []byte) error {
	s.text.Write(line)
	return nil
}

func (s *sink) Segment(_ segment.Segment, plain []byte, _ int64) error {
	s.text.Write(plain)
	return nil
}
