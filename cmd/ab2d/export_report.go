package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"

	"ab2d/client"
	"ab2d/internal/table"
)

// report tells what an export came to.
func report(w io.Writer, d *exported) {
	var resources, files, bytes int64
	for _, f := range d.run.Files {
		if f.List == "output" {
			files++
			resources += max(f.Count, 0)
			bytes += max(f.Length, 0)
		}
	}
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-14s %s\n", name, fmt.Sprintf(format, args...))
	}
	switch {
	case files == 0 && !d.run.Since.IsZero():
		row("Claims", "none changed since %s", moment(d.run.Since))
	case files == 0:
		row("Claims", "none")
	default:
		row("Claims", "%s in %s, %s: complete and verified", humanize.Comma(resources), several(files, "file"), humanize.Bytes(uint64(bytes)))
	}
	if t := d.run.Totals; t != nil {
		row("Enrollees", "%s", enrollees(t))
	}
	row("Folder", "%s", d.dir)
	if d.tables != nil {
		var parts []string
		for _, name := range table.Names {
			parts = append(parts, name+" "+humanize.Comma(d.tables[name]))
		}
		row("Tables", "%s", strings.Join(parts, ", "))
	}
	if l := d.latest; l != nil {
		row("Latest", "%s (%s left out, %s canceled, %s deleted)", several(l.Claims, "claim"), several(l.Older, "older version"), several(l.Canceled, "claim"), several(l.Deleted, "claim"))
	}
	if d.removed > 0 {
		row("NDJSON", "%s removed: the tables hold each claim, compared cell by cell", humanize.Bytes(uint64(d.removed)))
	}
	if d.rejected > 0 {
		row("Not readable", "%s: see %s", several(d.rejected, "line"), filepath.Join(d.dir, rejectedName))
	}
	if n := deletedFiles(d.run); n > 0 && d.latest == nil {
		out := "--latest leaves"
		if d.tables != nil {
			out = "--latest and the views in " + table.ViewsFile + " leave"
		}
		row("Deleted", "The server listed deleted claims in %s. %s them out.", several(n, "file"), out)
	}
	switch {
	case d.run.Continuous:
		row("Next export", "what changes after %s", moment(d.next))
	case d.next.IsZero():
		row("Next export", "everything, because this export was limited or had no transactionTime")
	default:
		row("Next export", "what changes after %s, as before, because this export was limited", moment(d.next))
	}
	for _, n := range d.notes {
		row("Note", "%s", n)
	}
	reportIssues(w, d)
}

// deletedFiles is how many files say what the server deleted.
func deletedFiles(r *client.Run) (n int64) {
	for _, f := range r.Files {
		if f.List == "deleted" {
			n++
		}
	}
	return n
}

// enrollees are the totals in words. What is zero is left out.
func enrollees(t map[string]int64) string {
	out := []string{humanize.Comma(t["delivered"]) + " with claims"}
	for _, o := range []struct{ key, words string }{
		{"noClaims", "without"}, {"optedOut", "opted out"}, {"noIdentifier", "without identifier"}, {"notRead", "NOT READ"},
	} {
		if t[o.key] > 0 {
			out = append(out, humanize.Comma(t[o.key])+" "+o.words)
		}
	}
	return strings.Join(out, ", ")
}

// reportIssues tells what the server reports in its error files. The files name
// the enrollees; a terminal or a log does not.
func reportIssues(w io.Writer, d *exported) {
	if len(d.issues) == 0 {
		return
	}
	words := map[string]string{"information": "For information", "warning": "Warning"}
	fmt.Fprintln(w, "\nThe server reports:")
	for _, i := range d.issues {
		word := words[i.Severity]
		if word == "" {
			word = "Error"
		}
		times := ""
		if i.Count > 1 {
			times = fmt.Sprintf(" (%s times)", humanize.Comma(i.Count))
		}
		fmt.Fprintf(w, "  %s%s: %s\n", word, times, i.Text)
	}
	for _, f := range d.run.Files {
		if f.List == "error" {
			fmt.Fprintf(w, "  In full: %s\n", d.dir+"/"+f.Name)
		}
	}
}
