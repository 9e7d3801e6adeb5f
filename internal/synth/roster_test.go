package synth

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
)

func TestContract(t *testing.T) {
	s := sourceAt(42, asOf)
	got, err := s.Contract(context.Background(), "Z0001")
	if err != nil {
		t.Fatal(err)
	}
	want := coverage.Contract{Number: "Z0001", Sponsor: "PDP-1000", Attested: coverage.DateOf(2020, 3, 1), HasAttested: true}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestUnknownContract(t *testing.T) {
	s := sourceAt(42, asOf)
	_, contract := s.Contract(context.Background(), "Z9999")
	_, snapshot := s.Snapshot(context.Background(), "Z9999")
	_, list := s.Enrollees(context.Background(), "Z9999", "synth-1.seed-42.2026-11", math.MinInt64, 1)
	for name, err := range map[string]error{"Contract": contract, "Snapshot": snapshot, "Enrollees": list} {
		if !errors.Is(err, export.ErrNoContract) {
			t.Errorf("%s: got %v, want ErrNoContract", name, err)
		}
	}
}

func TestSnapshotNames(t *testing.T) {
	ctx := context.Background()
	newYork := time.FixedZone("", -5*3600)
	s := sourceAt(42, time.Date(2026, 10, 31, 22, 0, 0, 0, newYork))
	if got, err := s.Snapshot(ctx, "Z0000"); err != nil || got != "synth-1.seed-42.2026-11" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, name := range []string{
		"", "synth-1.seed-42.", "synth-1.seed-42.2026-13", "synth-1.seed-42.2026-1", "synth-1.seed-42.2026-11x",
		"synth-2.seed-42.2026-11", "synth-1.seed-43.2026-11", "synth-1.seed-4.2026-11", "synth-1.seed-42.-026-11",
	} {
		if _, err := s.Enrollees(ctx, "Z0000", name, math.MinInt64, 1); err == nil {
			t.Errorf("snapshot %q is accepted", name)
		}
	}
}

// TestPaging holds every walk in pages, from any id, equal to the whole list.
func TestPaging(t *testing.T) {
	s := sourceAt(7, asOf)
	ctx := context.Background()
	snapshot, _ := s.Snapshot(ctx, "Z0001")
	whole := enrollees(t, s, "Z0001")
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 1500).Draw(t, "limit")
		at := rapid.IntRange(0, len(whole)-1).Draw(t, "at")
		from := whole[at].ID
		if rapid.Bool().Draw(t, "from the beginning") {
			at, from = 0, math.MinInt64
		}
		var got []coverage.Enrollee
		for {
			page, err := s.Enrollees(ctx, "Z0001", snapshot, from, limit)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page...)
			if len(page) < limit {
				break
			}
			from = page[len(page)-1].ID + 1
		}
		if d := cmp.Diff(ids(whole[at:]), ids(got)); d != "" {
			t.Fatal(d)
		}
	})
}

func TestEnrolleesBeyondTheEnd(t *testing.T) {
	s := sourceAt(7, asOf)
	snapshot, _ := s.Snapshot(context.Background(), "Z0000")
	for _, from := range []coverage.EnrolleeID{firstID + 1, 0, math.MaxInt64} {
		if got, err := s.Enrollees(context.Background(), "Z0000", snapshot, from, 10); err != nil || len(got) != 0 {
			t.Errorf("from %d: got %d enrollees, %v", from, len(got), err)
		}
	}
}

func ids(list []coverage.Enrollee) (ids []coverage.EnrolleeID) {
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	return ids
}

func TestRosters(t *testing.T) {
	s := sourceAt(42, asOf)
	seen := map[coverage.EnrolleeID]bool{}
	mbis := map[coverage.MBI]bool{}
	shape := regexp.MustCompile(`^[1-9]S[AC-HJKMNP-RT-Y0-9][0-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9][AC-HJKMNP-RT-Y]{2}[0-9]{2}$`)
	for _, p := range Sponsors() {
		list := enrollees(t, s, p.Contract)
		if len(list) != p.Enrollees {
			t.Errorf("%s has %d enrollees, want %d", p.Contract, len(list), p.Enrollees)
		}
		last := coverage.EnrolleeID(math.MinInt64)
		for _, e := range list {
			if e.ID <= last || seen[e.ID] {
				t.Fatalf("enrollee %d is out of order or occurs twice", e.ID)
			}
			seen[e.ID], last = true, e.ID
			for _, m := range e.MBIs {
				if mbis[m] || !shape.MatchString(string(m)) {
					t.Fatalf("an MBI of enrollee %d occurs twice or has a wrong form", e.ID)
				}
				mbis[m] = true
			}
		}
	}
}

