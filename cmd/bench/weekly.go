package main

import (
	"bufio"
	"bytes"
	"crypto/md5" //nolint:gosec // only to compare lines
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/ingest"
	"ab2d/internal/segment"
	"ab2d/internal/store"
	"ab2d/internal/synth"
)

const (
	// weeklyPeople is how many people's claims are loaded week by week.
	weeklyPeople = 1000
	// weeklyCount is how many loads follow the first.
	weeklyCount = 10
)

// weekly loads the claims of some people and then the changes of weeks, each an import of
// its own in this process, and exports before and after.
type weekly struct {
	*bench
	source *synth.Source
	begin  time.Time
	first  cost
	seen   map[[md5.Size]byte]bool
	claims int
}

// cost is what a load took.
type cost struct {
	seconds float64 // of processors
	growth  float64 // bytes of the database
	claims  int
}

// weeklyLoads measures what weekly loads and the exports after them cost.
func (b *bench) weeklyLoads() error {
	w := &weekly{bench: b, begin: time.Now().UTC().Truncate(time.Millisecond).AddDate(0, 0, -7*(weeklyCount+5)), seen: map[[md5.Size]byte]bool{}}
	w.source = synth.NewPopulation(1, time.Now, synth.DatasetSponsors(weeklyPeople)...)
	db, err := w.open("weekly.db")
	if err != nil {
		return err
	}
	defer db.Close()
	if w.first, err = w.load(db, w.begin, "first"); err != nil {
		return err
	}
	w.claims = len(w.seen)
	at := w.begin.AddDate(0, 0, 7)
	if err := w.report(db, at, "a week"); err != nil {
		return err
	}
	at = at.AddDate(0, 0, 35)
	month := at
	if err := w.report(db, at, "five weeks"); err != nil {
		return err
	}
	for range weeklyCount - 2 {
		at = at.AddDate(0, 0, 7)
		if _, err := w.load(db, at, "later"); err != nil {
			return err
		}
	}
	return w.exports(db, at, month)
}

func (w *weekly) open(name string) (*store.DB, error) {
	db, err := store.Open(w.ctx, "sqlite:"+filepath.Join(w.dir, name), nil)
	if err != nil {
		return nil, err
	}
	set, err := w.source.Dataset(w.begin)
	if err != nil {
		return nil, err
	}
	var contracts, enrollment bytes.Buffer
	if err := set.WriteContracts(&contracts); err != nil {
		return nil, err
	}
	if err := set.WriteEnrollment(&enrollment); err != nil {
		return nil, err
	}
	file, err := ingest.ReadContracts(&contracts, "contracts", false, func(ingest.ContractsReport) {})
	if err == nil {
		err = file.Store(w.ctx, db)
	}
	if err != nil {
		return nil, err
	}
	if file, err = ingest.ReadEnrollment(&enrollment, "enrollment", false, func(ingest.EnrollmentReport) {}); err == nil {
		err = file.Store(w.ctx, db)
	}
	return db, err
}

// load imports the claims that are new or changed at a time.
func (w *weekly) load(db *store.DB, at time.Time, name string) (c cost, err error) {
	file, n, err := w.changes(at)
	if err != nil {
		return c, err
	}
	return w.loadFile(db, file, fmt.Sprintf("%s %d", name, n), n)
}

func (w *weekly) loadFile(db *store.DB, file []byte, name string, claims int) (c cost, err error) {
	before, err := db.Readings(w.ctx)
	if err != nil {
		return c, err
	}
	runtime.GC() // what the generator left
	used := processorTime()
	i, err := ingest.OpenClaims(bytes.NewReader(file), ingest.ClaimsConfig{Name: name, Progress: func(int64) {},
		Rejects: func(bool) (io.WriteCloser, error) { return os.OpenFile(os.DevNull, os.O_WRONLY, 0) }})
	if err != nil {
		return c, err
	}
	if _, err := i.Store(w.ctx, db); err != nil {
		return c, err
	}
	c.seconds, c.claims = processorTime()-used, claims
	after, err := db.Readings(w.ctx)
	if err != nil {
		return c, err
	}
	c.growth = float64(after.Database - before.Database)
	return c, nil
}

// changes are the raw claims as of a time that were not there before.
func (w *weekly) changes(at time.Time) (file []byte, n int, err error) {
	set, err := w.source.Dataset(at)
	if err != nil {
		return nil, 0, err
	}
	r, to := io.Pipe()
	go func() {
		_, err := set.WriteClaims(w.ctx, to, fhir.V2)
		to.CloseWithError(err)
	}()
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return file, n, nil
		}
		if err != nil {
			return nil, 0, err
		}
		if sum := md5.Sum(line); !w.seen[sum] { //nolint:gosec // only to compare
			w.seen[sum] = true
			file = append(file, line...)
			n++
		}
	}
}

