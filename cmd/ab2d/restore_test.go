package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ab2d/client"
	"ab2d/internal/export"
	"ab2d/internal/files"
	"ab2d/internal/synth"
)

// TestRestoreDrill backs up a server in the middle of an export, loses it, and restores
// it elsewhere: what was completed is served, the export that was running completes with
// the same bytes, the audit log is whole, and files without rows and rows without files
// are told.
func TestRestoreDrill(t *testing.T) {
	dir := t.TempDir()
	data, backup, restored := filepath.Join(dir, "data"), filepath.Join(dir, "backup.db"), filepath.Join(dir, "restored")
	args := []string{"--workers=1", "--lease=1s", "--max-polls=1000", "--listen=localhost:0"}
	p := startProcess(t, nil, append(args, "--data="+data)...)
	sponsor := synth.Sponsors()[1]
	done, err := p.newClient(t, sponsor).Start(t.Context(), client.Request{})
	if err != nil {
		t.Fatal(err)
	}
	want := p.wait(t, sponsor, done, nil)
	running, err := p.newClient(t, sponsor).Start(t.Context(), client.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if m := p.wait(t, sponsor, running, func(percent int) bool { return percent >= 20 }); m != nil {
		t.Fatal("the export was completed before the backup")
	}
	printed := runAB2D(t, "admin", "backup", backup, "--data="+data)
	head := regexp.MustCompile(`audit head (\d+:[0-9a-f]{64})`).FindStringSubmatch(printed)
	if head == nil || !strings.Contains(printed, "rsync -a "+filepath.Join(data, "files")) {
		t.Fatalf("the backup printed %q", printed)
	}
	restore(t, data, backup, restored)
	p.kill()

	p = startProcess(t, nil, append(args, "--data="+restored)...)
	running.StatusURL = p.url + running.StatusURL[strings.Index(running.StatusURL, "/api/"):]
	done.StatusURL = p.url + done.StatusURL[strings.Index(done.StatusURL, "/api/"):]
	if diff := cmp.Diff(results(want), results(p.wait(t, sponsor, running, nil))); diff != "" {
		t.Errorf("the restored export differs:\n%s", diff)
	}
	m := p.wait(t, sponsor, done, nil)
	if _, err := p.newClient(t, sponsor).Download(t.Context(), m.Output[0], t.TempDir(), nil); err != nil {
		t.Errorf("a file of the restored server: %v", err)
	}
	if out := runAB2D(t, "audit", "verify", "--data="+restored, "--head="+head[1]); !strings.Contains(out, "verified") || !strings.Contains(runAB2D(t, "audit", "export", "--data="+restored), "backup.began") {
		t.Error(out)
	}
	t.Log("restored elsewhere: the export that ran completed with the same files, and a file of the completed one was downloaded")
	if out := runAB2D(t, "admin", "files", "verify", "--data="+restored); strings.Contains(out, "unowned") || !strings.Contains(out, ": 0 damaged") {
		t.Error(out)
	}
	stored, err := files.Open("dir:" + filepath.Join(restored, "files"))
	if err != nil {
		t.Fatal(err)
	}
	tellsDifferences(t, stored, jobID(done), "--data="+restored)
}

// restore copies what an operator copies: the backup, then the files, and the key.
func restore(t *testing.T, data, backup, to string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(to, "files"), os.DirFS(filepath.Join(data, "files"))); err != nil {
		t.Fatal(err)
	}
	for from, name := range map[string]string{backup: "ab2d.db", filepath.Join(data, "key-encryption-key"): "key-encryption-key"} {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(backup)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup's mode is %v, %v", info.Mode(), err)
	}
}

// tellsDifferences removes a file of a job and adds two that no job has: ab2d admin files
// verify, which knows where all is by its arguments, tells each.
func tellsDifferences(t *testing.T, stored export.Files, job string, where ...string) {
	t.Helper()
	keys, err := stored.List(t.Context(), job)
	if err != nil || len(keys) == 0 {
		t.Fatal(keys, err)
	}
	const stranger = "00000000-0000-4000-8000-000000000000"
	name := path.Base(keys[0])
	for _, to := range []string{stranger + "/" + name, job + "/x" + name} {
		if err := copyFile(t.Context(), stored, keys[0], stored, to); err != nil {
			t.Fatal(err)
		}
	}
	if err := stored.Remove(t.Context(), keys[0]); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, append([]string{"admin", "files", "verify"}, where...)...).CombinedOutput()
	for _, want := range []string{"missing  " + job, "unowned  " + stranger + "/" + name, "unowned  " + job + "/x" + name} {
		if !strings.Contains(string(out), want) || err == nil {
			t.Errorf("%q is not told: %v\n%s", want, err, out)
		}
	}
	t.Logf("a file was removed and two were added:\n%s", out)
}

// copyFile copies a stored file.
func copyFile(ctx context.Context, from export.Files, key string, to export.Files, newKey string) error {
	r, err := from.Open(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := to.Create(ctx, newKey)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	return w.Commit()
}

// runAB2D runs a command of the program.
func runAB2D(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ab2d %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestBackupOfOthers prints what to call, without the password, and copies nothing.
func TestBackupOfOthers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b")
	var out bytes.Buffer
	code := run(t.Context(), []string{"admin", "backup", file, "--database=postgres://u:p4ss@db/ab2d", "--files=s3://results/ab2d?region=us-east-1&endpoint=https://storage.example"}, streams{out: &out, err: &out})
	for _, want := range []string{
		"1. Print the head of the audit log, and keep it: ab2d audit verify --database='postgres://u@db/ab2d'\n",
		"2. Copy the database: pg_dump --format=custom --file='" + file + "' 'postgres://u@db/ab2d'\n",
		"3. Then copy the result files: aws s3 sync s3://results/ab2d BACKUP/files/ --endpoint-url=https://storage.example\n4. Keep the key file"} {
		if code != exitOK || !strings.Contains(out.String(), want) {
			t.Errorf("%d, not %q in %s", code, want, out.String())
		}
	}
	if _, err := os.Stat(file); err == nil || strings.Contains(out.String(), "p4ss") {
		t.Errorf("there is a file, or the password: %s", out.String())
	}
}
