package coverage

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// day is a calendar day of the naive model, which knows no numbers of days and
// no bitmaps: it steps from day to day as a person with a calendar would.
type day struct {
	year, month, day int
}

func (d day) next() day {
	length := []int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[d.month-1]
	if d.month == 2 && (d.year%4 == 0 && d.year%100 != 0 || d.year%400 == 0) {
		length = 29
	}
	switch {
	case d.day < length:
		return day{d.year, d.month, d.day + 1}
	case d.month < 12:
		return day{d.year, d.month + 1, 1}
	}
	return day{d.year + 1, 1, 1}
}

func (d day) before(o day) bool {
	if d.year != o.year {
		return d.year < o.year
	}
	if d.month != o.month {
		return d.month < o.month
	}
	return d.day < o.day
}

func (d day) date() Date { return DateOf(d.year, time.Month(d.month), d.day) }

// edges are days near which mistakes are made: ends of months and years, leap
// days, and the days on which New York's clocks change.
var edges = []day{
	{2019, 12, 30}, {2020, 1, 1}, {2020, 2, 27}, {2020, 2, 29}, {2020, 3, 7}, {2020, 10, 31}, {2020, 12, 31}, {2021, 2, 27},
	{2021, 3, 13}, {2021, 11, 6}, {2021, 12, 30}, {2023, 2, 28}, {2024, 2, 28}, {2024, 4, 29}, {2025, 6, 30},
}

func drawDay(t *rapid.T, name string) day {
	d := rapid.SampledFrom(edges).Draw(t, name)
	for range rapid.IntRange(0, 5).Draw(t, name+" later") {
		d = d.next()
	}
	return d
}

// naive is what the rules say, in the plainest way: look at every day of the
// claim.
type naive struct {
	attested day
	months   map[[2]int]bool // year and month
	added    map[[2]int]bool
	since    int64 // milliseconds from the year 2030 on; 0 for none
	until    int64
}

// moment is a time in the naive model's milliseconds: after every attestation
// that it draws.
func moment(ms int64) time.Time {
	return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

func (n naive) delivers(start, end day, updated int64) bool {
	if end.before(n.attested) || end.before(day{2020, 1, 1}) || updated > n.until {
		return false
	}
	enrolled, before := false, false
	for d := start; !end.before(d); d = d.next() {
		m := [2]int{d.year, d.month}
		if d.before(day{n.attested.year, n.attested.month, 1}) || d.before(day{2020, 1, 1}) {
			continue // nobody's month counts before that of the attestation
		}
		enrolled = enrolled || n.months[m]
		before = before || n.months[m] && !n.added[m]
	}
	return enrolled && (n.since == 0 || updated > n.since || !before)
}

// TestVerdictAgainstModel holds the rules against the model, over enrollments
// with gaps, stays that span months and years, and equal moments.
func TestVerdictAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := naive{attested: drawDay(t, "attested"), months: map[[2]int]bool{}, added: map[[2]int]bool{}, until: 50}
		e := Enrollee{ID: 1, MBIs: []MBI{"1S00E00AA00"}}
		s := Selection{Contract: Contract{Number: "Z0000", Attested: n.attested.date(), HasAttested: true}, Enrollee: &e, Until: moment(n.until)}
		for range rapid.IntRange(0, 8).Draw(t, "months") {
			d := drawDay(t, "enrolled")
			m := [2]int{d.year, d.month}
			n.months[m] = true
			e.Months.Add(d.date().Month())
			if rapid.Bool().Draw(t, "added") {
				n.added[m] = true
				s.Added.Add(d.date().Month())
			}
		}
		if n.since = rapid.Int64Range(0, 3).Draw(t, "since"); n.since > 0 {
			s.Since = moment(n.since)
		}
		for range 10 {
			start := drawDay(t, "start")
			end := start
			for range rapid.SampledFrom([]int{0, 0, 1, 2, 30, 31, 59, 366}).Draw(t, "days") {
				end = end.next()
			}
			updated := rapid.SampledFrom([]int64{1, 2, 3, 4, 49, 50, 51}).Draw(t, "updated")
			c := Claim{Patient: 1, Type: SNF, Start: start.date(), End: end.date(), HasStart: true, HasEnd: true, LastUpdated: moment(updated)}
			want := n.delivers(start, end, updated)
			if got := s.Verdict(&c); (got == Deliver) != want {
				t.Fatalf("%v to %v, updated %d: %q, the model delivers: %v", start, end, updated, got, want)
			}
			if want && s.NothingUpTo(c.LastUpdated) {
				t.Fatal("NothingUpTo rules a claim out that is delivered")
			}
		}
	})
}
