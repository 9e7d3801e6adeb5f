package feed

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"ab2d/internal/coverage"
)

// OptOut is a person's word on sharing claims with sponsors.
type OptOut struct {
	MBI   coverage.MBI
	Share bool
}

// The lines around those of CMS's file of data sharing preferences.
const (
	optOutHeader  = "HDR_BENEDATARSP" // and a date, yyyyMMdd
	optOutTrailer = "TRL_BENEDATARSP" // and the date, and the number of lines, ten digits
)

// ReadOptOuts reads data sharing preferences: CMS's file with lines of fixed
// width, an MBI or two and Y or N; or CSV with the columns mbi and share. Of
// several lines for an MBI the last one counts. The error is Faults when lines
// are wrong.
func ReadOptOuts(r io.Reader) ([]OptOut, error) {
	b, err := inflated(r)
	if err != nil {
		return nil, err
	}
	head, err := b.Peek(len(optOutHeader))
	if err == nil && string(head) == optOutHeader {
		return readFixedOptOuts(b)
	}
	return readTableOptOuts(b)
}

// preferences keeps the last word of each person.
type preferences struct {
	list []OptOut
	at   map[coverage.MBI]int
}

func (p *preferences) add(m coverage.MBI, share bool) {
	if p.at == nil {
		p.at = map[coverage.MBI]int{}
	}
	if i, ok := p.at[m]; ok {
		p.list[i].Share = share
		return
	}
	p.at[m] = len(p.list)
	p.list = append(p.list, OptOut{m, share})
}

func readTableOptOuts(r io.Reader) ([]OptOut, error) {
	t, err := openTable(r, []string{"mbi", "share"}, []string{"effective"})
	if err != nil {
		return nil, fmt.Errorf("neither CMS's file, which begins with %s, nor CSV: %w", optOutHeader, err)
	}
	var p preferences
	for t.next() {
		m, ok := parseMBI(t.get("mbi"))
		if !ok {
			t.fault("mbi: %s", mbiForm)
		}
		share, known := parseShare(t.get("share"))
		if !known {
			t.fault("share: write Y or N")
		}
		p.add(m, share)
	}
	return p.list, t.err()
}

func parseShare(s string) (share, ok bool) { return s == "Y", s == "Y" || s == "N" }

func readFixedOptOuts(r *bufio.Reader) ([]OptOut, error) {
	var p preferences
	var faults Faults
	var line, persons int64
	trailer := false
	lines := bufio.NewScanner(r)
	for lines.Scan() && len(faults) < mostFaults {
		line++
		text := bytes.TrimRight(lines.Bytes(), " \r")
		fault := func(reason string) { faults = append(faults, &Fault{Line: line, Reason: reason}) }
		switch {
		case line == 1 || len(text) == 0:
		case trailer:
			fault("a line after the trailer")
		case bytes.HasPrefix(text, []byte(optOutTrailer)):
			trailer = true
			if n, err := strconv.ParseInt(string(text[min(len(text), len(optOutTrailer)+8):]), 10, 64); err != nil || n != persons {
				fault(fmt.Sprintf("the trailer counts other than the %d lines there are: the file is not whole", persons))
			}
		default:
			persons++
			if reason := p.fixedLine(string(text)); reason != "" {
				fault(reason)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read opt-outs: %w", err)
	}
	if !trailer && len(faults) < mostFaults {
		faults = append(faults, &Fault{Line: line, Reason: "there is no trailer: the file is not whole"})
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return p.list, nil
}

// fixedLine reads MBI(11), possibly a comma and another MBI(11), and Y or N.
func (p *preferences) fixedLine(s string) (fault string) {
	if s == "" {
		return "the line is empty"
	}
	share, known := parseShare(s[len(s)-1:])
	if !known {
		return "the line does not end with Y or N"
	}
	mbis := strings.Split(s[:len(s)-1], ",")
	if len(mbis) > 2 {
		return "the line has more than two identifiers"
	}
	for _, one := range mbis {
		m, ok := parseMBI(one)
		if !ok {
			return mbiForm
		}
		p.add(m, share)
	}
	return ""
}