// TestPopulation holds the shares of the life events near what is intended.
func TestPopulation(t *testing.T) {
	list := enrollees(t, sourceAt(42, asOf), "Z0010")
	last := coverage.MonthOf(2026, 11)
	var early, through, gone, gap, opted, historic int
	for _, e := range list {
		changes, enrolled := 0, false
		for m := enrolmentStart; m <= last; m++ {
			if e.Months.Has(m) != enrolled {
				enrolled = !enrolled
				changes++
			}
		}
		if e.Months.Empty() || e.Months.Has(last+1) || len(e.MBIs) == 0 {
			t.Fatalf("enrollee %d has no months, or months to come, or no MBI", e.ID)
		}
		early += count(e.Months.Has(enrolmentStart))
		through += count(e.Months.Has(last) && changes == 1)
		gone += count(!e.Months.Has(last))
		gap += count(changes == 3)
		opted += count(e.OptedOut)
		historic += count(len(e.MBIs) > 1)
	}
	for _, c := range []struct {
		name          string
		got, from, to int
	}{
		{"enrolled from January 2020", early, 8300, 8700},
		{"enrolled once, to the end", through, 9100, 9500},
		{"left", gone, 300, 600},
		{"left and came back", gap, 150, 300},
		{"opted out", opted, 150, 250},
		{"with a historic MBI", historic, 400, 600},
	} {
		if c.got < c.from || c.got > c.to {
			t.Errorf("%s: %d of 10,000, want %d to %d", c.name, c.got, c.from, c.to)
		}
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// TestLaterSnapshotsOnlyAdd: an enrollee keeps every month, MBI and choice.
func TestLaterSnapshotsOnlyAdd(t *testing.T) {
	then, now := sourceAt(42, asOf.AddDate(-2, 0, 0)), sourceAt(42, asOf)
	before, after := enrollees(t, then, "Z0001"), enrollees(t, now, "Z0001")
	cut := coverage.MonthOf(2024, 11)
	for i := range before {
		var kept coverage.MonthSet
		for m := enrolmentStart; m <= cut; m++ {
			if after[i].Months.Has(m) {
				kept.Add(m)
			}
		}
		after[i].Months = kept
	}
	if d := cmp.Diff(before, after); d != "" {
		t.Error(d)
	}
}

func TestSponsorsCredentials(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Sponsors() {
		if !coverage.ValidContractNumber(p.Contract) || len(p.Credentials) == 0 {
			t.Errorf("%s: contract %q, %d credentials", p.Name, p.Contract, len(p.Credentials))
		}
		for _, c := range p.Credentials {
			if seen[c.ID] || len(c.Secrets) == 0 {
				t.Errorf("%s: client %s occurs twice or has no secret", p.Name, c.ID)
			}
			seen[c.ID] = true
		}
	}
}

// TestMoreSponsors: a sponsor for a load test comes after the sandbox's and
// changes nobody.
func TestMoreSponsors(t *testing.T) {
	s := New(42, func() time.Time { return asOf }, Sponsor{Name: "LOAD", Contract: "Z1000", Enrollees: 1_000_000})
	if d := cmp.Diff(enrollees(t, sourceAt(42, asOf), "Z0000"), enrollees(t, s, "Z0000")); d != "" {
		t.Error(d)
	}
	snapshot, _ := s.Snapshot(context.Background(), "Z1000")
	page, err := s.Enrollees(context.Background(), "Z1000", snapshot, math.MinInt64, 3)
	if err != nil || len(page) != 3 || page[0].ID != firstID-1_018_099 {
		t.Fatalf("got %v, %v", ids(page), err)
	}
	if n := claimsOf(t, s, 2, selectionOf(t, s, "Z1000", &page[0]), true); n.delivered() == 0 {
		t.Error("the last person of a million has no claims")
	}
}

// TestErrorsNameNobody: what Write reports must not identify a person.
func TestErrorsNameNobody(t *testing.T) {
	s := sourceAt(42, asOf)
	e := enrollees(t, s, "Z0000")[99]
	selection := selectionOf(t, s, "Z0000", &e)
	ctx, cancel := context.WithCancel(context.Background())
	failing := &collector{selection: selection, all: true, fail: errors.New("disk full")}
	full := write(ctx, s, 1, selection, failing)
	cancel()
	cancelled := write(ctx, s, 1, selection, &collector{selection: selection})
	version := write(ctx, s, 9, selection, &collector{selection: selection})
	stranger := e
	stranger.ID = firstID - 18_100
	unknown := write(ctx, s, 1, selectionOf(t, s, "Z0000", &stranger), &collector{selection: selection})
	if !errors.Is(full, failing.fail) || !errors.Is(cancelled, context.Canceled) {
		t.Errorf("got %v and %v", full, cancelled)
	}
	for _, err := range []error{full, cancelled, version, unknown} {
		if err == nil {
			t.Fatal("an error is missing")
		}
		text := fmt.Sprintf("%v %+v", err, err)
		for _, m := range e.MBIs {
			if strings.Contains(text, string(m)) {
				t.Error("an error holds an MBI")
			}
		}
		for _, id := range []coverage.EnrolleeID{e.ID, stranger.ID} {
			if strings.Contains(text, fmt.Sprint(int64(id))) {
				t.Error("an error holds an enrollee's id")
			}
		}
	}
}
