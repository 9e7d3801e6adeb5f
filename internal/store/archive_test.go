package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/export/exporttest"
	"ab2d/internal/store"
)

// TestAuditArchive: entries that are older move to a file, and nothing else can delete
// one. Whatever is done to the file shows.
func TestAuditArchive(t *testing.T) { each(t, testAuditArchive) }

func testAuditArchive(t *testing.T, open opener) {
	clock := exporttest.NewClock()
	db := open(t, clock.Now)
	dir, ctx := t.TempDir(), t.Context()
	record := func(n int) {
		t.Helper()
		for range n {
			if err := db.Record(ctx, audit.Entry{Event: audit.TokenGranted, Detail: "<a>"}); err != nil {
				t.Fatal(err)
			}
		}
		clock.Add(time.Hour)
	}
	archive := func(age time.Duration, first, last int64) {
		t.Helper()
		a, err := db.ArchiveAudit(ctx, dir, clock.Now().Add(-age))
		if err != nil || a == nil && last > 0 || a != nil && (a.First != first || a.Last != last) {
			t.Fatalf("got %+v, %v; want %d to %d", a, err, first, last)
		}
	}
	record(3)
	record(4)
	archive(3*time.Hour, 0, 0)
	archive(90*time.Minute, 1, 3)
	archive(90*time.Minute, 0, 0) // again
	record(2)                     // after the entry about the archive
	archive(0, 4, 10)
	if _, err := db.AuditHead(ctx); err != nil { // chains the entry about the archive
		t.Fatal(err)
	}
	for _, statement := range []string{`delete from audit_entry`, `update audit_entry set event = 'x'`} {
		if _, err := db.Pools()["write"].ExecContext(ctx, statement); err == nil {
			t.Errorf("%s: no trigger held it", statement)
		}
	}
	if !holds(t, db, dir) {
		t.Error("the archives do not hold")
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 2 || !strings.HasSuffix(names[1], "audit-000000000004-000000000010.ndjson.gz") {
		t.Fatal(names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{append(b[:len(b):len(b)], 'x'), b[:len(b)-9], nil} {
		if err := os.WriteFile(names[0], damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if holds(t, db, dir) {
			t.Errorf("a file of %d bytes instead of %d holds", len(damaged), len(b))
		}
	}
}

// holds tells whether the archives and the rest of the log are one chain.
func holds(t *testing.T, db *store.DB, dir string) bool {
	t.Helper()
	stored, err := db.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := db.AuditArchives(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var head audit.Head
	for _, a := range list {
		var failed error
		if head, failed = audit.VerifyFrom(head, a.Read(dir), audit.Head{}); failed != nil {
			return false
		}
		if head != a.Head() {
			return false
		}
	}
	head, err = audit.VerifyFrom(head, db.Links(t.Context(), 0), stored)
	var broken *audit.Broken
	if err != nil && !errors.As(err, &broken) {
		t.Fatal(err)
	}
	return err == nil && head == stored
}
