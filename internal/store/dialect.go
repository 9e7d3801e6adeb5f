package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations
var migrations embed.FS

// dialect is all that differs between the databases: this file and the two
// folders of migrations are the only ones that know which database it is.
// Statements that need a difference stand here side by side, each written out;
// none is rewritten at run time.
type dialect struct {
	driver       string
	path         string       // of the file; empty for a server
	prepare      func() error // before the first connection
	goose        goose.Dialect
	gooseOptions func() ([]goose.ProviderOption, error)
	migrations   string // folder
	// writers bounds the connections that write. SQLite has one writer, and
	// waiting for our own turn is cheaper than for its lock.
	writers int
	// readDSN and writeDSN are the driver's data source names.
	readDSN, writeDSN string

	// lockJob and lockPart end a select of a row that is about to be leased,
	// so that two workers never take the same one and none waits for another.
	lockJob, lockPart string
	// lock makes a transaction the only one of those that lock the same name,
	// $1; empty where every writing transaction is the only one.
	lock string
	// inList is a condition on the values of the JSON list $1.
	inList string
	// inNumbers is the same for a list of whole numbers.
	inNumbers string
	// timeQuery reads the database's clock, in milliseconds; empty where that is
	// this machine's.
	timeQuery string
	// sizeQuery reads how many bytes the database takes.
	sizeQuery string
	// bulk inserts many rows within a transaction.
	bulk func(ctx context.Context, tx *sql.Tx, conn *sql.Conn, r rows) error
}

// rows are to be inserted into a table.
type rows struct {
	table   string
	columns []string
	values  [][]any
}

// parse reads a database address: "sqlite:" and a path, or "postgres://...".
func parse(address string) (dialect, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	switch {
	case scheme == "sqlite" && rest != "":
		return sqlite(rest), nil
	case scheme == "postgres" || scheme == "postgresql":
		return postgres(address), nil
	}
	return dialect{}, fmt.Errorf("database %q is not supported: write sqlite:PATH, for example sqlite:ab2d-data/ab2d.db, "+
		"or postgres://USER@HOST/DATABASE", scheme+":")
}

// sqlite runs in WAL mode with a sync for every commit, and each writing
// transaction takes the write lock when it begins, so that none fails in the
// middle because another one wrote.
func sqlite(path string) dialect {
	dsn := func(more ...string) string {
		q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}}
		q["_pragma"] = append(q["_pragma"], more...)
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	}
	return dialect{
		driver: "sqlite", path: path, prepare: func() error { return private(path) }, goose: goose.DialectSQLite3,
		gooseOptions: func() ([]goose.ProviderOption, error) { return nil, nil },
		migrations:   "migrations/sqlite", writers: 1,
		writeDSN: dsn() + "&_txlock=immediate", readDSN: dsn("query_only(1)"), bulk: insertAll,
		inList: ` in (select value from json_each($1))`, inNumbers: ` in (select value from json_each($1))`,
		sizeQuery: `select page_count * page_size from pragma_page_count(), pragma_page_size()`,
	}
}

// insertAll inserts row by row; SQLite is in this process, and has nothing
// faster.
func insertAll(ctx context.Context, tx *sql.Tx, _ *sql.Conn, r rows) error {
	marks := make([]string, len(r.columns))
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	insert, err := tx.PrepareContext(ctx, `insert into `+r.table+` (`+strings.Join(r.columns, ", ")+`) values (`+strings.Join(marks, ", ")+`)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, row := range r.values {
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return nil
}

// copyAll inserts by PostgreSQL's COPY.
func copyAll(ctx context.Context, _ *sql.Tx, conn *sql.Conn, r rows) error {
	return conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{r.table}, r.columns, pgx.CopyFromRows(r.values))
		return err
	})
}

// private makes the database's file if it is not there, and closes it to other
// users: it holds signing keys. SQLite gives its side files the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// postgres is PostgreSQL 14 or later, in its default isolation, read committed:
// what must hold at the commit is in the condition of an update.
func postgres(address string) dialect {
	return dialect{
		driver: "pgx", prepare: func() error { return nil }, goose: goose.DialectPostgres,
		gooseOptions: func() ([]goose.ProviderOption, error) {
			// Several processes may start at once; one migrates.
			l, err := lock.NewPostgresSessionLocker()
			return []goose.ProviderOption{goose.WithSessionLocker(l)}, err
		},
		migrations: "migrations/postgres", writers: 16, readDSN: address, writeDSN: address,
		lockJob: ` for update of j skip locked`, lockPart: ` for update of p skip locked`,
		lock: `select pg_advisory_xact_lock(hashtext($1))`, bulk: copyAll,
		timeQuery: `select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`,
		sizeQuery: `select pg_database_size(current_database())`,
		inList:    ` in (select json_array_elements_text(cast($1 as json)))`,
		inNumbers: ` in (select cast(json_array_elements_text(cast($1 as json)) as bigint))`,
	}
}
