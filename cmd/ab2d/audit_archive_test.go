package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ab2d/internal/store"
)

// TestAuditArchiveCommand: entries move to a file, and the log verifies with and without it.
// A row that says so without an entry of the log is not believed.
func TestAuditArchiveCommand(t *testing.T) {
	data, archive := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "archive")
	ab2d := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := run(t.Context(), append(args, "--data="+data), streams{out: &out, err: &out}); code != want {
			t.Fatalf("%v: exit code %d\n%s", args, code, out.String())
		}
		return out.String()
	}
	tells := func(out, want string) {
		t.Helper()
		if !strings.Contains(out, want) {
			t.Errorf("%q is not told:\n%s", want, out)
		}
	}
	ab2d(exitOK, "migrate")
	for _, number := range []string{"S1234", "S1235"} {
		ab2d(exitOK, "admin", "contract", "add", number, "--sponsor=Acme")
	}
	tells(ab2d(exitOK, "audit", "archive", archive), "No entry is older than")
	head := regexp.MustCompile(`2:[0-9a-f]{64}`).FindString(ab2d(exitOK, "audit", "verify"))
	<-time.After(2 * time.Millisecond) // the next command reads a later time
	tells(ab2d(exitOK, "audit", "archive", archive, "--older-than=1ms"), "Entries 1 to 2 were moved to "+archive)
	ab2d(exitOK, "admin", "contract", "disable", "S1234")
	tells(ab2d(exitOK, "audit", "verify"), "2 entries in the database. Entries up to 2 are in an archive")
	tells(ab2d(exitOK, "audit", "verify", "--archive="+archive), "4 entries, 2 of them in the archive")
	tells(ab2d(exitOK, "audit", "verify", "--head="+head), "verified")
	tells(ab2d(exitFailed, "audit", "verify", "--head=1"+head[1:]), "give its directory with --archive")
	tells(ab2d(exitFailed, "audit", "verify", "--archive="+archive, "--head=1"+head[1:]), "audit entry 1: the record up to here is not the one")
	tells(ab2d(exitOK, "audit", "export"), "Entries up to 2 are in archives")
	forge(t, data)
	tells(ab2d(exitFailed, "audit", "verify"), "no later entry says that they were moved")
}

// forge moves an entry out of the log without an entry that says so.
func forge(t *testing.T, data string) {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(data, "ab2d.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		`insert into audit_archive (first, last, hash, file, sha256, archived) select number, number, hash, 'x', 'x', 0 from audit_entry where number = 3`,
		`delete from audit_entry where number = 3`,
	} {
		if _, err := db.Pools()["write"].ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}
