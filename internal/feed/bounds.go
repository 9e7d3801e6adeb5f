package feed

import (
	"errors"
	"fmt"
	"io"
)

// The bounds of a table, and of CMS's file of opt-outs. Some kilobytes of compressed
// input can hold more than any machine has memory for.
const (
	mostRowBytes   = 64 << 10 // of a row or line; the longest real ones have some hundred
	mostFieldBytes = 4 << 10  // holds the name of a sponsor, or 340 identifiers
	mostColumns    = 32       // of the header; no table has more than nine
	mostIDs        = 100      // identifiers of a person, who has one or two in a lifetime
)

// limits are the bounds of a table as a whole.
type limits struct {
	bytes   int64 // inflated
	rows    int64
	persons int // beneficiaries of an enrollment, identifiers of opt-outs
	ids     int // identifiers of all beneficiaries
}

// tableLimits leaves room for all of Medicare's drug plans in one file: 23 million
// people, whose enrollment takes 250 bytes of memory each. Rows and bytes are those of
// ten million people with a row for each month since 2020.
func tableLimits() limits {
	return limits{bytes: 64 << 30, rows: 1_000_000_000, persons: 25_000_000, ids: 50_000_000}
}

var errLongRow = fmt.Errorf("longer than %d bytes; check for a missing closing quote", mostRowBytes)

// errLongTable tells how to hand over the rest.
func errLongTable(most int64) error {
	return fmt.Errorf("the table has more than %d bytes uncompressed; import it in several files, each with all rows of its contracts", most)
}

// source is what a table is read from. It ends before what is read passes a bound.
type source struct {
	r      io.Reader
	limits limits
	row    int   // bytes that were read for the row
	read   int64 // bytes that were read for the table
}

// Read reads one byte more than the bounds let pass, and then returns an error.
func (s *source) Read(b []byte) (int, error) {
	switch {
	case s.read > s.limits.bytes:
		return 0, errLongTable(s.limits.bytes)
	case s.row > mostRowBytes:
		return 0, errLongRow
	}
	b = b[:min(int64(len(b)), int64(mostRowBytes+1-s.row), s.limits.bytes+1-s.read)]
	n, err := s.r.Read(b)
	s.row += n
	s.read += int64(n)
	return n, err
}

// stop ends the reading with a fault of the line.
func (t *table) stop(format string, args ...any) {
	t.stopped = true
	t.fault(format, args...)
}

// bounded checks a row that was read, and ends the reading where a bound is passed.
func (t *table) bounded(bytes int64) bool {
	t.rows++
	switch {
	case bytes > mostRowBytes:
		t.stop("the row is %v", errLongRow)
	case t.rows > t.src.limits.rows:
		t.stop("the table has more than %d rows; import it in several files, each with all rows of its contracts", t.src.limits.rows)
	default:
		return true
	}
	return false
}

// short checks the lengths of a row's fields.
func (t *table) short() bool {
	good := true
	for i, field := range t.row {
		if len(field) > mostFieldBytes {
			t.fault("%s is longer than %d bytes; check for a missing closing quote", t.names[i], mostFieldBytes)
			good = false
		}
	}
	return good
}

// unread is the error of what ends a table before its end.
func (t *table) unread(err error) {
	if errors.Is(err, errLongRow) {
		t.line++ // the row after the last one
		t.stop("the row is %v", err)
		return
	}
	t.stop("the file cannot be read on: %v", err)
}
