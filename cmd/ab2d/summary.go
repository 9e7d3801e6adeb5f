package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sync/errgroup"
)

// maxLine bounds a line of a file. The largest claims known have some hundred
// kilobytes.
const maxLine = 64 << 20

// summary tells what is in downloaded claim files.
type summary struct {
	files     int64
	bytes     int64
	claims    int64
	others    int64            // resources that are not claims
	types     map[string]int64 // claims by eob-type code
	statuses  map[string]int64 // claims by status: active, cancelled
	enrollees map[string]struct{}
	first     string    // earliest service day, YYYY-MM-DD; empty when there is none
	last      string    // latest service day
	updated   time.Time // newest meta.lastUpdated; zero when there is none
}

func newSummary() *summary {
	return &summary{types: map[string]int64{}, statuses: map[string]int64{}, enrollees: map[string]struct{}{}}
}

// summarise reads files of NDJSON, several at a time. Its memory grows with
// the number of enrollees and the longest line, not with the files. Its errors
// name a file and a line, and quote nothing of it.
func summarise(ctx context.Context, paths []string) (*summary, error) {
	total := newSummary()
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, path := range paths {
		g.Go(func() error {
			s, err := summariseFile(ctx, path)
			if err != nil {
				return fmt.Errorf("summarising %s: %w", filepath.Base(path), err)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(s)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return total, nil
}

func summariseFile(ctx context.Context, path string) (*summary, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := newSummary()
	s.files = 1
	lines := bufio.NewScanner(&countingReader{ctx: ctx, r: f, n: &s.bytes})
	lines.Buffer(make([]byte, 256<<10), maxLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		c, err := readClaim(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		s.count(&c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	return s, nil
}

// countingReader counts what is read, and stops when the context ends.
type countingReader struct {
	ctx context.Context
	r   io.Reader
	n   *int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}

// count takes a claim into the summary.
func (s *summary) count(c *claim) {
	if c.resource != "ExplanationOfBenefit" {
		s.others++
		return
	}
	s.claims++
	s.types[label(c.kind, "(no type)")]++
	s.statuses[label(c.status, "(no status)")]++
	if c.patient != "" {
		s.enrollees[c.patient] = struct{}{}
	}
	s.serviceDay(c.start)
	s.serviceDay(c.end)
	if t, err := time.Parse(time.RFC3339Nano, c.updated); err == nil && t.After(s.updated) {
		s.updated = t.UTC()
	}
}

// label is a code as the table shows it. What is not a plain code is not
// shown: it might be anything, also something that a terminal obeys.
func label(code, none string) string {
	switch {
	case code == "":
		return none
	case len(code) > 32 || strings.ContainsFunc(code, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "(not a code)"
	}
	return code
}

// serviceDay takes a FHIR date or dateTime into the range of days.
func (s *summary) serviceDay(date string) {
	const day = "2006-01-02"
	if len(date) < len(day) || date[4] != '-' || date[7] != '-' {
		return // not known to the day
	}
	date = date[:len(day)]
	if s.first == "" || date < s.first {
		s.first = date
	}
	s.last = max(s.last, date)
}

// add takes another summary into this one.
func (s *summary) add(o *summary) {
	s.files += o.files
	s.bytes += o.bytes
	s.claims += o.claims
	s.others += o.others
	for k, n := range o.types {
		s.types[k] += n
	}
	for k, n := range o.statuses {
		s.statuses[k] += n
	}
	maps.Copy(s.enrollees, o.enrollees)
	s.serviceDay(o.first)
	s.serviceDay(o.last)
	if o.updated.After(s.updated) {
		s.updated = o.updated
	}
}

// print writes the summary as a table.
func (s *summary) print(w io.Writer) {
	width := len(humanize.Comma(max(s.claims, 1)))
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-15s %s\n", name, fmt.Sprintf(format, args...))
	}
	number := func(n int64) string { return fmt.Sprintf("%*s", width, humanize.Comma(n)) }
	row("Claims", "%s", number(s.claims))
	for _, k := range byCount(s.types) {
		row("  "+k, "%s  %3.0f %%", number(s.types[k]), 100*float64(s.types[k])/float64(s.claims))
	}
	for _, k := range byCount(s.statuses) {
		row(strings.ToUpper(k[:1])+k[1:], "%s", number(s.statuses[k]))
	}
	row("Enrollees", "%s", number(int64(len(s.enrollees))))
	if s.first != "" {
		row("Service dates", "%s to %s", s.first, s.last)
	}
	if !s.updated.IsZero() {
		row("Last updated", "%s", s.updated.Format("2006-01-02 15:04:05 UTC"))
	}
	files := "files"
	if s.files == 1 {
		files = "file"
	}
	row("Size", "%s in %s %s", humanize.Bytes(uint64(s.bytes)), humanize.Comma(s.files), files)
	if s.others > 0 {
		row("Not claims", "%s", number(s.others))
	}
}

// byCount lists the names, the most frequent first.
func byCount(m map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b))
	})
}
