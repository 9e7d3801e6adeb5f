package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"ab2d/internal/table"
)

// printSummary writes the summary as a table.
func printSummary(w io.Writer, s *table.Summary) {
	width := len(humanize.Comma(max(s.Claims, 1)))
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-15s %s\n", name, fmt.Sprintf(format, args...))
	}
	number := func(n int64) string { return fmt.Sprintf("%*s", width, humanize.Comma(n)) }
	row("Claims", "%s", number(s.Claims))
	for _, k := range byCount(s.Types) {
		row("  "+label(k, "(no type)"), "%s  %3.0f %%", number(s.Types[k]), 100*float64(s.Types[k])/float64(s.Claims))
	}
	for _, k := range byCount(s.Statuses) {
		name := strings.Replace(label(k, "(no status)"), "cancelled", "canceled", 1) // FHIR spells its code with two l
		row(strings.ToUpper(name[:1])+name[1:], "%s", number(s.Statuses[k]))
	}
	row("Enrollees", "%s", number(int64(len(s.Enrollees))))
	if s.First != "" {
		row("Service dates", "%s to %s", s.First, s.Last)
	}
	if !s.Updated.IsZero() {
		row("Last updated", "%s", moment(s.Updated))
	}
	files := "files"
	if s.Files == 1 {
		files = "file"
	}
	row("Size", "%s in %s %s", humanize.Bytes(uint64(s.Bytes)), humanize.Comma(s.Files), files)
	if s.Others > 0 {
		row("Not claims", "%s", number(s.Others))
	}
}

// byCount lists the names, the most frequent first.
func byCount(m map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b))
	})
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
