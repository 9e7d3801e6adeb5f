package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"ab2d/internal/audit"
)

//go:embed migrations
var migrations embed.FS

// dialect is all that differs between the databases: this file and the two
// folders of migrations are the only ones that know which database it is.
// Statements that need a difference stand here side by side, each written out;
// none is rewritten at run time.
type dialect struct {
	// open makes a pool. That for migrations is not lasting: it has no limits of
	// time, and keeps no statements.
	open         func(dsn string, lasting bool) (*sql.DB, error)
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
	// inIDs is the same for whole numbers.
	inIDs string
	// entryContract is the contract of an entry of the audit log, as audit_by_contract
	// has it.
	entryContract string
	// timeQuery reads the database's clock, in milliseconds; empty where that is
	// this machine's.
	timeQuery string
	// patience lifts the time limit of statements for a transaction; empty where
	// there is none.
	patience string
	// seal moves the head of the audit log and stores the entries up to it, all or
	// nothing. It is false if somebody else has moved the head.
	seal func(ctx context.Context, db *DB, from, to audit.Head, links []sealed) (bool, error)
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
		q := url.Values{"_pragma": {fmt.Sprintf("busy_timeout(%d)", busyTime.Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}}
		q["_pragma"] = append(q["_pragma"], more...)
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	}
	return dialect{
		open: openSQLite, seal: sealRows, path: path, prepare: func() error { return private(path) }, goose: goose.DialectSQLite3,
		gooseOptions: func() ([]goose.ProviderOption, error) { return nil, nil },
		migrations:   "migrations/sqlite", writers: 1,
		writeDSN: dsn() + "&_txlock=immediate", readDSN: dsn("query_only(1)"), bulk: insertAll,
		entryContract: `json_extract(body, '$.contract')`,
		inList:        ` in (select value from json_each($1))`, inIDs: ` in (select value from json_each($1))`,
		sizeQuery: `select page_count * page_size from pragma_page_count(), pragma_page_size()`,
	}
}

// busyTime is how long SQLite waits for another process's transaction.
const busyTime = 5 * time.Second

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

// The limits of a session with PostgreSQL. They end what a process holds that was
// stopped or cut off, so that others wait for it a few seconds and not for ever. A
// setting in the database's address has precedence.
var sessionLimits = map[string]string{
	"statement_timeout":                   "60s",
	"lock_timeout":                        "10s",
	"idle_in_transaction_session_timeout": "15s",
	"tcp_keepalives_idle":                 "15",
	"tcp_keepalives_interval":             "5",
	"tcp_keepalives_count":                "3",
	"tcp_user_timeout":                    "30000", // milliseconds
}

const (
	// connectTime bounds making a connection to PostgreSQL.
	connectTime = 5 * time.Second
	// keepAlive is between two looks whether PostgreSQL is still there.
	keepAlive = 15 * time.Second
)

// openPostgres opens a pool of sessions, limited by sessionLimits.
func openPostgres(dsn string, limited bool) (*sql.DB, error) {
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read the database's address: %w", errors.New("it is not postgres://USER@HOST/DATABASE")) // the error of pgx may quote a password
	}
	for name, value := range sessionLimits {
		if _, set := c.RuntimeParams[name]; limited && !set {
			c.RuntimeParams[name] = value
		}
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTime
	}
	dialer := &net.Dialer{Timeout: connectTime, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive / 3, Count: 3}}
	c.DialFunc = dialer.DialContext
	return stdlib.OpenDB(*c), nil
}

// postgres is PostgreSQL 14 or later, in its default isolation, read committed:
// what must hold at the commit is in the condition of an update.
func postgres(address string) dialect {
	return dialect{
		open: openPostgres, seal: sealOnce, patience: `set local statement_timeout = '2h'`, prepare: func() error { return nil }, goose: goose.DialectPostgres,
		gooseOptions: func() ([]goose.ProviderOption, error) {
			// Several processes may start at once; one migrates.
			l, err := lock.NewPostgresSessionLocker()
			return []goose.ProviderOption{goose.WithSessionLocker(l)}, err
		},
		migrations: "migrations/postgres", writers: 16, readDSN: address, writeDSN: address,
		lockJob: ` for update of j skip locked`, lockPart: ` for update of p skip locked`,
		lock: `select pg_advisory_xact_lock(hashtext($1))`, bulk: copyAll,
		timeQuery:     `select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`,
		sizeQuery:     `select pg_database_size(current_database())`,
		entryContract: `substring(body from '"contract":"([A-Z][0-9]{4})"')`,
		inList:        ` in (select json_array_elements_text(cast($1 as json)))`,
		inIDs:         ` in (select cast(json_array_elements_text(cast($1 as json)) as bigint))`,
	}
}
