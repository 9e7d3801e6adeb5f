package store_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/store"
	"ab2d/internal/testserver"
)

// TestAFrozenTransactionHoldsNobodyUp: a process that stops in the middle of a
// transaction, with an entry of the audit log in it and the head of the log locked,
// keeps nobody from recording, and from chaining once it is gone.
func TestAFrozenTransactionHoldsNobodyUp(t *testing.T) {
	address := testserver.Postgres(t)
	db := openDB(t, address, time.Now)
	frozen, err := rawDB(t, address).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer frozen.Rollback()
	for _, statement := range []string{`insert into audit_pending (body) values ('{"event": "refused"}')`, `select number from audit_head where id = 1 for update`} {
		if _, err := frozen.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if err := db.Record(ctx, audit.Entry{Event: audit.TokenGranted}); err != nil {
			t.Error(err)
		}
		cancel()
	}
	if n, err := db.Unsealed(t.Context()); err != nil || n != 5 {
		t.Errorf("%d entries wait, %v", n, err)
	}
	if err := frozen.Rollback(); err != nil {
		t.Fatal(err)
	}
	verified(t, db, 5)
}

// verified checks the chain, and that it has so many entries.
func verified(t *testing.T, db *store.DB, want int64) {
	t.Helper()
	head, err := audit.Verify(db.Links(t.Context(), 0), audit.Head{})
	left, e := db.Unsealed(t.Context())
	if err != nil || e != nil || head.Number != want || left != 0 {
		t.Errorf("%d entries and %d that wait, want %d: %v, %v", head.Number, left, want, err, e)
	}
}

// TestSessionLimits: PostgreSQL ends what a process holds that does nothing, and
// the process that comes back hears it.
func TestSessionLimits(t *testing.T) {
	address := testserver.Postgres(t)
	more := "?"
	if strings.Contains(address, "?") {
		more = "&"
	}
	db := openDB(t, address+more+"idle_in_transaction_session_timeout=200", time.Now)
	if err := db.AddClient(t.Context(), auth.Client{ID: "c", Contract: "S1234", MaxJobs: 1}); err != nil {
		t.Fatal(err)
	}
	raw := rawDB(t, address)
	_, err := db.ChangeClient(t.Context(), "c", audit.Entry{Event: audit.ClientChanged}, func(*auth.Client) error {
		return rawIdle(raw) // as a stopped process does, until the database has enough of it
	})
	if err == nil {
		t.Error("the transaction of a frozen process was committed")
	}
	if _, err := db.ChangeClient(t.Context(), "c", audit.Entry{Event: audit.ClientChanged}, func(*auth.Client) error { return nil }); err != nil {
		t.Errorf("another: %v", err)
	}
	verified(t, db, 2)
}

// TestALockedSQLiteIsToldAtOnce: while another process has SQLite's write lock, one
// caller waits for it, and all others hear at once that it is locked.
func TestALockedSQLiteIsToldAtOnce(t *testing.T) {
	address := databases["sqlite"](t)
	db := openDB(t, address, time.Now)
	other, err := rawDB(t, address).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), `begin immediate`); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	locked := 0
	for range 20 {
		all.Go(func() {
			err := db.Record(t.Context(), audit.Entry{Event: audit.TokenGranted})
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, store.ErrLocked) {
				locked++
			} else if err == nil {
				t.Error("recorded in a locked database")
			}
		})
	}
	all.Wait()
	if locked < 15 {
		t.Errorf("%d of 20 were told that the database is locked", locked)
	}
	if _, err := other.ExecContext(t.Context(), `rollback`); err != nil {
		t.Fatal(err)
	}
	if err := db.Record(t.Context(), audit.Entry{Event: audit.TokenGranted}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	verified(t, db, 1)
}

// TestEntriesOfADeadProcess: what a process recorded and did not chain before it
// was killed, the next one chains.
func TestEntriesOfADeadProcess(t *testing.T) {
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			where := address(t)
			openDB(t, where, time.Now)
			raw := rawDB(t, where)
			for range 3 {
				if _, err := raw.ExecContext(t.Context(), `insert into audit_pending (body) values ('{"time":"2026-01-15T12:00:00.000Z","event":"token.granted"}')`); err != nil {
					t.Fatal(err)
				}
			}
			verified(t, openDB(t, where, time.Now), 3)
		})
	}
}

// rawIdle waits until PostgreSQL has ended all sessions that are idle in a
// transaction.
func rawIdle(raw *sql.DB) error {
	for {
		var n int
		err := raw.QueryRow(`select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`).Scan(&n)
		if err != nil || n == 0 {
			return err
		}
	}
}
