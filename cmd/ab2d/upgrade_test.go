package main

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/client"
)

// previousRelease is the commit of the release before this one: it knows schema 23. See
// CONTRIBUTING.md for when it changes.
const previousRelease = "94fbfc4c0fca7a6aef0138792908e359779c6ee0"

// buildPrevious builds the release before this one from the repository's history.
func buildPrevious(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	commit := cmp.Or(os.Getenv("AB2D_PREVIOUS"), previousRelease)
	script := `set -e; git -C ../.. archive "$1" | tar x -C "$2"; cd "$2"; CGO_ENABLED=0 go build -o "$2/ab2d-previous" ./cmd/ab2d`
	if out, err := exec.CommandContext(t.Context(), "bash", "-c", script, "bash", commit, dir).CombinedOutput(); err != nil {
		t.Fatalf("build commit %s: %v\n%s", commit, err, out)
	}
	return filepath.Join(dir, "ab2d-previous")
}

// TestUpgradeUnderLoad has the release before this one and this one work on one
// database, while exports run: each export is the same as one that only the
// former did. A process of the former that starts after the upgrade says why it cannot.
func TestUpgradeUnderLoad(t *testing.T) {
	if os.Getenv("AB2D_TEST_LONG") == "" {
		t.Skip("builds the release before this one; AB2D_TEST_LONG=1 runs it")
	}
	a := arrangements["API and two workers"](t)
	a.program = buildPrevious(t)
	a.start() // with three processes of the former; the client is added by the new program, which updates the tables
	want := a.finish(a.startExport())
	t.Logf("former API, two former workers, tables of the new release: %d files as before", len(want.Output))

	former := a.program
	a.program = program
	for _, step := range []struct {
		what  string
		which int
	}{{"one worker", 2}, {"the other worker", 1}, {"the API", 0}} {
		job := a.startExport()
		a.progress(job, 10)
		stopped := time.Now()
		a.processes[step.which].kill()
		a.restart(step.which)
		got := a.finish(job)
		a.check(job, want, got)
		t.Logf("%s replaced during an export, which completed %s later with the same files", step.what, time.Since(stopped).Round(time.Millisecond))
		if step.which == 2 {
			a.mixed(want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, former, a.workers...)
	cmd.Env = append(os.Environ(), a.env...)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "a newer release of ab2d wrote this database") {
		t.Errorf("a worker of the former release: %v\n%s", err, out)
	}
	t.Logf("a former worker that starts now says: %s", strings.TrimSpace(string(out)))
	verified := runAB2D(t, "audit", "verify", "--database="+a.database, "--data="+t.TempDir())
	t.Logf("%s", strings.TrimSpace(verified))
}

// mixed: a new API beside the former one. Each export is started at one, and its status
// and files come from the other.
func (a *arrangement) mixed(want *client.Manifest) {
	a.Helper()
	former := a.url
	beside := startProgram(a, program, a.env, append(a.api, "--listen=127.0.0.1:0")...)
	for _, urls := range [][2]string{{former, beside.url}, {beside.url, former}} {
		a.url = urls[0]
		job := a.startExport()
		job.StatusURL = strings.Replace(job.StatusURL, urls[0], urls[1], 1)
		a.url = urls[1]
		got := a.finish(job)
		a.check(job, want, got)
	}
	a.url = former
	if err := beside.stop(); err != nil {
		a.Errorf("the new API did not stop cleanly: %v", err)
	}
	a.Logf("an API of each release on one database: exports were started at one and read from the other")
}
