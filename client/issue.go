package client

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// Issue is what the server reports in the files of a manifest's error list.
type Issue struct {
	Severity string `json:"severity"` // fatal, error, warning or information
	Code     string `json:"code"`
	// Text is a sentence, without the ids of persons, which are in the file.
	Text  string `json:"text"`
	Count int64  `json:"count"` // how many say the same
}

// Serious tells whether something is missing because of it.
func (i Issue) Serious() bool { return i.Severity != "warning" && i.Severity != "information" }

const (
	maxOutcome   = 16 << 20 // bytes of a line
	maxDifferent = 1000     // sentences that are told apart
)

// persons is what names a person in a sentence: a reference to a Patient, a
// Medicare beneficiary identifier, or a long number.
var persons = regexp.MustCompile(`Patient/[A-Za-z0-9.-]+|[1-9][AC-HJKMNP-RT-Yac-hjkmnp-rt-y][AC-HJKMNP-RT-Yac-hjkmnp-rt-y0-9][0-9]-?[AC-HJKMNP-RT-Yac-hjkmnp-rt-y]` +
	`[AC-HJKMNP-RT-Yac-hjkmnp-rt-y0-9][0-9]-?[AC-HJKMNP-RT-Yac-hjkmnp-rt-y]{2}[0-9]{2}|-?[0-9]{8,}`)

// ReadIssues reads files of OperationOutcome resources, one a line. Issues that
// differ in persons only are one; the serious ones come first.
func ReadIssues(ctx context.Context, paths []string) ([]Issue, error) {
	var issues []Issue
	at := map[Issue]int{}
	for _, path := range paths {
		if err := readIssues(ctx, path, func(i Issue) {
			n, ok := at[i]
			if !ok && len(issues) == maxDifferent {
				i = Issue{Severity: i.Severity, Text: "There are others; see the file."}
				n, ok = at[i]
			}
			if !ok {
				n = len(issues)
				at[i] = n
				issues = append(issues, i)
			}
			issues[n].Count++
		}); err != nil {
			return nil, fmt.Errorf("reading %s: %w", filepath.Base(path), err)
		}
	}
	slices.SortStableFunc(issues, func(a, b Issue) int { return cmp.Compare(rank(a), rank(b)) })
	return issues, nil
}

// rank orders issues by how serious they are.
func rank(i Issue) int { return slices.Index([]string{"warning", "information"}, i.Severity) }

// impersonal is a text of the server's that is fit for a terminal and a log.
func impersonal(s string) string {
	return Printable(persons.ReplaceAllString(Printable(s, maxOutcome), "(an enrollee)"), maxText)
}

func readIssues(ctx context.Context, path string, tell func(Issue)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxOutcome)
	for lines.Scan() {
		if err := ctx.Err(); err != nil {
			return err
		}
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var o outcome
		if err := json.Unmarshal(line, &o); err != nil || len(o.Issue) == 0 {
			tell(Issue{Severity: "error", Text: "The server reports something that is not an OperationOutcome; see the file."})
			continue
		}
		for n, text := range o.texts() {
			severity := o.Issue[n].Severity
			if !slices.Contains([]string{"fatal", "error", "warning", "information"}, severity) {
				severity = "error"
			}
			tell(Issue{Severity: severity, Code: impersonal(o.Issue[n].Code), Text: impersonal(text)})
		}
	}
	return lines.Err()
}