// report adds the rows of a load.
func (w *weekly) report(db *store.DB, at time.Time, what string) error {
	c, err := w.load(db, at, what)
	if err != nil {
		return err
	}
	share := float64(c.claims) / float64(w.first.claims)
	name := "load of the changes of " + what
	w.add(name+": processor time, against its share of the first load", c.seconds/w.first.seconds/share, "times", false, 3,
		fmt.Sprintf("%.2f s of %.1f s, for %.2f %% of the claims", c.seconds, w.first.seconds, 100*share))
	w.note(name+": growth of the database, against its share", c.growth/w.first.growth/share, "times", fmt.Sprintf("%.2f MB of %.0f MB", c.growth/1e6, w.first.growth/1e6))
	return nil
}

// exports adds the rows of exports: incremental, and with deltas that are not folded.
func (w *weekly) exports(db *store.DB, at, month time.Time) error {
	folded, err := w.open("folded.db")
	if err != nil {
		return err
	}
	defer folded.Close()
	clear(w.seen)
	if _, err := w.load(folded, at, "everything"); err != nil {
		return err
	}
	var full, whole, recent float64
	var lines [3]int
	for i, x := range []struct {
		db    *store.DB
		since time.Time
		to    *float64
	}{{db, time.Time{}, &full}, {folded, time.Time{}, &whole}, {db, month, &recent}} {
		if *x.to, lines[i], err = w.export(x.db, x.since); err != nil {
			return err
		}
	}
	if lines[0] != lines[1] {
		return fmt.Errorf("%d claims were exported with deltas, %d without", lines[0], lines[1])
	}
	w.add(fmt.Sprintf("full export after %d loads, against one of the same claims in one load", weeklyCount), full/whole, "times", false, 1.15, fmt.Sprintf("%.2f s, %.2f s", full, whole))
	w.add("incremental export after weekly loads, of the full one", recent/full, "", false, 0.04,
		fmt.Sprintf("%.3f s, for %.1f %% of the claims", recent, 100*float64(lines[2])/float64(lines[0])))
	return nil
}

// export reads all contracts, hashes and compresses as an export does, and returns the
// processor time in seconds, the least of five.
func (w *weekly) export(db *store.DB, since time.Time) (seconds float64, lines int, err error) {
	for i := range 5 {
		used := processorTime()
		n, err := w.exportOnce(db, since)
		if err != nil {
			return 0, 0, err
		}
		if took := processorTime() - used; i == 0 || took < seconds {
			seconds = took
		}
		lines = n
	}
	return seconds, lines, nil
}

func (w *weekly) exportOnce(db *store.DB, since time.Time) (lines int, err error) {
	j, err := segment.NewJoiner(3)
	if err != nil {
		return 0, err
	}
	contracts, err := db.Contracts(w.ctx)
	if err != nil {
		return 0, err
	}
	for _, found := range contracts {
		c, err := db.Contract(w.ctx, found.Number)
		if err != nil {
			return 0, err
		}
		snapshot, err := db.Snapshot(w.ctx, c.Number)
		if err != nil {
			return 0, err
		}
		list, err := db.Enrollees(w.ctx, c.Number, snapshot, -1<<63, 1<<30)
		if err != nil || len(list) == 0 {
			return 0, err
		}
		j.Reset(io.Discard)
		s := &hashed{Joiner: j, hash: sha256.New()}
		r, err := db.Open(w.ctx, export.Query{Version: fhir.V2, Snapshot: snapshot, First: list[0].ID, Last: list[len(list)-1].ID, Since: since})
		if err != nil {
			return 0, err
		}
		for i := range list {
			s.selection = &coverage.Selection{Contract: c, Enrollee: &list[i], Since: since, Until: time.Now()}
			if err := r.Write(w.ctx, s.selection, s); err != nil {
				return 0, err
			}
		}
		lines += s.lines
		if err := r.Close(); err != nil {
			return 0, err
		}
	}
	return lines, nil
}

// hashed is a sink that hashes and compresses.
type hashed struct {
	*segment.Joiner
	hash      hash.Hash
	selection *coverage.Selection
	lines     int
}

func (h *hashed) Wants(c *coverage.Claim) bool { return h.selection.Verdict(c) == coverage.Deliver }

func (h *hashed) Line(line []byte) error {
	h.lines++
	h.hash.Write(line)
	_, err := h.Write(line)
	return err
}

func (h *hashed) Segment(s segment.Segment, plain []byte, n int64) error {
	h.lines += int(n)
	h.hash.Write(plain)
	return h.Joiner.Segment(s)
}

// processorTime is what this process has used, in seconds.
func processorTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
