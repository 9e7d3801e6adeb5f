package coverage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func date(t testing.TB, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestMonthEdges(t *testing.T) {
	for _, c := range []struct{ month, first, last string }{
		{"2020-02", "2020-02-01", "2020-02-29"},
		{"2023-02", "2023-02-01", "2023-02-28"},
		{"2021-12", "2021-12-01", "2021-12-31"},
		{"2024-01", "2024-01-01", "2024-01-31"},
	} {
		m := date(t, c.first).Month()
		if m.String() != c.month || m.First().String() != c.first || m.Last().String() != c.last {
			t.Errorf("%s: got %s from %s to %s", c.month, m, m.First(), m.Last())
		}
	}
}

func TestParseDateRefuses(t *testing.T) {
	for _, s := range []string{"", "2020", "2020-02", "2020-02-30", "20200201", "2020-02-01x"} {
		if d, err := ParseDate(s); err == nil {
			t.Errorf("ParseDate(%q) = %s, want an error", s, d)
		}
	}
	if d, err := ParseDay("2020-02-01T23:00:00-05:00"); err == nil {
		t.Errorf("ParseDay takes a time: %s", d)
	}
}

func TestMonthSet_Between(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set MonthSet
		for _, n := range rapid.SliceOf(rapid.IntRange(int(firstMonth), int(firstMonth)+255)).Draw(t, "months") {
			set.Add(Month(n))
		}
		first := Month(rapid.IntRange(int(firstMonth)-3, int(firstMonth)+258).Draw(t, "first"))
		last := Month(rapid.IntRange(int(firstMonth)-3, int(firstMonth)+258).Draw(t, "last"))
		got := set.Between(first, last)
		for m := firstMonth; m < firstMonth+256; m++ {
			if want := set.Has(m) && m >= first && m <= last; got.Has(m) != want {
				t.Fatalf("Between(%s, %s) has %s: %v, want %v", first, last, m, got.Has(m), want)
			}
		}
	})
}

// TestMonthSetAgainstMap holds the bitmap equal to a plain map of months.
func TestMonthSetAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set MonthSet
		naive := map[Month]bool{}
		for _, n := range rapid.SliceOf(rapid.IntRange(int(firstMonth), int(firstMonth)+255)).Draw(t, "months") {
			set.Add(Month(n))
			naive[Month(n)] = true
		}
		first := Date(rapid.IntRange(17300, 25400).Draw(t, "first"))
		last := first + Date(rapid.IntRange(-3, 120).Draw(t, "days"))
		want := false
		for d := first; d <= last; d++ {
			want = want || naive[d.Month()]
		}
		if got := set.Overlaps(first, last); got != want {
			t.Fatalf("Overlaps(%s, %s) = %v, want %v", first, last, got, want)
		}
	})
}

