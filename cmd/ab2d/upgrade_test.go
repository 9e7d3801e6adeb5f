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
// former did. The first worker of this release updates the tables during an export. A
// process of the former that starts after that says why it cannot.
func TestUpgradeUnderLoad(t *testing.T) {
	if os.Getenv("AB2D_TEST_LONG") == "" {
		t.Skip("builds the release before this one; AB2D_TEST_LONG=1 runs it")
	}
	a := arrangements["API and two workers"](t)
	a.program = buildPrevious(t)
	a.start()
	want := a.finish(a.startExport())
	t.Logf("former API, two former workers: %d files", len(want.Output))

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
		if step.which == 2 { // which has updated the tables
			a.mixed(want)
		}
	}
	a.refused(former, a.workers...)
	a.refused(former, append(a.api, "--listen=127.0.0.1:0")...)
	a.refused(former, "admin", "client", "list", "--database="+a.database, "--data="+t.TempDir())
	verified := runAB2D(t, "audit", "verify", "--database="+a.database, "--data="+t.TempDir())
	t.Logf("%s", strings.TrimSpace(verified))
}

// refused: a process or command of the former release that starts now says why it cannot.
func (a *arrangement) refused(former string, args ...string) {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, former, args...)
	cmd.Env = append(os.Environ(), a.env...)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "a newer release of ab2d wrote this database") {
		a.Errorf("%s of the former release: %v\n%s", args[0], err, out)
	}
	a.Logf("%s of the former release says: %s", args[0], strings.TrimSpace(string(out)))
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
		p := process{url: a.url}
		if _, err := p.newClient(a.T, a.sponsor).Download(a.Context(), got.Output[0], a.TempDir(), nil); err != nil {
			a.Errorf("a file from the other API: %v", err)
		}
	}
	a.url = former
	if err := beside.stop(); err != nil {
		a.Errorf("the new API did not stop cleanly: %v", err)
	}
	a.Logf("an API of each release on one database: exports were started at one and read from the other")
}
