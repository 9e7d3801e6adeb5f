package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ab2d/docs"
	"ab2d/internal/export"
	"ab2d/internal/store"
)

func (y *year) postgres() bool { return strings.HasPrefix(y.address, "postgres") }

// vacuum does what autovacuum does in a year that takes a year: without it PostgreSQL does
// not use the space of removed rows again.
func (y *year) vacuum() {
	y.Helper()
	if y.postgres() {
		_, err := y.Pools()["write"].ExecContext(y.Context(), `vacuum`)
		y.ok(err)
	}
}

// sizes counts the rows of each table, and the bytes of all: "bytes" without free space
// and indexes where the database tells them, and else those of the file.
func (y *year) sizes() map[string]int64 {
	y.Helper()
	db := y.Pools()["write"]
	_, err := y.AuditHead(y.Context()) // chains what waits
	y.ok(err)
	list := `select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`
	if y.postgres() {
		list = `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`
	}
	rows, err := db.QueryContext(y.Context(), list)
	y.ok(err)
	defer rows.Close()
	sizes := map[string]int64{}
	for rows.Next() {
		var name string
		y.ok(rows.Scan(&name))
		sizes[name] = 0
	}
	y.ok(errors.Join(rows.Err(), rows.Close()))
	query, live := `select count(*), 0 from %s t`, int64(0)
	if y.postgres() {
		query = `select count(*), coalesce(sum(pg_column_size(t.*)), 0) from %s t`
	}
	for name := range sizes {
		var rows, bytes int64
		y.ok(db.QueryRowContext(y.Context(), fmt.Sprintf(query, name)).Scan(&rows, &bytes))
		sizes[name] = rows
		live += bytes
	}
	r, err := y.Readings(y.Context())
	y.ok(err)
	sizes["bytes"] = r.Database
	if y.postgres() {
		sizes["bytes"], sizes["file bytes"] = live, r.Database
	}
	return sizes
}

// bounded: nothing grew since the retentions took effect, but the list of archives.
func (y *year) bounded(before, after map[string]int64) {
	y.Helper()
	for name, n := range after {
		if n > before[name]+before[name]/10+3 && name != "audit_archive" {
			y.Errorf("%s grew from %d to %d", name, before[name], n)
		}
	}
}

// removed: the first exports are gone. Who continues from one is told, or gets everything.
func (y *year) removed(first *export.Job) {
	y.Helper()
	if _, err := y.Job(y.Context(), first.ID); !errors.Is(err, export.ErrNoJob) {
		y.Errorf("the first export is still stored: %v", err)
	}
	if j := y.export(contract, first.TransactionTime); len(j.Notes) != 1 || !strings.Contains(j.Notes[0], "does not remember exports") {
		y.Errorf("the notes of an export that continues from a removed one: %q", j.Notes)
	}
	if j := y.export(contract, export.EarliestSince); len(j.Notes) != 0 {
		y.Errorf("the notes of an export of everything: %q", j.Notes)
	}
	if j := y.export(sleeper, time.Time{}); j.SinceSource != export.SinceNone || j.Totals.Claims != 3 {
		y.Errorf("the contract that slept gets %d claims, since %s; want all 3", j.Totals.Claims, j.SinceSource)
	}
}

// auditHolds: the archives and the rest of the log are one chain.
func (y *year) auditHolds() {
	y.Helper()
	if !holds(y.TB.(*testing.T), y.DB, y.archive) {
		y.Error("the audit log and its archives are not one chain")
	}
	archives, err := y.AuditArchives(y.Context())
	y.ok(err)
	names, err := filepath.Glob(filepath.Join(y.archive, "*"))
	if err != nil || len(names) != len(archives) || len(archives) < 2 {
		y.Errorf("the directory of the archive has %v", names)
	}
}

// TestEveryTableHasABound: docs/operating.md says of each table what bounds it.
func TestEveryTableHasABound(t *testing.T) {
	b, err := docs.Files.ReadFile("operating.md")
	if err != nil {
		t.Fatal(err)
	}
	y := &year{claims: newClaims(t, func(t *testing.T, now func() time.Time) *store.DB {
		return openDB(t, databases["sqlite"](t), now)
	})}
	for name := range y.sizes() {
		if !strings.HasSuffix(name, "bytes") && !strings.Contains(string(b), "`"+name+"`") {
			t.Errorf("docs/operating.md does not say what bounds the table %s", name)
		}
	}
}
