package mirror_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/ingest"
	"ab2d/internal/mirror"
	"ab2d/internal/segment"
	"ab2d/internal/store"
	"ab2d/internal/synth"
	"ab2d/internal/testserver"
)

func asOf() time.Time { return time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC) }

// clock is a time that moves on by a millisecond whenever it is asked for.
type clock struct{ asked atomic.Int64 }

func (c *clock) now() time.Time { return asOf().Add(time.Duration(c.asked.Add(1)) * time.Millisecond) }

// world is a stand-in for the upstream server, with what it serves.
type world struct {
	*bfdtest.Server
	set  *synth.Dataset
	http *httptest.Server
	log  *lockedBuffer
}

func newWorld(t *testing.T, people int) *world {
	t.Helper()
	set, err := synth.NewPopulation(42, asOf, synth.DatasetSponsors(people)...).Dataset(asOf())
	ok(t, err)
	s, err := bfdtest.New(t.Context(), set, fhir.Versions()...)
	ok(t, err)
	w := &world{Server: s, set: set, http: httptest.NewServer(s), log: &lockedBuffer{}}
	t.Cleanup(w.http.Close)
	return w
}

// lockedBuffer is a log that several write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a new database with the contracts.
func (w *world) open(t *testing.T) *store.DB {
	t.Helper()
	return w.openAt(t, "sqlite:"+filepath.Join(t.TempDir(), "ab2d.db"))
}

// openAt opens a database with the contracts at an address.
func (w *world) openAt(t *testing.T, address string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), address, new(clock).now)
	ok(t, err)
	t.Cleanup(func() { db.Close() })
	var contracts bytes.Buffer
	ok(t, w.set.WriteContracts(&contracts))
	file, err := ingest.ReadContracts(&contracts, "contracts", false, func(ingest.ContractsReport) {})
	ok(t, err)
	ok(t, file.Store(t.Context(), db))
	return db
}

// fromFiles is a database with the same data, from files.
func (w *world) fromFiles(t *testing.T, versions ...fhir.Version) *store.DB {
	t.Helper()
	db := w.open(t)
	var enrollment bytes.Buffer
	ok(t, w.set.WriteEnrollment(&enrollment))
	file, err := ingest.ReadEnrollment(&enrollment, "enrollment", false, func(ingest.EnrollmentReport) {})
	ok(t, err)
	ok(t, file.Store(t.Context(), db))
	for _, v := range versions {
		var raw bytes.Buffer
		_, err := w.set.WriteClaims(t.Context(), &raw, v)
		ok(t, err)
		claims, err := ingest.OpenClaims(&raw, ingest.ClaimsConfig{Name: v.String(), Version: v, Rejects: noRejects})
		ok(t, err)
		_, err = claims.Store(t.Context(), db)
		ok(t, err)
	}
	return db
}

func noRejects(bool) (io.WriteCloser, error) { return discard{io.Discard}, nil }

type discard struct{ io.Writer }

func (discard) Close() error { return nil }

// client is a client of the stand-in that does not wait.
func (w *world) client(t *testing.T, change func(*bfd.Config)) *bfd.Client {
	t.Helper()
	deadline := time.Minute              // longer than any call takes, under the race detector as well
	if os.Getenv("AB2D_TORTURE") != "" { // with faults that only it ends
		deadline = 2 * time.Second
	}
	c := bfd.Config{Bases: map[fhir.Version]string{}, MinPause: time.Millisecond, MaxPause: 2 * time.Millisecond, Deadline: deadline,
		Cooldown: 5 * time.Millisecond, Log: slog.New(slog.NewTextHandler(w.log, nil))}
	for _, v := range fhir.Versions() {
		c.Bases[v] = w.http.URL + "/" + v.String() + "/fhir"
	}
	if change != nil {
		change(&c)
	}
	client, err := bfd.New(c)
	ok(t, err)
	return client
}

