package simulation_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ab2d/internal/store"
	"ab2d/internal/testserver"
)

// faster is how much faster the time of a history in real time goes.
const faster = 10

// atOnce is how many histories run at the same time: they wait most of the time.
const atOnce = 8

// TestPostgres runs histories in real time on a real PostgreSQL, where transactions
// run at the same time. The same seeds give the same plans and faults, in an order
// that differs from run to run.
func TestPostgres(t *testing.T) {
	t.Parallel()
	count := 1
	if s := os.Getenv("AB2D_SIMULATE_POSTGRES"); s != "" {
		count = number(t, s)
	}
	first := uint64(1)
	if s := os.Getenv("AB2D_SIMULATE_SEED"); s != "" {
		first = uint64(number(t, s))
	}
	total, began := newHits(), time.Now()
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(atOnce)
	for seed := first; seed < first+uint64(count); seed++ {
		address := testserver.Postgres(t)
		all.Go(func() error {
			r := realHistory(t, address, seed)
			mu.Lock()
			defer mu.Unlock()
			total.add(r.hits)
			if len(r.faults) > 0 {
				t.Errorf("seed %d:\n  %s\nwith %s", seed, strings.Join(r.faults, "\n  "), strings.Join(r.fired, ", "))
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("%d histories in %v\n%s", count, time.Since(began).Round(time.Second), total)
}

// realHistory runs one history in real time.
func realHistory(t *testing.T, address string, seed uint64) result {
	dir := scratch(t)
	defer os.RemoveAll(dir)
	w := newWorld(t, seed, mutant{}, nil)
	w.real, w.scale = true, faster
	db, err := store.Open(context.Background(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.db = db
	w.store, w.objects = w.mutant.wrap(w)
	if err := w.set(dir); err != nil {
		t.Fatal(err)
	}
	w.play(context.Background())
	w.end()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	w.hits.close()
	return result{seed, w.judge.failures(), w.fired, w.trace, w.calls, w.since(), w.hits}
}
