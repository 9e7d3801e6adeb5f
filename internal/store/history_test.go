package store_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
	"ab2d/internal/store"
)

// history is a sequence of changes to stored claims, beside a plain map of them.
type history struct {
	*claims
	t      *rapid.T
	first  coverage.EnrolleeID // of three
	letter string              // of the current identifiers
	model  map[string]store.Claim
	pins   []*heldPin
	jobs   int
	deltas int // that were there after each step
	folded int
}

// heldPin is a job that is planned, with what it has to read.
type heldPin struct {
	job, snapshot, letter string
	model                 map[string]store.Claim
	since                 time.Time
	files                 map[bool][]byte // what it read first: of everything, and since
}

// TestHistory holds what each of several jobs reads, all along, against a map of what
// was stored when it was planned: whatever is loaded, moved, withheld, refreshed, folded,
// abandoned and pruned meanwhile. A job that reads again writes the same bytes.
func TestHistory(t *testing.T) { each(t, testHistory) }

func testHistory(t *testing.T, open opener) {
	stores := []*claims{newClaims(t, open), newClaims(t, open)}
	stores[1].version = fhir.V3
	seq, deltas, folded := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		seq++
		h := &history{claims: stores[seq%2], t: t, first: coverage.EnrolleeID(seq * 3), model: map[string]store.Claim{}, jobs: seq * 1000}
		h.run()
		deltas, folded = deltas+h.deltas, folded+h.folded
	})
	if deltas == 0 || folded == 0 {
		t.Errorf("%d deltas were seen, %d enrollees folded", deltas, folded)
	}
}

func (h *history) run() {
	h.letter = "A"
	h.people()
	var all []store.Claim
	for i := range coverage.EnrolleeID(3) {
		all = append(all, h.claim(i, int(6+i), 1+int64(i), strings.Repeat("long", 300)))
	}
	h.apply(all)
	h.load(all...)
	for range rapid.IntRange(1, 8).Draw(h.t, "steps") {
		h.step()
		for _, p := range h.pins {
			h.checkPin(p)
		}
		if h.Failed() {
			h.t.FailNow()
		}
	}
	for len(h.pins) > 0 {
		h.unpin()
	}
}

func (h *history) step() {
	switch what := rapid.SampledFrom([]string{"load", "load", "load", "load", "batches", "abandon", "letter", "fold", "fold", "pin", "unpin"}).Draw(h.t, "step"); what {
	case "load":
		batch := h.batch()
		h.apply(batch)
		h.load(batch...)
	case "batches":
		l := h.begin(fmt.Sprint(h.clock.Now()))
		for range 2 {
			batch := h.batch()
			h.apply(batch)
			h.merge(l, batch...)
		}
		h.ok(h.Publish(h.Context(), l, audit.Entry{}))
		h.clock.Add(time.Minute)
	case "abandon":
		h.merge(h.begin("abandoned"), h.batch()...)
		_, err := h.Fold(h.Context(), true) // does nothing meanwhile
		h.ok(err)
		_, err = h.AbandonLoad(h.Context())
		h.ok(err)
	case "letter":
		h.letter = rapid.SampledFrom([]string{"A", "B", "C"}).Draw(h.t, "letter")
		h.people()
		if rapid.Bool().Draw(h.t, "refresh") {
			_, err := h.RefreshMBIs(h.Context(), contract)
			h.ok(err)
		}
	case "fold":
		n, err := h.Fold(h.Context(), true)
		h.ok(err)
		h.folded += n
	case "pin":
		h.pin()
	case "unpin":
		if len(h.pins) > 0 {
			h.unpin()
		}
	}
	_, deltas, err := h.Rows(h.Context())
	h.ok(err)
	h.deltas += deltas
	p := &heldPin{snapshot: h.snapshot(), letter: h.letter, model: h.model, since: time.UnixMilli(rapid.Int64Range(0, 8).Draw(h.t, "since"))}
	h.checkPin(p)
}

// people makes the enrollment.
func (h *history) people() {
	var all []coverage.Enrollee
	for id := h.first; id < h.first+3; id++ {
		e := coverage.Enrollee{ID: id, PatientV3: h.patient(id), MBIs: []coverage.MBI{mbi(id%100, h.letter), mbi(id%100, "X")}}
		e.Months.AddRange(coverage.MonthOf(2020, 1), coverage.MonthOf(2026, 1))
		all = append(all, e)
	}
	_, err := h.PutEnrollment(h.Context(), contract, all, true)
	h.ok(err)
}

// patient is the number in version 3, whose order is another.
func (h *history) patient(id coverage.EnrolleeID) coverage.EnrolleeID { return 1_000_000 - id }

func (h *history) claim(person coverage.EnrolleeID, id int, updated int64, text string) store.Claim {
	number := h.first + person
	if h.version == fhir.V3 {
		number = h.patient(number)
	}
	return claim(number, int(h.first)*10+id, updated, text)
}