// mirror is one that copies into db, with small parts.
func (w *world) mirror(t *testing.T, db *store.DB, change func(*mirror.Config)) *mirror.Mirror {
	t.Helper()
	c := mirror.Config{DB: db, Upstream: w.client(t, nil), Source: "stand-in", Versions: fhir.Versions(), Enrollment: true, Name: "test",
		People: 7, Retry: time.Nanosecond, GiveUp: time.Minute, Log: slog.New(slog.NewTextHandler(w.log, nil))}
	if change != nil {
		change(&c)
	}
	m, err := mirror.New(c)
	ok(t, err)
	return m
}

// dump reads everything that exports of all contracts would deliver, as it is stored.
func dump(t *testing.T, db *store.DB, v fhir.Version) map[string]string {
	t.Helper()
	contracts, err := db.Contracts(t.Context())
	ok(t, err)
	all := map[string]string{}
	for _, c := range contracts {
		contract, err := db.Contract(t.Context(), c.Number)
		ok(t, err)
		snapshot, err := db.Snapshot(t.Context(), c.Number)
		ok(t, err)
		enrollees, err := db.Enrollees(t.Context(), c.Number, snapshot, -1<<63, 1<<20)
		ok(t, err)
		if len(enrollees) == 0 {
			continue
		}
		r, err := db.Open(t.Context(), export.Query{Version: v, Snapshot: snapshot, First: enrollees[0].ID, Last: enrollees[len(enrollees)-1].ID})
		ok(t, err)
		for i := range enrollees {
			e := &enrollees[i]
			out := sink{s: &coverage.Selection{Contract: contract, Enrollee: e, Until: asOf().Add(24 * time.Hour)}}
			if err := r.Write(t.Context(), out.s, &out); err != nil {
				out.text = "error: " + err.Error()
			}
			all[fmt.Sprintf("%s %d with %d MBIs", c.Number, e.ID, len(e.MBIs))] = inOrder(out.text)
		}
		ok(t, r.Close())
	}
	return all
}

// inOrder are lines in alphabetical order: in which order they come depends on the loads
// that brought them.
func inOrder(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
}

// sink gathers one enrollee's claims.
type sink struct {
	s    *coverage.Selection
	text string
}

func (s *sink) Wants(c *coverage.Claim) bool { return s.s.Verdict(c) == coverage.Deliver }

func (s *sink) Line(line []byte) error {
	s.text += string(line)
	return nil
}

func (s *sink) Segment(_ segment.Segment, plain []byte, _ int64) error {
	s.text += string(plain)
	return nil
}

// same compares what two databases would export.
func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for who := range got {
		if _, known := want[who]; !known {
			t.Errorf("enrollee %s is not in the files", who)
		}
	}
	claims := 0
	for _, who := range slices.Sorted(maps.Keys(want)) {
		claims += len(want[who])
		if got[who] != want[who] { // whoever has no month that counts is not read, and has no claims
			t.Errorf("enrollee %s: %d bytes, want %d: %.80s", who, len(got[who]), len(want[who]), got[who])
		}
	}
	if claims == 0 {
		t.Error("nothing was compared")
	}
}

func once(t *testing.T, m *mirror.Mirror) *mirror.Summary {
	t.Helper()
	sum, err := m.Once(t.Context())
	ok(t, err)
	return sum
}

// TestMirrorEqualsFiles: the same raw claims by file and by mirror give the same
// exports, byte for byte, and a second round changes nothing.
func TestMirrorEqualsFiles(t *testing.T) {
	w := newWorld(t, 9)
	files := w.fromFiles(t, fhir.Versions()...)
	for name, address := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "ab2d.db") },
		"postgres": testserver.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			mirrored := w.openAt(t, address(t))
			m := w.mirror(t, mirrored, nil)
			sum := once(t, m)
			if sum.Failed != 0 || len(sum.Passes) != 3 {
				t.Errorf("got %+v", sum)
			}
			for _, v := range fhir.Versions() {
				same(t, dump(t, mirrored, v), dump(t, files, v))
			}
			for _, p := range once(t, m).Passes {
				if merged := p.Report.Merged; merged.New+merged.Replaced+merged.Removed+merged.Withdrawn != 0 {
					t.Errorf("a second pass of %s changed %+v", p.Version, merged)
				}
			}
		})
	}
}
