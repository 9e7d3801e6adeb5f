package store

import (
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// oldestBeside is the schema of the oldest release that may run beside this one on a
// database. Migrations after it must leave what that release reads and writes.
const oldestBeside = 23

// tolerated are the statements that leave it: they add what an older release neither
// reads nor has to write. A new column has a default or can be null, so that the older
// release's inserts go on working.
var tolerated = []*regexp.Regexp{
	regexp.MustCompile(`^create (table|index|trigger|function|or replace function) `), // an index that is unique could refuse what it writes
	regexp.MustCompile(`^alter table \S+ add column \S+ [a-z]+( not null default .*| default .*)?$`),
	regexp.MustCompile(`^drop trigger `),
	regexp.MustCompile(`^do \$\$`),
}

// newTable finds the tables that a migration creates: it may do with them as it likes.
var newTable = regexp.MustCompile(`create table (\S+)`)

// TestMigrationsTolerateAnOlderRelease: a release that runs while a newer one updates the
// tables goes on working. TestUpgradeUnderLoad runs one.
func TestMigrationsTolerateAnOlderRelease(t *testing.T) {
	checked := 0
	for _, folder := range []string{"migrations/sqlite", "migrations/postgres"} {
		files, err := fs.Glob(migrations, folder+"/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			number, _, _ := strings.Cut(path.Base(file), "_")
			if n, err := strconv.Atoi(number); err != nil || n <= oldestBeside {
				continue
			}
			b, err := fs.ReadFile(migrations, file)
			if err != nil {
				t.Fatal(err)
			}
			for _, fault := range intolerable(string(b)) {
				t.Errorf("%s: a release with schema %d does not tolerate: %s", file, oldestBeside, fault)
			}
			checked++
		}
	}
	if checked < 2 {
		t.Errorf("%d migrations were checked", checked)
	}
	for _, bad := range []string{"drop table job;", "alter table job add column x bigint not null;", "alter table job rename to task;", "create unique index i on job (key);",
		"update job set state = 'x';", "alter table job drop column key;", "create trigger t before insert on job begin\nselect 1;\nend;"} {
		if len(intolerable("-- +goose Up\n"+bad+"\n-- +goose Down\n")) == 0 {
			t.Errorf("%q passes", bad)
		}
	}
}

// intolerable lists the statements of a migration that an older release may not
// tolerate.
func intolerable(text string) (faults []string) {
	_, up, _ := strings.Cut(text, "-- +goose Up\n")
	up, _, _ = strings.Cut(up, "-- +goose Down")
	own := map[string]bool{}
	for _, m := range newTable.FindAllStringSubmatch(up, -1) {
		own[m[1]] = true
	}
	for _, s := range statements(up) {
		ok := strings.HasPrefix(s, "insert into ") && own[strings.Fields(s)[2]]
		for _, pattern := range tolerated {
			ok = ok || pattern.MatchString(s)
		}
		if strings.HasPrefix(s, "create trigger") { // it may only hold deletions back that the older release does not do either
			ok = strings.Contains(s, " on audit_entry")
		}
		if !ok {
			faults = append(faults, s)
		}
	}
	return faults
}

// statements are those of a migration, each on one line, without comments.
func statements(sql string) (list []string) {
	whole := false
	var b strings.Builder
	for line := range strings.Lines(sql) {
		line, comment, _ := strings.Cut(line, "--")
		whole = whole && !strings.Contains(comment, "StatementEnd") || strings.Contains(comment, "StatementBegin")
		if b.WriteString(" " + line); !whole && strings.HasSuffix(strings.TrimSpace(line), ";") || strings.Contains(comment, "StatementEnd") {
			list = append(list, strings.TrimSuffix(strings.Join(strings.Fields(b.String()), " "), ";"))
			b.Reset()
		}
	}
	return list
}
