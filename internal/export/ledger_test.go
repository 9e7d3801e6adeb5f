package export

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/coverage"
)

func TestLedgerGivesBackWhatItRecorded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entry := rapid.Custom(func(t *rapid.T) Entry {
			e := Entry{
				Enrollee: coverage.EnrolleeID(rapid.Int64().Draw(t, "enrollee")),
				Outcome:  Outcome(rapid.IntRange(int(Delivered), int(NotRead)).Draw(t, "outcome")),
				Claims:   rapid.Int64Range(0, 1<<40).Draw(t, "claims"),
			}
			if e.Outcome == NotRead {
				e.Reason = rapid.String().Draw(t, "reason")
			}
			return e
		})
		want := rapid.SliceOf(entry).Draw(t, "entries")
		var l Ledger
		for _, e := range want {
			l.Record(e)
		}
		var got []Entry
		for e, err := range Entries(l.Bytes) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
		}
		if len(want) == 0 {
			want = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if l.Totals.Enrollees() != int64(len(want)) {
			t.Fatalf("%d enrollees are counted of %d", l.Totals.Enrollees(), len(want))
		}
	})
}

// FuzzEntries: damaged bytes end with an error, never with a panic or without end.
func FuzzEntries(f *testing.F) {
	var l Ledger
	l.Record(Entry{Enrollee: -10_000_000_000_000, Outcome: Delivered, Claims: 50})
	l.Record(Entry{Enrollee: 7, Outcome: NotRead, Reason: "no answer"})
	f.Add(l.Bytes)
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		for _, err := range Entries(b) {
			if n++; n > len(b)+1 {
				t.Fatal("more entries than bytes")
			}
			if err != nil {
				break
			}
		}
	})
}
