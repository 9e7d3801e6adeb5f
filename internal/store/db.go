package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"

	"ab2d/internal/encryption"
	"ab2d/internal/obs"
)

// DB keeps jobs, clients and signing keys in a SQL database. It implements
// export.Jobs, export.Queue, auth.Clients and auth.Keys. Safe for concurrent
// use, by several processes.
type DB struct {
	dialect
	write *sql.DB
	read  *sql.DB
	// claims is for those who read an enrollee's claims after the other: each
	// holds a connection for as long as a part takes, and needs another now and
	// then. There are as many as there are workers, so that it needs no limit,
	// and with one they would wait for each other.
	claims *sql.DB
	now    func() time.Time
	clock  *clock // nil where now is of a test
	turns  *turns // nil where several can write at once

	recorded   chan struct{} // full when audit entries wait to be chained
	closing    chan struct{} // closed by Close
	closeOnce  sync.Once
	sealerDone chan struct{} // closed when the sealer has ended; nil before it runs
	attached   *flock.Flock  // of Attach; nil before it

	ring *encryption.Ring // of EncryptWith; nil: claims are stored plain
}

// Open opens the database at an address, "sqlite:" and a path or
// "postgres://...", and brings its tables up to date. It lives by the database's
// clock, or by now if that is not nil.
func Open(ctx context.Context, address string, now func() time.Time) (*DB, error) {
	d, err := parse(address)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(); err != nil {
		return nil, fmt.Errorf("make the database: %w", err)
	}
	db := &DB{dialect: d, now: now, recorded: make(chan struct{}, 1), closing: make(chan struct{})}
	if d.writers == 1 {
		db.turns = newTurns()
	}
	if now == nil {
		db.clock = &clock{base: time.Now().Round(0), at: elapsed()}
		db.now = db.clock.now
	}
	if db.write, err = d.open(d.writeDSN, true); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	db.write.SetMaxOpenConns(d.writers)
	if err := db.MeasureClock(ctx); err != nil {
		db.write.Close()
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		db.write.Close()
		return nil, err
	}
	for _, pool := range []**sql.DB{&db.read, &db.claims} {
		if *pool, err = d.open(d.readDSN, true); err != nil {
			db.Close()
			return nil, fmt.Errorf("open the database for reading: %w", err)
		}
		(*pool).SetMaxIdleConns(8)
	}
	db.read.SetMaxOpenConns(8)
	db.sealerDone = make(chan struct{})
	go db.sealer()
	return db, nil
}

// NewerSchemaError says that a newer release has changed the tables.
type NewerSchemaError struct {
	Database, Known int64 // versions of the schema
}

// Error says what to do.
func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("a newer release of ab2d wrote this database (schema %d; this release knows %d): use that release, or a newer one", e.Database, e.Known)
}

// Exists tells whether there is a database at an address: for SQLite a file that
// is not empty, for PostgreSQL tables of this program. It makes nothing.
func Exists(ctx context.Context, address string) (bool, error) {
	d, err := parse(address)
	if err != nil {
		return false, err
	}
	if d.path != "" {
		info, err := os.Stat(d.path)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("look for the database: %w", err)
		}
		return info.Size() > 0, nil
	}
	db, err := d.open(d.readDSN, true)
	if err != nil {
		return false, fmt.Errorf("open the database: %w", err)
	}
	defer db.Close()
	var table sql.NullString
	if err := db.QueryRowContext(ctx, `select cast(to_regclass('goose_db_version') as text)`).Scan(&table); err != nil {
		return false, fmt.Errorf("look for the database's tables: %w", err)
	}
	return table.Valid, nil
}

func (db *DB) migrate(ctx context.Context) (err error) {
	pool, err := db.open(db.writeDSN, false)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	folder, err := fs.Sub(migrations, db.migrations)
	if err != nil {
		return fmt.Errorf("find the migrations: %w", err)
	}
	options, err := db.gooseOptions()
	if err != nil {
		return fmt.Errorf("lock the migrations: %w", err)
	}
	// The migrations do not build on each other: one may come with a lower number
	// than what a database already has.
	options = append(options, goose.WithAllowOutofOrder(true))
	p, err := goose.NewProvider(db.goose, pool, folder, options...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	sources := p.ListSources()
	known := sources[len(sources)-1].Version
	if version, err := p.GetDBVersion(ctx); notSQLite(err) {
		return errors.New("the file is not an SQLite database. Check the path; to begin with an empty database, name a file that does not exist")
	} else if err != nil {
		return fmt.Errorf("read the version of the database's tables: %w", err)
	} else if version > known {
		return &NewerSchemaError{Database: version, Known: known}
	}
	applied, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("bring the database's tables up to date: %w", err)
	}
	if len(applied) > 0 && applied[0].Source.Version == sources[0].Version { // no older release has seen it
		return allowDeltas(ctx, pool)
	}
	return nil
}

