package coverage

import (
	"fmt"
	"time"
)

// Date is a calendar date without time or zone: days since 1970-01-01. The
// zero value is a date like any other; absence is said beside it (Claim.HasStart).
type Date int32

// DateOf returns the calendar date of year, month and day.
func DateOf(year int, month time.Month, day int) Date {
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ParseDate reads a FHIR date of full precision, YYYY-MM-DD. A longer FHIR
// dateTime is cut to its calendar date as written, without regard to its zone.
func ParseDate(s string) (Date, error) {
	if len(s) > 10 && s[10] == 'T' {
		s = s[:10]
	}
	return ParseDay(s)
}

// ParseDay reads a date YYYY-MM-DD and nothing longer: what an operator or a file
// says is a day, and a time could mean another day in another zone.
func ParseDay(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("date %q is not of the form YYYY-MM-DD", s)
	}
	return Date(t.Unix() / 86400), nil
}

// Time returns midnight UTC at the start of the date.
func (d Date) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String formats the date as YYYY-MM-DD.
func (d Date) String() string { return d.Time().Format(time.DateOnly) }

// Month returns the calendar month the date lies in.
func (d Date) Month() Month {
	t := d.Time()
	return MonthOf(t.Year(), t.Month())
}

// Month is a calendar month: months since January 1970.
type Month int32

// MonthOf returns the month of a year.
func MonthOf(year int, month time.Month) Month {
	return Month((year-1970)*12 + int(month) - 1)
}

// First returns the first day of the month.
func (m Month) First() Date { return DateOf(1970, time.January+time.Month(m), 1) }

// Last returns the last day of the month.
func (m Month) Last() Date { return (m + 1).First() - 1 }

// String formats the month as YYYY-MM.
func (m Month) String() string { return m.First().Time().Format("2006-01") }

// firstMonth is the first month a MonthSet can hold, January 2018. No claim that
// ends before 2020 is ever delivered (see EarliestService), but a stay that ends
// later may have begun in a month of enrollment before.
const firstMonth = Month(48 * 12)

// LastMonth is the last month that a MonthSet can hold, April 2039. An
// enrollment that is still open reaches to it.
const LastMonth = firstMonth + 255

// MonthSet is a set of calendar months from January 2018 to April 2039, one
// bit a month. The zero value is the empty set. It is comparable.
type MonthSet [4]uint64

// Add puts a month into the set. Months outside its span are left out: claims
// of such months are never delivered.
func (s *MonthSet) Add(m Month) {
	if i := m - firstMonth; i >= 0 && i < 256 {
		s[i/64] |= 1 << (i % 64)
	}
}

// AddRange puts all months from first to last, both included, into the set.
func (s *MonthSet) AddRange(first, last Month) {
	for m := max(first, firstMonth); m <= last && m <= LastMonth; m++ {
		s.Add(m)
	}
}

// Has tells whether the month is in the set.
func (s MonthSet) Has(m Month) bool {
	i := m - firstMonth
	return i >= 0 && i < 256 && s[i/64]&(1<<(i%64)) != 0
}

// Without gives the months of s that are not in o.
func (s MonthSet) Without(o MonthSet) MonthSet {
	for i := range s {
		s[i] &^= o[i]
	}
	return s
}

// Between gives the months of s from first to last, both included.
func (s MonthSet) Between(first, last Month) MonthSet {
	below := min(max(int64(first-firstMonth), 0), 256)        // months before first
	through := min(max(int64(last-firstMonth)+1, below), 256) // and those up to last
	for i := range s {
		word := int64(i) * 64
		s[i] &= lowBits(through-word) &^ lowBits(below-word)
	}
	return s
}

// lowBits has the n lowest bits set: none below 0, all from 64 on.
func lowBits(n int64) uint64 { return 1<<min(max(n, 0), 64) - 1 }

// Overlaps tells whether the days from first to last, both included, touch at
// least one month of the set.
func (s MonthSet) Overlaps(first, last Date) bool {
	if last < first {
		return false
	}
	until := min(last.Month(), LastMonth)
	for m := max(first.Month(), firstMonth); m <= until; m++ {
		if s.Has(m) {
			return true
		}
	}
	return false
}

// Empty tells whether the set has no month.
func (s MonthSet) Empty() bool { return s == MonthSet{} }
