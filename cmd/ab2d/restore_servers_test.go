package main

import (
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/files"
	"ab2d/internal/testserver"
)

// TestRestoreDrillOfServers does what TestRestoreDrill does for PostgreSQL and S3, with the
// commands that ab2d admin backup prints. The export runs while they do: it writes files
// after the copy of the database, and some after the copy of the files.
func TestRestoreDrillOfServers(t *testing.T) {
	if os.Getenv("AB2D_TEST_LONG") == "" {
		t.Skip("exports twice on real servers; AB2D_TEST_LONG=1 runs it")
	}
	a := arrangements["API and two workers"](t)
	a.program = program
	a.start()
	done := a.startExport()
	want := a.finish(done)
	running := a.startExport()
	a.progress(running, 20)

	began := time.Now()
	dump := filepath.Join(t.TempDir(), "backup")
	head := a.dump(dump)
	elsewhere := testserver.S3(t)
	to := elsewhere.Address("restored")
	copied := copyFiles(t, a.files, to)
	t.Logf("database and %d files backed up in %s, during an export", copied, time.Since(began).Round(time.Millisecond))

	began = time.Now()
	a.lose()
	a.restore(dump, to)
	if out := runAB2D(t, "audit", "verify", "--database="+a.database, "--head="+head, "--data="+t.TempDir()); !strings.Contains(out, "verified") {
		t.Error(out)
	}
	for i := range a.processes {
		a.restart(i)
	}
	t.Logf("restored and started elsewhere %s after the loss of all", time.Since(began).Round(time.Millisecond))
	a.check(running, want, a.finish(running))
	m := a.finish(done)
	p := process{url: a.url}
	if _, err := p.newClient(t, a.sponsor).Download(t.Context(), m.Output[0], t.TempDir(), nil); err != nil {
		t.Errorf("a file of the restored server: %v", err)
	}
	t.Log("the export that ran completed with the same files, and a file of the completed one was downloaded")
	where := []string{"--database=" + a.database, "--files=" + a.files, "--data=" + t.TempDir()}
	out := runAB2D(t, append([]string{"admin", "files", "verify"}, where...)...)
	if strings.Contains(out, "unowned") || !strings.Contains(out, "2 jobs verified") || !strings.Contains(out, ": 0 damaged") {
		t.Error(out)
	}
	t.Log(strings.TrimSpace(out))
	stored, err := files.Open(a.files)
	if err != nil {
		t.Fatal(err)
	}
	tellsDifferences(t, stored, jobID(done), where...)
}

// dump calls what ab2d admin backup prints for the database, and returns the head of the
// audit log.
func (a *arrangement) dump(to string) (head string) {
	a.Helper()
	printed := runAB2D(a.T, "admin", "backup", to, "--database="+a.database, "--files="+a.files)
	var out []byte
	for _, step := range []string{`(?m)^1\. .*: ab2d (audit verify .*)$`, `(?m)^2\. .*: (pg_dump .*)$`} {
		command := regexp.MustCompile(step).FindStringSubmatch(printed)
		if command == nil {
			a.Fatalf("the backup printed %q", printed)
		}
		line := command[1]
		if strings.HasPrefix(line, "audit") {
			line = program + " " + line
		}
		out = append(out, a.shell(line)...)
	}
	found := regexp.MustCompile(`head +(\d+:[0-9a-f]{64})`).FindSubmatch(out)
	if found == nil {
		a.Fatalf("no head of the audit log in %s", out)
	}
	return string(found[1])
}

// shell runs a line with PostgreSQL's programs.
func (a *arrangement) shell(line string) []byte {
	a.Helper()
	cmd := exec.CommandContext(a.Context(), "bash", "-c", line)
	cmd.Env = append(os.Environ(), "PATH="+testserver.PostgresPrograms(a.T)+":"+os.Getenv("PATH"))
	cmd.Dir = a.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		a.Fatalf("%s: %v\n%s", line, err, out)
	}
	return out
}

// copyFiles copies all stored files to another bucket, as a program that knows nothing
// of ab2d does, and returns how many.
func copyFiles(t *testing.T, from, to string) int {
	t.Helper()
	source, err := files.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	target, err := files.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := source.(export.StoredJobs).Jobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, job := range jobs {
		keys, err := source.List(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			switch err := copyFile(t.Context(), source, key, target, key); {
			case err == nil:
				n++
			case !errors.Is(err, export.ErrNoFile): // an upload that has not ended is no file yet
				t.Fatal(err)
			}
		}
	}
	return n
}

// lose kills all processes, and takes away the bucket and the database.
func (a *arrangement) lose() {
	a.Helper()
	for _, p := range a.processes {
		p.kill()
	}
	a.s3server.Stop()
	name := strings.TrimSuffix(path.Base(a.database), "?sslmode=disable")
	a.shell("psql -X -q -c 'drop database " + name + " with (force)' '" + strings.Replace(a.database, "/"+name, "/postgres", 1) + "'")
}

// restore makes an empty database, fills it from a dump, and lets all processes work
// with it and with the files at an address.
func (a *arrangement) restore(dump, stored string) {
	a.Helper()
	database := testserver.Postgres(a.T)
	a.shell("pg_restore --exit-on-error --dbname='" + database + "' '" + dump + "'")
	for _, args := range [][]string{a.api, a.workers} {
		for i, arg := range args {
			switch {
			case strings.HasPrefix(arg, "--database="):
				args[i] = "--database=" + database
			case strings.HasPrefix(arg, "--files="):
				args[i] = "--files=" + stored
			case strings.HasPrefix(arg, "--data="):
				args[i] = "--data=" + a.TempDir()
			}
		}
	}
	a.database, a.files = database, stored
}
