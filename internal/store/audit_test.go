package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/store"
	"ab2d/internal/testserver"
)

// TestTheAuditHoldsWhenManyWrite: several processes on one database write one
// chain without a gap.
func TestTheAuditHoldsWhenManyWrite(t *testing.T) {
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			where := address(t)
			first, second := openDB(t, where, time.Now), openDB(t, where, time.Now)
			ctx := audit.With(t.Context(), &audit.Facts{Request: "r", From: "192.0.2.1"})
			var all sync.WaitGroup
			const writers, each = 8, 25
			began := time.Now()
			for w := range writers {
				db := []*store.DB{first, second}[w%2]
				all.Go(func() {
					for i := range each {
						if err := db.Record(ctx, audit.Entry{Event: audit.TokenGranted, Client: fmt.Sprint(w, i)}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			t.Logf("%d entries in %s", writers*each, time.Since(began))
			head, err := audit.Verify(first.Links(ctx, 0), audit.Head{})
			stored, e := second.AuditHead(ctx)
			if err != nil || e != nil || head.Number != writers*each || head != stored {
				t.Errorf("%v, %v, %v, %v", head, stored, err, e)
			}
		})
	}
}

// TestAnEditedRowIsFound, whoever edits it and however.
func TestAnEditedRowIsFound(t *testing.T) {
	edits := map[string][2]string{ // the second is for PostgreSQL
		"changed": {`update audit_entry set body = replace(body, 'token.granted', 'token.refused') where number = 2`, ""},
		"removed": {`delete from audit_entry where number = 2`, ""},
		"cut":     {`delete from audit_entry where number = 3`, ""},
		"swapped": {`update audit_entry set number = case number when 2 then -3 else -2 end where number > 1; update audit_entry set number = -number where number < 0`, ""},
	}
	for name, address := range databases {
		for what, edit := range edits {
			t.Run(name+" "+what, func(t *testing.T) {
				where := address(t)
				db := openDB(t, where, time.Now)
				for range 3 {
					if err := db.Record(t.Context(), audit.Entry{Event: audit.TokenGranted}); err != nil {
						t.Fatal(err)
					}
				}
				raw := rawDB(t, where)
				if _, err := raw.Exec(edit[0]); err == nil {
					t.Fatal("the tables let it be edited")
				}
				for _, trigger := range []string{"audit_entry_stays", "audit_entry_remains"} {
					drop := `drop trigger ` + trigger
					if name == "postgres" {
						drop += ` on audit_entry`
					}
					if _, err := raw.Exec(drop); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := raw.Exec(edit[0]); err != nil {
					t.Fatal(err)
				}
				head, err := db.AuditHead(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var broken *audit.Broken
				if _, err := audit.Verify(db.Links(t.Context(), 0), head); !errors.As(err, &broken) {
					t.Errorf("it was not found: %v", err)
				}
			})
		}
	}
}

// rawDB is the database as its owner has it.
func rawDB(t *testing.T, address string) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", address
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, dsn = "sqlite", path
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestClientsOfBefore: what the second version of the tables held is still
// there in the third.
func TestSecretsOfBefore(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		db := open(t, time.Now)
		now := time.Now().Truncate(time.Millisecond).UTC()
		c := auth.Client{ID: "c", Contract: "S1234", Enabled: true, MaxJobs: 2,
			Secrets: []auth.Secret{{ID: "a", Hash: "$2a$10$x", Created: now, Expires: now.Add(time.Hour)}, {ID: "b", Hash: "$2a$10$y", Created: now}}}
		if err := db.AddClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := db.AddClient(t.Context(), c); !errors.Is(err, auth.ErrClientTaken) {
			t.Errorf("twice: %v", err)
		}
		got, err := db.Client(t.Context(), "c")
		if err != nil || len(got.Secrets) != 2 || got.Secrets[0] != c.Secrets[0] || got.Secrets[1] != c.Secrets[1] {
			t.Errorf("%+v, %v", got, err)
		}
		if err := db.SetContractEnabled(t.Context(), "S1234", false); err != nil {
			t.Fatal(err)
		}
		if got, err := db.Client(t.Context(), "c"); err != nil || !got.ContractDisabled {
			t.Errorf("%+v, %v", got, err)
		}
		for i, want := range []bool{true, false, false} {
			if fresh, err := db.UseAssertion(t.Context(), "c", "digest", time.Now().Add(time.Minute)); fresh != want || err != nil {
				t.Errorf("use %d: %v, %v", i, fresh, err)
			}
		}
	})
}

var _ = filepath.Join
var _ = testserver.Postgres