// selection is a contract attested 2020-03-01 and an enrollee of May and July 2021.
func selection() *Selection {
	e := &Enrollee{ID: -7, MBIs: []MBI{"1S00E00AA00"}}
	e.Months.Add(MonthOf(2021, time.May))
	e.Months.Add(MonthOf(2021, time.July))
	return &Selection{
		Contract: Contract{Number: "Z0000", Attested: DateOf(2020, time.March, 1), HasAttested: true},
		Enrollee: e,
		Until:    time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func claim(t testing.TB, start, end string) *Claim {
	return &Claim{
		Patient: -7, Type: Carrier, Start: date(t, start), End: date(t, end), HasStart: true, HasEnd: true,
		LastUpdated: time.Date(2021, 9, 1, 0, 0, 0, 0, time.UTC),
	}
}

// verdictCase is a claim of a start and an end, and what becomes of it.
type verdictCase struct {
	name       string
	start, end string
	change     func(*Selection, *Claim)
	want       Verdict
}

func testVerdicts(t *testing.T, cases []verdictCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, cl := selection(), claim(t, c.start, c.end)
			if c.change != nil {
				c.change(s, cl)
			}
			if got := s.Verdict(cl); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestVerdict: a claim is delivered by its kind and the months of enrollment.
func TestVerdict(t *testing.T) {
	testVerdicts(t, []verdictCase{
		{"inside a month", "2021-05-10", "2021-05-10", nil, Deliver},
		{"first day of the month", "2021-05-01", "2021-05-01", nil, Deliver},
		{"last day of the month", "2021-05-31", "2021-05-31", nil, Deliver},
		{"day before the month", "2021-04-30", "2021-04-30", nil, NotEnrolled},
		{"day after the month", "2021-06-01", "2021-06-01", nil, NotEnrolled},
		{"the gap between months", "2021-06-01", "2021-06-30", nil, NotEnrolled},
		{"a stay that spans the gap", "2021-05-31", "2021-07-01", nil, Deliver},
		{"a stay that spans the only month", "2021-04-15", "2021-06-15", nil, Deliver},
		{"another patient", "2021-05-10", "2021-05-10", func(_ *Selection, c *Claim) { c.Patient = 7 }, NotPatient},
		{"Part D", "2021-05-10", "2021-05-10", func(_ *Selection, c *Claim) { c.PartD = true }, PartDEvent},
		{"unknown type", "2021-05-10", "2021-05-10", func(_ *Selection, c *Claim) { c.Type = OtherClaim }, NotOfferedType},
		{"substance use", "2021-05-10", "2021-05-10", func(_ *Selection, c *Claim) { c.Part2 = true }, SubstanceUse},
		{"no start", "2021-05-10", "2021-05-10", func(_ *Selection, c *Claim) { c.HasStart = false }, NoBillablePeriod},
		{"no end", "2021-05-10", "2021-05-10", func(_ *Selection, c *Claim) { c.HasEnd = false }, NoBillablePeriod},
		{"no lastUpdated", "2021-05-10", "2021-05-10", func(_ *Selection, c *Claim) { c.LastUpdated = time.Time{} }, NoLastUpdated},
		{"enrolled for ever, of the month of the job", "2021-12-31", "2021-12-31", func(s *Selection, _ *Claim) {
			s.Until = time.Date(2021, 12, 1, 0, 0, 0, 0, time.UTC)
			s.Enrollee.Months.AddRange(MonthOf(2021, time.May), LastMonth)
		}, Deliver},
		{"enrolled for ever, of a month after the job", "2022-01-01", "2022-01-01", func(s *Selection, _ *Claim) {
			s.Until = time.Date(2021, 12, 31, 23, 59, 59, 0, time.UTC)
			s.Enrollee.Months.AddRange(MonthOf(2021, time.May), LastMonth)
		}, NotEnrolled},
		{"enrolled only before 2020", "2019-12-20", "2020-01-05", func(s *Selection, _ *Claim) {
			s.Contract.Attested = 0
			s.Enrollee.Months = MonthSet{}
			s.Enrollee.Months.Add(MonthOf(2019, time.December))
		}, NotEnrolled},
	})
}

// TestVerdict_Attestation: nothing from before the attestation is delivered.
func TestVerdict_Attestation(t *testing.T) {
	since := time.Date(2021, 9, 1, 0, 0, 0, 0, time.UTC)
	testVerdicts(t, []verdictCase{
		{"not attested", "2021-05-10", "2021-05-10", func(s *Selection, _ *Claim) { s.Contract.HasAttested = false }, BeforeAttestation},
		{"ends on the attestation day", "2021-05-10", "2021-05-11", func(s *Selection, _ *Claim) { s.Contract.Attested = DateOf(2021, 5, 11) }, Deliver},
		{"ends the day before attestation", "2021-05-10", "2021-05-10", func(s *Selection, _ *Claim) { s.Contract.Attested = DateOf(2021, 5, 11) }, BeforeAttestation},
		{"attested long ago, ends in 2019", "2019-12-31", "2019-12-31", func(s *Selection, _ *Claim) { s.Contract.Attested = 0 }, BeforeEarliest},
		{"enrolled only before the attestation's month", "2021-05-31", "2021-06-15", func(s *Selection, _ *Claim) { s.Contract.Attested = DateOf(2021, 6, 1) }, NotEnrolled},
		{"enrolled before and after the gap with the attestation", "2021-05-31", "2021-07-01", func(s *Selection, _ *Claim) { s.Contract.Attested = DateOf(2021, 6, 1) }, Deliver},
		{"attested on the month's last day", "2021-05-10", "2021-06-02", func(s *Selection, _ *Claim) { s.Contract.Attested = DateOf(2021, 5, 31) }, Deliver},
		{"attested the day after the month's last day", "2021-05-10", "2021-06-02", func(s *Selection, _ *Claim) { s.Contract.Attested = DateOf(2021, 6, 1) }, NotEnrolled},
		{"older, of a month that is new, and of one before the attestation", "2021-05-31", "2021-07-01", func(s *Selection, c *Claim) {
			s.Contract.Attested = DateOf(2021, 6, 30)
			s.Since, c.LastUpdated = since, since
			s.Added.Add(MonthOf(2021, time.July))
		}, Deliver},
		{"updated before the attestation", "2021-05-10", "2021-05-11", func(s *Selection, c *Claim) {
			s.Contract.Attested = DateOf(2021, 5, 11)
			c.LastUpdated = time.Date(2021, 5, 10, 23, 59, 59, 999e6, time.UTC)
		}, BeforeAttestation},
		{"updated on the attestation day", "2021-05-10", "2021-05-11", func(s *Selection, c *Claim) {
			s.Contract.Attested = DateOf(2021, 5, 11)
			c.LastUpdated = time.Date(2021, 5, 11, 0, 0, 0, 0, time.UTC)
		}, Deliver},
	})
}

// TestVerdict_Updated: _since and _until select by lastUpdated, except in new months.
func TestVerdict_Updated(t *testing.T) {
	since := time.Date(2021, 9, 1, 0, 0, 0, 0, time.UTC)
	testVerdicts(t, []verdictCase{
		{"updated exactly at _since", "2021-05-10", "2021-05-10", func(s *Selection, _ *Claim) { s.Since = since }, NotSince},
		{"updated just after _since", "2021-05-10", "2021-05-10", func(s *Selection, _ *Claim) { s.Since = since.Add(-time.Millisecond) }, Deliver},
		{"older, but of a month that is new", "2021-07-10", "2021-07-10", func(s *Selection, c *Claim) {
			s.Since, c.LastUpdated = since, since
			s.Added.Add(MonthOf(2021, time.July))
		}, Deliver},
		{"older, of a new month and one that is not", "2021-05-30", "2021-07-02", func(s *Selection, c *Claim) {
			s.Since, c.LastUpdated = since, since
			s.Added.Add(MonthOf(2021, time.July))
		}, NotSince},
		{"updated exactly at _until", "2021-05-10", "2021-05-10", func(s *Selection, _ *Claim) { s.Until = since }, Deliver},
		{"updated just after _until", "2021-05-10", "2021-05-10", func(s *Selection, _ *Claim) { s.Until = since.Add(-time.Millisecond) }, NotUntil},
	})
}

// TestVerdict_ServiceDate: one of the searches must match in whole.
func TestVerdict_ServiceDate(t *testing.T) {
	testVerdicts(t, []verdictCase{
		{"service-date matches", "2021-05-10", "2021-05-12", func(s *Selection, _ *Claim) {
			s.ServiceDates = []ServiceDates{endsBetween(12, 20)}
		}, Deliver},
		{"one of two service-dates matches", "2021-05-10", "2021-05-12", func(s *Selection, _ *Claim) {
			s.ServiceDates = []ServiceDates{endsBetween(1, 11), endsBetween(12, 12)}
		}, Deliver},
		{"neither of two service-dates matches", "2021-05-10", "2021-05-12", func(s *Selection, _ *Claim) {
			s.ServiceDates = []ServiceDates{endsBetween(1, 11), endsBetween(13, 31)}
		}, NotServiceDate},
		{"one half of a service-date does not match", "2021-05-10", "2021-05-12", func(s *Selection, _ *Claim) {
			d := AnyServiceDates()
			d.StartFrom = DateOf(2021, 5, 11)
			s.ServiceDates = []ServiceDates{endsBetween(1, 31).Both(d)}
		}, NotServiceDate},
	})
}

func TestMBINeverPrints(t *testing.T) {
	e := Enrollee{ID: -1, MBIs: []MBI{"1S00E00AA00"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if out := fmt.Sprintf(verb, e); strings.Contains(out, "1S00E00AA00") {
			t.Errorf("%s prints the identifier: %s", verb, out)
		}
	}
}

func TestContractNumber(t *testing.T) {
	for s, want := range map[string]bool{"Z0000": true, "S1234": true, "": false, "z0000": false, "Z000": false, "Z00000": false, "../Z0000": false} {
		if ValidContractNumber(s) != want {
			t.Errorf("ValidContractNumber(%q) is not %v", s, want)
		}
	}
}

func TestClaimTypes(t *testing.T) {
	for t1 := Carrier; t1 <= SNF; t1++ {
		if ParseClaimType(t1.String()) != t1 {
			t.Errorf("%s does not come back", t1)
		}
	}
	if ParseClaimType("pde") != OtherClaim || ParseClaimType("other") != OtherClaim {
		t.Error("an unknown type must be OtherClaim")
	}
}

// endsBetween leaves in what ends between two days of May 2021.
func endsBetween(from, to int) ServiceDates {
	d := AnyServiceDates()
	d.EndFrom, d.EndTo = DateOf(2021, 5, from), DateOf(2021, 5, to)
	return d
}
