package feed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/coverage"
)

// OptOut is a person's word on sharing claims with sponsors.
type OptOut struct {
	MBI       coverage.MBI
	Share     bool
	Effective coverage.Date // the day from which it counts
}

// The lines around those of CMS's file of data sharing preferences.
const (
	optOutHeader  = "HDR_BENEDATARSP" // and a date, yyyyMMdd
	optOutTrailer = "TRL_BENEDATARSP" // and the date, and a count, ten digits
)

// ReadOptOuts reads data sharing preferences: CMS's file with lines of fixed
// width, an MBI or two and Y or N; or CSV with the columns mbi and share, and
// possibly effective, the day from which the preference counts (YYYY-MM-DD, not
// after today). A line without that day counts from today, and CMS's file from
// the day in its header. Of several lines for an MBI the one with the latest
// day counts, and of those with the same day the last one. The error is LineErrors
// when lines are wrong.
func ReadOptOuts(r io.Reader, today coverage.Date) ([]OptOut, error) {
	return readOptOuts(r, today, tableLimits())
}

func readOptOuts(r io.Reader, today coverage.Date, l limits) ([]OptOut, error) {
	b, err := inflated(r)
	if err != nil {
		return nil, err
	}
	head, err := b.Peek(len(optOutHeader))
	if err == nil && string(head) == optOutHeader {
		return readFixedOptOuts(b, today, l)
	}
	return readTableOptOuts(b, today, l)
}

// preferences keeps the latest word of each person.
type preferences struct {
	list []OptOut
	at   map[coverage.MBI]int
}

func (p *preferences) add(o OptOut) {
	if p.at == nil {
		p.at = map[coverage.MBI]int{}
	}
	if i, ok := p.at[o.MBI]; !ok {
		p.at[o.MBI] = len(p.list)
		p.list = append(p.list, o)
	} else if o.Effective >= p.list[i].Effective {
		p.list[i] = o
	}
}

// errManyOptOuts tells how to hand over the rest.
func errManyOptOuts(most int) error {
	return fmt.Errorf("there are more than %d identifiers; import the others in another file, as CSV with the columns mbi,share,effective", most)
}

func readTableOptOuts(r *bufio.Reader, today coverage.Date, l limits) ([]OptOut, error) {
	t, err := openTable(r, l, []string{"mbi", "share"}, []string{"effective"})
	if err != nil {
		return nil, fmt.Errorf("neither CMS's file, which begins with %s, nor CSV: %w", optOutHeader, err)
	}
	var p preferences
	for t.next() {
		m, ok := parseMBI(strings.Clone(t.get("mbi"))) // because a field holds its whole row in memory
		if !ok {
			t.fault("mbi: %s", mbiForm)
		}
		share, known := parseShare(t.get("share"))
		if !known {
			t.fault("share: write Y or N")
		}
		p.add(OptOut{MBI: m, Share: share, Effective: t.effective(today)})
		if len(p.list) > l.persons {
			t.stop("%v", errManyOptOuts(l.persons))
		}
	}
	return p.list, t.err()
}

// effective reads the day from which a preference counts.
func (t *table) effective(today coverage.Date) coverage.Date {
	s := t.get("effective")
	if s == "" {
		return today
	}
	day, err := coverage.ParseDay(s)
	switch {
	case err != nil:
		t.fault("effective is not a date of the form YYYY-MM-DD; leave it empty for a preference that counts from today")
	case day > today:
		t.fault("effective is after today, %s; import the line on that day, or leave the date empty for a preference that counts from today", today)
	}
	return day
}

func parseShare(s string) (share, ok bool) { return s == "Y", s == "Y" || s == "N" }

func readFixedOptOuts(r *bufio.Reader, today coverage.Date, l limits) ([]OptOut, error) {
	f := fixedFile{today: today}
	src := &source{r: r, limits: l}
	lines := bufio.NewScanner(src)
	lines.Buffer(nil, mostRowBytes)
	for src.row = 0; lines.Scan() && len(f.faults) < mostFaults; src.row = 0 {
		f.read(string(bytes.TrimRight(lines.Bytes(), " \r")))
		if len(f.list) > l.persons {
			return nil, &LineError{Line: f.line, Reason: errManyOptOuts(l.persons).Error()}
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) || errors.Is(err, errLongRow) {
		return nil, &LineError{Line: f.line + 1, Reason: fmt.Sprintf("longer than %d bytes; a line of CMS's file has one or two identifiers, and Y or N", mostRowBytes)}
	} else if err != nil {
		return nil, fmt.Errorf("read opt-outs: after line %d: %w", f.line, err)
	}
	if !f.ended && len(f.faults) < mostFaults {
		f.fault("there is no trailer: the file is incomplete")
	}
	if len(f.faults) > 0 {
		return nil, f.faults
	}
	return f.list, nil
}

// fixedFile is CMS's file while it is read.
type fixedFile struct {
	preferences
	today     coverage.Date
	effective coverage.Date // the day in the header; not after today
	line      int64
	persons   int64 // lines between header and trailer
	mbis      int64 // identifiers in them
	ended     bool
	faults    LineErrors
}

func (f *fixedFile) fault(format string, args ...any) {
	f.faults = append(f.faults, &LineError{Line: f.line, Reason: fmt.Sprintf(format, args...)})
}

func (f *fixedFile) read(text string) {
	f.line++
	switch {
	case f.line == 1:
		day, err := time.Parse("20060102", text[len(optOutHeader):])
		if err != nil {
			f.fault("the header does not end with a date of the form yyyyMMdd")
		}
		f.effective = min(coverage.DateOf(day.Date()), f.today)
	case text == "":
	case f.ended:
		f.fault("a line after the trailer")
	case strings.HasPrefix(text, optOutTrailer):
		f.ended = true
		f.trailer(text)
	default:
		f.persons++
		f.preference(text)
	}
}

// trailer checks the count. It is that of the lines in some of CMS's files, and
// that of the identifiers in others.
func (f *fixedFile) trailer(text string) {
	n, err := strconv.ParseInt(text[min(len(text), len(optOutTrailer)+8):], 10, 64)
	if err != nil {
		f.fault("the trailer has no count")
	} else if n != f.persons && n != f.mbis {
		f.fault("the trailer counts %d, but there are %d lines with %d identifiers: the file is incomplete", n, f.persons, f.mbis)
	}
}

// preference reads MBI(11), possibly a comma and another MBI(11), and Y or N.
func (f *fixedFile) preference(s string) {
	share, known := parseShare(s[len(s)-1:])
	if !known {
		f.fault("the line does not end with Y or N")
		return
	}
	mbis := strings.SplitN(s[:len(s)-1], ",", 3)
	if len(mbis) > 2 {
		f.fault("the line has more than two identifiers")
		return
	}
	for _, one := range mbis {
		m, ok := parseMBI(one)
		if !ok {
			f.fault(mbiForm)
			return
		}
		f.mbis++
		f.add(OptOut{MBI: m, Share: share, Effective: f.effective})
	}
}
