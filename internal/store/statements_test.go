package store

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
)

// keptPool is a pool of one connection that keeps statements, with a table of
// the numbers 1 to 3.
func keptPool(t *testing.T) *sql.DB {
	t.Helper()
	db, err := openSQLite("file:"+filepath.Join(t.TempDir(), "x.db")+"?_pragma=journal_mode(WAL)", true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	for _, q := range []string{`create table n (i integer primary key)`, `insert into n values (1), (2), (3)`} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// idleStatements is how many statements the pool's connection keeps.
func idleStatements(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Raw(func(c any) error { n = len(c.(*keepingConn).idle); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// sumOf adds what a query with an argument gives.
func sumOf(ctx context.Context, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, text string, args ...any) (sum int, err error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var i int
		if err := rows.Scan(&i); err != nil {
			return 0, err
		}
		sum += i
	}
	return sum, rows.Err()
}

func TestStatementsAreKept(t *testing.T) {
	db := keptPool(t)
	before := idleStatements(t, db)
	for i := range 5 {
		if got, err := sumOf(t.Context(), db, `select i from n where i > $1`, i); err != nil || got != []int{6, 5, 3, 0, 0}[i] {
			t.Fatal(i, got, err)
		}
	}
	if got := idleStatements(t, db) - before; got != 1 {
		t.Errorf("%d statements are kept of one text", got)
	}
	for i := range 3 * maxStatements {
		if _, err := sumOf(t.Context(), db, `select i from n where i > $1 --`+string(rune('A'+i)), 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := idleStatements(t, db); got != maxStatements {
		t.Errorf("%d statements are kept, not %d", got, maxStatements)
	}
}

// Rows within rows of the same text have a statement each.
func TestStatementsWithin(t *testing.T) {
	db := keptPool(t)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	const text = `select i from n where i >= $1 order by i`
	rows, err := tx.Query(text, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for want := 1; rows.Next(); want++ {
		var i int
		if err := rows.Scan(&i); err != nil || i != want {
			t.Fatal(i, want, err)
		}
		if got, err := sumOf(t.Context(), tx, text, i); err != nil || got != []int{6, 5, 3}[i-1] {
			t.Fatal(i, got, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// A statement that failed, one whose context ended and one whose table changed
// leave nothing behind.
func TestStatementsAfterErrors(t *testing.T) {
	db := keptPool(t)
	const add, read = `insert into n values ($1)`, `select * from n where i > $1`
	for range 2 {
		if _, err := db.Exec(add, 1); err == nil {
			t.Fatal("a second 1 was inserted")
		}
	}
	if _, err := db.Exec(add, 4); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	rows, err := db.QueryContext(ctx, read, 0)
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	cancel()
	rows.Close()
	if got, err := sumOf(t.Context(), db, read, 0); err != nil || got != 10 {
		t.Fatal(got, err)
	}
	if _, err := db.Exec(`alter table n add column more integer`); err != nil {
		t.Fatal(err)
	}
	changed, err := db.Query(read, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer changed.Close()
	if columns, err := changed.Columns(); err != nil || len(columns) != 2 {
		t.Fatalf("columns %q, want those of the changed table; %v", columns, err)
	}
}
