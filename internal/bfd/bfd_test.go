package bfd_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/synth"
)

// clock is a time that only sleeping moves on.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	pauses []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.pauses = append(c.pauses, d)
	return ctx.Err()
}

// world is a stand-in with a client.
type world struct {
	*bfdtest.Server
	http  *httptest.Server
	clock *clock
	log   *bytes.Buffer
}

// start starts a stand-in for some versions.
func start(t *testing.T, versions ...fhir.Version) *world {
	t.Helper()
	return startWith(t, 8, versions...)
}

// startWith starts one with so many people.
func startWith(t *testing.T, people int, versions ...fhir.Version) *world {
	t.Helper()
	s, err := bfdtest.New(t.Context(), dataset(t, people), versions...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Server: s, http: httptest.NewServer(s), clock: &clock{now: asOf()}, log: new(bytes.Buffer)}
	t.Cleanup(w.http.Close)
	return w
}

func asOf() time.Time { return time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC) }

func dataset(t *testing.T, people int) *synth.Dataset {
	t.Helper()
	d, err := synth.NewPopulation(42, asOf, synth.DatasetSponsors(people)...).Dataset(asOf())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// config is that of a client of the stand-in.
func (w *world) config() bfd.Config {
	c := bfd.Config{
		Bases:  map[fhir.Version]string{},
		Log:    slog.New(slog.NewTextHandler(w.log, nil)),
		Now:    w.clock.Now,
		Sleep:  w.clock.Sleep,
		Random: func() float64 { return 1 },
	}
	for _, v := range fhir.Versions() {
		c.Bases[v] = w.http.URL + "/" + v.String() + "/fhir"
	}
	return c
}

func (w *world) client(t *testing.T, change func(*bfd.Config)) *bfd.Client {
	t.Helper()
	c := w.config()
	if change != nil {
		change(&c)
	}
	client, err := bfd.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// busiest is the person with most claims.
func (w *world) busiest(v fhir.Version) (id coverage.EnrolleeID) {
	most := -1
	for _, p := range w.Patients(v) {
		if n := len(w.Claims(v, p)); n > most {
			id, most = p, n
		}
	}
	return id
}

// lines collects raw claims.
func lines(t *testing.T, c *bfd.Client, q bfd.ClaimQuery) (list []string, r bfd.Result, err error) {
	t.Helper()
	r, err = c.Claims(t.Context(), q, func(raw []byte) error {
		list = append(list, string(raw))
		return nil
	})
	return list, r, err
}

// wanted is what a client of ours gets of a person, by the data themselves.
func (w *world) wanted(v fhir.Version, id coverage.EnrolleeID) (list []string) {
	for _, c := range w.Claims(v, id) {
		if c.Part2 || c.Type == "pde" || v == fhir.V3 && c.Source != "NCH" {
			continue
		}
		list = append(list, string(c.Raw))
	}
	return list
}