// Close chains the audit entries that wait, and closes the database.
func (db *DB) Close() error {
	if db.sealerDone != nil {
		db.closeOnce.Do(func() { close(db.closing) })
		<-db.sealerDone
	}
	var faults []error
	for _, pool := range []*sql.DB{db.claims, db.read, db.write} {
		if pool != nil {
			faults = append(faults, pool.Close())
		}
	}
	if db.attached != nil {
		faults = append(faults, db.attached.Close())
	}
	return errors.Join(faults...)
}

// Ping tells whether the database can be read and written, and has room on its disk.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	if err := db.read.QueryRowContext(ctx, `select 1 from client limit 1`).Scan(&one); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("the database cannot be read: %w", err)
	}
	if db.path != "" {
		if err := obs.CheckSpace(filepath.Dir(db.path)); err != nil {
			return fmt.Errorf("the disk of the database: %w", err)
		}
	}
	const write = `insert into probe (id, at) values (1, $1) on conflict (id) do update set at = excluded.at`
	var err error
	if db.turns == nil { // one statement, so that a process that stops here holds nothing
		_, err = db.write.ExecContext(ctx, write, millis(db.now()))
	} else {
		err = db.tx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, write, millis(db.now()))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("the database cannot be written: %w", err)
	}
	return nil
}

// maxUnsealed is how many entries of the audit log may wait for their place.
const maxUnsealed = 10_000

// PingAudit tells whether the audit log keeps up with what is recorded.
func (db *DB) PingAudit(ctx context.Context) error {
	n, err := db.Unsealed(ctx)
	if err == nil && n > maxUnsealed {
		err = fmt.Errorf("%d entries of the audit log wait to be chained", n)
	}
	return err
}

// tx runs f in one writing transaction, which is durable when tx returns nil.
func (db *DB) tx(ctx context.Context, f func(tx *sql.Tx) error) error {
	return db.txOn(ctx, func(tx *sql.Tx, _ *sql.Conn) error { return f(tx) })
}

// txOn is tx for those who also need the transaction's connection.
func (db *DB) txOn(ctx context.Context, f func(tx *sql.Tx, conn *sql.Conn) error) error {
	if db.turns != nil {
		if err := db.turns.take(ctx); err != nil {
			return fmt.Errorf("wait to write: %w", err)
		}
		defer db.turns.give()
	}
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close() // gives it back
	tx, err := db.begin(ctx, conn)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // does nothing after the commit
	if err := f(tx, conn); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (db *DB) begin(ctx context.Context, conn *sql.Conn) (*sql.Tx, error) {
	if db.turns == nil {
		return conn.BeginTx(ctx, nil)
	}
	ended := db.turns.trying()
	tx, err := conn.BeginTx(ctx, nil)
	ended(!isBusy(err))
	return tx, err
}

// isBusy tells whether SQLite waited for another process in vain (SQLITE_BUSY).
func isBusy(err error) bool {
	var code interface{ Code() int }
	return errors.As(err, &code) && code.Code()&0xff == 5
}

// patient lets the statements of a transaction take as long as an import or a
// migration may take.
func (db *DB) patient(ctx context.Context, tx *sql.Tx) error {
	if db.patience == "" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, db.patience); err != nil {
		return fmt.Errorf("allow statements more time: %w", err)
	}
	return nil
}

// alone makes the transaction the only one of those that are alone under the
// same name.
func (db *DB) alone(ctx context.Context, tx *sql.Tx, name string) error {
	if db.lock == "" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, db.lock, name); err != nil {
		return fmt.Errorf("lock %s: %w", name, err)
	}
	return nil
}

// exactlyOne runs a conditional change and tells whether its condition held.
func exactlyOne(ctx context.Context, tx *sql.Tx, statement string, args ...any) (bool, error) {
	r, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// millis is a time as the tables hold it.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// timeOf is the reverse of millis.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// encoded is a list or totals as the tables hold them. The types it is used
// with always encode.
func encoded(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// notSQLite tells whether an error says that a file is no database (SQLITE_NOTADB).
func notSQLite(err error) bool {
	const notADatabase = 26
	var coded interface{ Code() int }
	return errors.As(err, &coded) && coded.Code() == notADatabase
}
