package eobjson

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
)

// Buffer is the line that is being written. Functions that write list elements
// leave a comma after each; end removes the last one. A buffer is reused for
// many lines and is not safe for concurrent use.
type Buffer struct {
	b        []byte
	mbis     []byte // the enrollee's MBI extensions, the same on every claim
	withheld bool   // also write what a sponsor may not see
}

// text appends parts as they are. They are constants and displays of the code
// tables, and none of them needs escaping in JSON.
func (w *Buffer) text(parts ...string) {
	for _, p := range parts {
		w.b = append(w.b, p...)
	}
}

// end closes a list or an object. It removes the comma after the last element.
func (w *Buffer) end(bracket string) {
	if n := len(w.b) - 1; w.b[n] == ',' {
		w.b = w.b[:n]
	}
	w.b = append(w.b, bracket...)
}

// number appends a decimal integer.
func (w *Buffer) number(n int64) {
	if n < 0 {
		w.b = append(w.b, '-')
		n = -n
	}
	var d [20]byte
	i := len(d)
	for {
		i--
		d[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			break
		}
	}
	w.b = append(w.b, d[i:]...)
}

// digits appends the last count decimal digits of n, with leading zeros.
func (w *Buffer) digits(n uint64, count int) {
	at := len(w.b)
	for range count {
		w.b = append(w.b, '0')
	}
	for i := at + count - 1; i >= at; i-- {
		w.b[i] = byte('0' + n%10)
		n /= 10
	}
}

// cents appends an amount of money as dollars with two decimals.
func (w *Buffer) cents(n int) {
	w.number(int64(n / 100))
	w.b = append(w.b, '.')
	w.digits(uint64(n%100), 2)
}

// date appends YYYY-MM-DD.
func (w *Buffer) date(d coverage.Date) {
	year, month, day := civil(d)
	w.digits(uint64(year), 4)
	w.b = append(w.b, '-')
	w.digits(uint64(month), 2)
	w.b = append(w.b, '-')
	w.digits(uint64(day), 2)
}

// instant appends a FHIR instant in UTC, as the HAPI library writes it: with
// milliseconds and a numeric zone.
func (w *Buffer) instant(ms int64) {
	w.date(coverage.Date(ms / claimgen.DayMillis))
	ms %= claimgen.DayMillis
	w.b = append(w.b, 'T')
	w.digits(uint64(ms/3_600_000), 2)
	w.b = append(w.b, ':')
	w.digits(uint64(ms/60_000%60), 2)
	w.b = append(w.b, ':')
	w.digits(uint64(ms/1000%60), 2)
	w.b = append(w.b, '.')
	w.digits(uint64(ms%1000), 3)
	w.b = append(w.b, "+00:00"...)
}

// civil splits a date from 1970 on into year, month and day of the Gregorian
// calendar. Counting years from March puts the leap day at a year's end.
func civil(d coverage.Date) (year, month, day int) {
	const (
		fromMarch0  = 719_468 // days from 0000-03-01 to 1970-01-01
		fourYears   = 1461
		century     = 36_524
		fourCentury = 146_097
	)
	n := int(d) + fromMarch0
	era, inEra := n/fourCentury, n%fourCentury
	inYears := (inEra - inEra/(fourYears-1) + inEra/century - inEra/(fourCentury-1)) / 365
	inYear := inEra - (365*inYears + inYears/4 - inYears/100)
	m := (5*inYear + 2) / 153
	day = inYear - (153*m+2)/5 + 1
	month = m + 3
	if month > 12 {
		month -= 12
	}
	year = era*400 + inYears
	if month <= 2 {
		year++
	}
	return year, month, day
}
