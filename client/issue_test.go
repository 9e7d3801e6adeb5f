package client

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadIssues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "error.ndjson")
	issue := func(severity, text string) string {
		return fmt.Sprintf(`{"resourceType":"OperationOutcome","issue":[{"severity":%q,"code":"x","details":{"text":%q}}]}`+"\n", severity, text)
	}
	content := issue("information", "A default was applied.") + issue("error", "The claims of Patient/-1000001 could not be read.") +
		issue("error", "The claims of Patient/-1000002 could not be read.") + issue("warning", "MBI 1EG4-TE5-MK73 is unknown.") + "nonsense\n\n"
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	issues, err := ReadIssues(t.Context(), []string{path})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range issues {
		got = append(got, fmt.Sprintf("%s %d %s %v", i.Severity, i.Count, i.Text, i.Serious()))
	}
	want := []string{
		"error 2 The claims of (an enrollee) could not be read. true",
		"error 1 The server reports something that is not an OperationOutcome; see the file. true",
		"warning 1 MBI (an enrollee) is unknown. false",
		"information 1 A default was applied. false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// FuzzReadIssues takes any bytes for an error file: each line gives a sentence
// fit for a terminal, and no person.
func FuzzReadIssues(f *testing.F) {
	f.Add([]byte(`{"issue":[{"severity":"error","code":"x","details":{"text":"Patient/-12 is missing"},"diagnostics":"1EG4TE5MK73"}]}` + "\n{}\n"))
	f.Add([]byte("[]\n\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "e.ndjson")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		issues, err := ReadIssues(t.Context(), []string{path})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range issues {
			if i.Count < 1 || i.Text != Printable(i.Text, maxText+1) || strings.Contains(i.Text, "Patient/-12") || strings.Contains(i.Text, "1EG4TE5MK73") {
				t.Errorf("%+v", i)
			}
		}
	})
}
