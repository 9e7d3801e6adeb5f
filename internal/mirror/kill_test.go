package mirror_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/fhir"
	"ab2d/internal/mirror"
	"ab2d/internal/store"
)

// TestMain lets the test program be a process that mirrors, to be killed.
func TestMain(m *testing.M) {
	if database := os.Getenv("MIRROR_DATABASE"); database != "" {
		if err := mirrorProcess(database, os.Getenv("MIRROR_SOURCE")); err != nil {
			slog.Error("mirror", slog.Any("error", err))
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func mirrorProcess(database, source string) error {
	db, err := store.Open(context.Background(), database, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	c := bfd.Config{Bases: map[fhir.Version]string{}, MinPause: time.Millisecond, MaxPause: 2 * time.Millisecond}
	for _, v := range fhir.Versions() {
		c.Bases[v] = source + "/" + v.String() + "/fhir"
	}
	client, err := bfd.New(c)
	if err != nil {
		return err
	}
	m, err := mirror.New(mirror.Config{DB: db, Upstream: client, Source: "stand-in", Versions: fhir.Versions(), Enrollment: false, Name: "process",
		People: 3, Lease: 200 * time.Millisecond, Retry: time.Millisecond, Every: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = m.Once(context.Background())
	return err
}

// TestKill9: processes that are killed in the middle of a pass lose nothing. The last
// one ends what they began.
func TestKill9(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	w := newWorld(t, 12)
	files := w.fromFiles(t, fhir.Versions()...)
	address := "sqlite:" + filepath.Join(t.TempDir(), "ab2d.db")
	db := w.openAt(t, address)
	enroll(t, w, db)
	faults, err := bfdtest.ParseFaults(bfdtest.Survivable()...)
	ok(t, err)
	w.SetPlan(bfdtest.Plan{Every: 15, Faults: faults, Seed: 3})
	random := rand.New(rand.NewPCG(1, 2))
	u := &countedUpstream{Handler: w.Server}
	upstream := httptest.NewServer(u)
	t.Cleanup(upstream.Close)
	kills := 0
	for done := false; !done; {
		p := exec.Command(os.Args[0])
		p.Env = append(os.Environ(), "MIRROR_DATABASE="+address, "MIRROR_SOURCE="+upstream.URL)
		p.Stderr = w.log
		// Counted by requests, and not by time, so that a fast machine is interrupted, too.
		reached := u.after(2 + random.Int64N(12))
		if kills >= 4 {
			reached = nil
		}
		ok(t, p.Start())
		ended := make(chan error, 1)
		go func() { ended <- p.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("the process failed: %v\n%s", err, w.log)
			}
			done = true
		case <-reached:
			ok(t, p.Process.Kill())
			<-ended
			kills++
		}
	}
	if kills < 2 {
		t.Errorf("only %d kills", kills)
	}
	for _, v := range fhir.Versions() {
		same(t, dump(t, db, v), dump(t, files, v))
	}
}

// countedUpstream tells when requests have reached a number.
type countedUpstream struct {
	http.Handler
	requests, target atomic.Int64
	reached          atomic.Pointer[chan struct{}]
}

// after returns a channel that is closed by the n-th request from now on.
func (u *countedUpstream) after(n int64) <-chan struct{} {
	reached := make(chan struct{})
	u.reached.Store(&reached)
	u.target.Store(u.requests.Load() + n)
	return reached
}

func (u *countedUpstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if u.requests.Add(1) == u.target.Load() {
		close(*u.reached.Load())
	}
	u.Handler.ServeHTTP(w, r)
}

// enroll reads the enrollment and no claims.
func enroll(t *testing.T, w *world, db *store.DB) {
	t.Helper()
	stop := errors.New("only the enrollment")
	ctx, cancel := context.WithCancelCause(t.Context())
	m := w.mirror(t, db, func(c *mirror.Config) { c.Upstream = &stopAtClaims{c.Upstream, func() { cancel(stop) }} })
	if _, err := m.Once(ctx); !errors.Is(err, stop) && !strings.Contains(err.Error(), "canceled") {
		t.Fatal(err)
	}
}

// stopAtClaims stops when claims are read.
type stopAtClaims struct {
	mirror.Upstream
	stop func()
}

func (s *stopAtClaims) Claims(ctx context.Context, _ bfd.ClaimQuery, _ func([]byte) error) (bfd.Result, error) {
	s.stop()
	<-ctx.Done()
	return bfd.Result{}, context.Cause(ctx)
}

// TestSeveralMirrors: several processes share a pass, and each is stopped and started
// again now and then.
func TestSeveralMirrors(t *testing.T) {
	w := newWorld(t, 15)
	db := w.open(t)
	want := dump(t, w.fromFiles(t, fhir.V2), fhir.V2)
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(i)))
			for n := 0; ; n++ {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+random.IntN(200))*time.Millisecond)
				if n > 10 {
					ctx = t.Context()
				}
				m := w.mirror(t, db, func(c *mirror.Config) { c.Versions, c.People = []fhir.Version{fhir.V2}, 2 })
				_, err := m.Once(ctx)
				stopped := ctx.Err() != nil
				cancel()
				switch {
				case err == nil:
					return
				case !stopped:
					t.Errorf("mirror %d: %v", i, err)
					return
				}
			}
		})
	}
	all.Wait()
	same(t, dump(t, db, fhir.V2), want)
	passes, err := db.MirrorPasses(t.Context(), 1)
	ok(t, err)
	if len(passes) != 1 || passes[0].Published.IsZero() {
		t.Errorf("a pass was left open: %+v", passes)
	}
}

// TestAbandoned: who abandons a pass by importing a file loses nothing: the next pass
// reads everybody completely.
func TestAbandoned(t *testing.T) {
	w := newWorld(t, 9)
	db := w.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	m := w.mirror(t, db, func(c *mirror.Config) {
		only(fhir.V1)(c)
		c.Complete, c.Workers = 0, 1
		c.Progress = func(*store.MirrorPass, *mirror.Report) { cancel() }
	})
	if _, err := m.Once(ctx); err == nil {
		t.Fatal("the pass was not interrupted")
	}
	if _, err := db.BeginLoad(t.Context(), "file", "digest", fhir.V1); !errors.As(err, new(*store.LoadInProgressError)) {
		t.Errorf("an import during a pass: %v", err)
	}
	_, err := db.AbandonLoad(t.Context())
	ok(t, err)
	once(t, w.mirror(t, db, func(c *mirror.Config) { only(fhir.V1)(c); c.Complete = 0 }))
	same(t, dump(t, db, fhir.V1), dump(t, w.fromFiles(t, fhir.V1), fhir.V1))
}