// batch draws claims, each of another id.
func (h *history) batch() (batch []store.Claim) {
	for _, id := range rapid.SliceOfNDistinct(rapid.IntRange(0, 8), 0, 4, rapid.ID).Draw(h.t, "ids") {
		text := rapid.StringMatching(`[ab]`).Draw(h.t, "text")
		if id >= 6 {
			text = strings.Repeat(text, 1200)
		}
		cl := h.claim(coverage.EnrolleeID(rapid.IntRange(0, 2).Draw(h.t, "person")), id, rapid.Int64Range(0, 8).Draw(h.t, "updated"), text)
		cl.Withheld = rapid.IntRange(0, 5).Draw(h.t, "withheld") == 0
		batch = append(batch, cl)
	}
	return batch
}

// apply changes the model.
func (h *history) apply(batch []store.Claim) {
	h.model = maps.Clone(h.model)
	for _, cl := range batch {
		old, there := h.model[cl.Entry.ID]
		switch {
		case there && old.Entry.LastUpdated > cl.Entry.LastUpdated:
		case cl.Withheld:
			delete(h.model, cl.Entry.ID)
		default:
			h.model[cl.Entry.ID] = cl
		}
	}
}

// pin plans a job with what is published.
func (h *history) pin() {
	h.jobs++
	p := &heldPin{job: fmt.Sprintf("%08x-0000-4000-8000-000000000000", h.jobs), snapshot: h.snapshot(), letter: h.letter, model: h.model,
		since: time.UnixMilli(rapid.Int64Range(1, 8).Draw(h.t, "pinned since")), files: map[bool][]byte{}}
	j := &export.Job{ID: p.job, Contract: contract, Version: h.version, State: export.Accepted, TransactionTime: h.clock.Now()}
	h.ok(h.Accept(h.Context(), j, 1000))
	for {
		task, err := h.Lease(h.Context(), "w", "test:", time.Hour)
		h.ok(err)
		if task.Lease.Job == p.job {
			h.ok(h.SavePlan(h.Context(), task.Lease, p.snapshot, []export.Part{{Number: 1, First: 1, Last: 2, Enrollees: 2}}))
			break
		}
	}
	h.pins = append(h.pins, p)
}

func (h *history) unpin() {
	_, err := h.Delete(h.Context(), h.pins[0].job)
	h.ok(err)
	h.pins = h.pins[1:]
}

// checkPin compares what a job reads with the model, and with what it read before.
func (h *history) checkPin(p *heldPin) {
	for _, since := range []time.Time{{}, p.since} {
		got := h.read(p.snapshot, since)
		for id := h.first; id < h.first+3; id++ {
			number, ids := id, []coverage.MBI{mbi(id%100, p.letter), mbi(id%100, "X")}
			if h.version == fhir.V3 {
				number, ids = h.patient(id), ids[:1]
			}
			wanted := slices.DeleteFunc(inOrder(p.model, number), func(cl store.Claim) bool { return cl.Entry.LastUpdated <= millisOf(since) })
			h.check(got[id], ids, wanted...)
		}
		if p.files == nil {
			continue
		}
		file := h.gzip(p.snapshot, since)
		if first, again := p.files[since.IsZero()]; again && !bytes.Equal(first, file) {
			h.Errorf("read again, a job writes other bytes: %d, at first %d", len(file), len(first))
		}
		p.files[since.IsZero()] = file
	}
}

func millisOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// zipped writes what it is given into a gzip file.
type zipped struct {
	delivery
	*segment.Joiner
}

func (z *zipped) Line(b []byte) error {
	_, err := z.Write(b)
	return err
}

func (z *zipped) Segment(s segment.Segment, _ []byte, _ int64) error { return z.Joiner.Segment(s) }

// gzip is the file of a snapshot's claims, updated after since.
func (h *history) gzip(snapshot string, since time.Time) []byte {
	enrollees, err := h.Enrollees(h.Context(), contract, snapshot, -1<<63, 1000)
	h.ok(err)
	con, err := h.Contract(h.Context(), contract)
	h.ok(err)
	r, err := h.Open(h.Context(), export.Query{Version: h.version, Snapshot: snapshot, First: -1 << 63, Last: 1<<63 - 1, Since: since})
	h.ok(err)
	defer r.Close()
	j, err := segment.NewJoiner(3)
	h.ok(err)
	var file bytes.Buffer
	j.Reset(&file)
	for i := range enrollees {
		sel := &coverage.Selection{Contract: con, Enrollee: &enrollees[i], Since: since, Until: time.UnixMilli(1 << 50)}
		h.ok(r.Write(h.Context(), sel, &zipped{delivery: delivery{sel: sel}, Joiner: j}))
	}
	h.ok(j.Close())
	return file.Bytes()
}
