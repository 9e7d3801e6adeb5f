package synth

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/population"
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
	_, list := s.Enrollees(context.Background(), "Z9999", "synth-2.seed-42.20261124T080000.000Z", math.MinInt64, 1)
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
	if got, err := s.Snapshot(ctx, "Z0000"); err != nil || got != "synth-2.seed-42.20261101T030000.000Z" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, name := range []string{
		"", "synth-2.seed-42.", "synth-2.seed-42.2026-11", "synth-2.seed-42.20261301T000000.000Z", "synth-2.seed-42.20261124T080000.000Zx",
		"synth-1.seed-42.20261124T080000.000Z", "synth-2.seed-43.20261124T080000.000Z", "synth-2.seed-4.20261124T080000.000Z",
	} {
		if _, err := s.Enrollees(ctx, "Z0000", name, math.MinInt64, 1); !errors.Is(err, export.ErrNoSnapshot) {
			t.Errorf("snapshot %q: %v", name, err)
		}
		if _, err := s.Open(ctx, export.Query{Version: 1, Snapshot: name}); name != "" && !errors.Is(err, export.ErrNoSnapshot) {
			t.Errorf("claims of snapshot %q: %v", name, err)
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
	for _, from := range []coverage.EnrolleeID{population.FirstID + 1, 0, math.MaxInt64} {
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
	seen := map[coverage.EnrolleeID]coverage.Enrollee{}
	mbis := map[coverage.MBI]coverage.EnrolleeID{}
	moved := 0
	shape := regexp.MustCompile(`^[1-9]S[AC-HJKMNP-RT-Y0-9][0-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9][AC-HJKMNP-RT-Y]{2}[0-9]{2}$`)
	for _, p := range Sponsors() {
		list := enrollees(t, s, p.Contract)
		if len(list) != p.Enrollees {
			t.Errorf("%s has %d enrollees, want %d", p.Contract, len(list), p.Enrollees)
		}
		last := coverage.EnrolleeID(math.MinInt64)
		for _, e := range list {
			if e.ID <= last {
				t.Fatalf("enrollee %d is out of order or occurs twice", e.ID)
			}
			if other, was := seen[e.ID]; was {
				moved++
				if e.Months.Without(other.Months) != e.Months || e.Months.Empty() || other.Months.Empty() {
					t.Fatalf("enrollee %d moved from one sponsor to another, and is with both or with one only", e.ID)
				}
			}
			seen[e.ID], last = e, e.ID
			for _, m := range e.MBIs {
				if whose, was := mbis[m]; was && whose != e.ID || !shape.MatchString(string(m)) {
					t.Fatalf("an MBI of enrollee %d is another's too or has a wrong form", e.ID)
				}
				mbis[m] = e.ID
			}
		}
	}
	if moved < 180 || moved > 360 { // one to two of a hundred
		t.Errorf("%d people moved from one sponsor to another", moved)
	}
}

// TestPopulation holds the shares of the life events near what is intended.
func TestPopulation(t *testing.T) {
	list := enrollees(t, sourceAt(42, asOf), "Z0010")
	last := coverage.MonthOf(2026, 11)
	var early, left, gap, none, opted, historic int
	for _, e := range list {
		changes, enrolled := 0, false
		for m := population.EnrollmentStart; m <= last; m++ {
			if e.Months.Has(m) != enrolled {
				enrolled = !enrolled
				changes++
			}
		}
		if e.Months.Has(last+1) || len(e.MBIs) == 0 {
			t.Fatalf("enrollee %d has months to come, or no MBI", e.ID)
		}
		early += count(e.Months.Has(population.EnrollmentStart))
		left += count(!e.Months.Has(last))
		gap += count(changes >= 3)
		none += count(e.Months.Empty())
		opted += count(e.OptedOut)
		historic += count(len(e.MBIs) > 1)
	}
	for _, c := range []struct {
		name          string
		got, from, to int
	}{
		{"enrolled from January 2020", early, 6700, 7100},
		{"not enrolled any more", left, 2000, 3000},
		{"left and came back", gap, 60, 150},
		{"never enrolled yet", none, 0, 0},
		{"opted out", opted, 250, 350},
		{"with a historic MBI", historic, 450, 650},
	} {
		if c.got < c.from || c.got > c.to {
			t.Errorf("%s: %d of 10,000, want %d to %d", c.name, c.got, c.from, c.to)
		}
	}
}

// TestNothingAfterDeath shows that an enrollee has no service and no month of
// enrollment after the death.
func TestNothingAfterDeath(t *testing.T) {
	s := sourceAt(42, asOf)
	for _, e := range enrollees(t, s, "Z0000") {
		var p population.Person
		s.population.Demographics(&p, int(population.FirstID-e.ID))
		for _, o := range claimsOf(t, s, fhir.V1, selectionOf(t, s, "Z0000", &e), true).offers {
			if o.facts.Start > p.Life.Death || o.facts.End > p.Life.Death {
				t.Fatalf("enrollee %d has a service after death", e.ID)
			}
		}
		if e.Months.Has(p.Life.Death.Month() + 1) {
			t.Fatalf("enrollee %d is enrolled after death", e.ID)
		}
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// TestLaterSnapshotsOnlyAdd: an enrollee keeps every month and MBI.
func TestLaterSnapshotsOnlyAdd(t *testing.T) {
	then, now := sourceAt(42, asOf.AddDate(-2, 0, 0)), sourceAt(42, asOf)
	before, after := enrollees(t, then, "Z0001"), enrollees(t, now, "Z0001")
	if d := cmp.Diff(ids(before), ids(after)); d != "" {
		t.Fatal(d)
	}
	cut, cards := coverage.MonthOf(2024, 11), 0
	for i, b := range before {
		for m := population.EnrollmentStart; m <= cut+1; m++ {
			if b.Months.Has(m) != (after[i].Months.Has(m) && m <= cut) {
				t.Fatalf("enrollee %d: %s changed", b.ID, m)
			}
		}
		newer := len(after[i].MBIs) - len(b.MBIs)
		if newer < 0 || !slices.Equal(after[i].MBIs[newer:], b.MBIs) {
			t.Fatalf("enrollee %d lost an MBI", b.ID)
		}
		cards += newer
	}
	if cards == 0 {
		t.Error("nobody got a new MBI in two years")
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
	if err != nil || len(page) != 3 || page[0].ID != population.FirstID-1_018_099 {
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
	canceled := write(ctx, s, 1, selection, &collector{selection: selection})
	version := write(ctx, s, 9, selection, &collector{selection: selection})
	stranger := e
	stranger.ID = population.FirstID - 18_100
	unknown := write(ctx, s, 1, selectionOf(t, s, "Z0000", &stranger), &collector{selection: selection})
	if !errors.Is(full, failing.fail) || !errors.Is(canceled, context.Canceled) {
		t.Errorf("got %v and %v", full, canceled)
	}
	for _, err := range []error{full, canceled, version, unknown} {
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

// TestMembers: patients are found by their number in each version, in ascending order
// of id, and those of other contracts are not.
func TestMembers(t *testing.T) {
	s := sourceAt(42, asOf)
	ctx := context.Background()
	snapshot, err := s.Snapshot(ctx, "Z0000")
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Enrollees(ctx, "Z0000", snapshot, math.MinInt64, 1000)
	if err != nil {
		t.Fatal(err)
	}
	others, err := s.Enrollees(ctx, "Z0001", snapshot, math.MinInt64, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range fhir.Versions() {
		asked := []coverage.EnrolleeID{0, 7, math.MinInt64, math.MaxInt64, population.FirstStrangerV3}
		for i := range others {
			asked = append(asked, export.PatientOf(v, &others[i]))
		}
		for i := range all {
			if i%3 == 0 {
				asked = append(asked, export.PatientOf(v, &all[len(all)-1-i]), export.PatientOf(v, &all[len(all)-1-i]))
			}
		}
		got, err := s.Members(ctx, "Z0000", snapshot, v, asked)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Clone(all), func(e coverage.Enrollee) bool { return !slices.Contains(asked, export.PatientOf(v, &e)) })
		if d := cmp.Diff(want, got); d != "" || len(got) < len(all)/3 {
			t.Errorf("%s: %d found: %s", v, len(got), d)
		}
	}
}
