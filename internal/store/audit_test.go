package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

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
						err := store.ErrLocked // again, as clients do: on a slow machine the other process may write for long
						for errors.Is(err, store.ErrLocked) {
							err = db.Record(ctx, audit.Entry{Event: audit.TokenGranted, Client: fmt.Sprint(w, i)})
						}
						if err != nil {
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
	edits := map[string]string{
		"changed": `update audit_entry set body = replace(body, 'token.granted', 'token.refused') where number = 2`,
		"removed": `delete from audit_entry where number = 2`,
		"cut":     `delete from audit_entry where number = 3`,
		"swapped": `update audit_entry set number = case number when 2 then -3 else -2 end where number > 1; update audit_entry set number = -number where number < 0`,
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
				if left, err := db.Seal(t.Context()); err != nil || left > 0 {
					t.Fatalf("%d entries wait, %v", left, err)
				}
				raw := rawDB(t, where)
				if _, err := raw.Exec(edit); err == nil {
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
				if _, err := raw.Exec(edit); err != nil {
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
		driver, dsn = "sqlite", path+"?_pragma=busy_timeout(10000)" // the store writes now and then by itself
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestSecretsOfBefore: clients as the second version of the tables had them get
// in as before.
func TestSecretsOfBefore(t *testing.T) {
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			where := address(t)
			if name == "postgres" {
				where = testserver.Postgres(t) // without tables
			}
			raw := rawDB(t, where)
			dialect := map[string]goose.Dialect{"sqlite": goose.DialectSQLite3, "postgres": goose.DialectPostgres}[name]
			p, err := goose.NewProvider(dialect, raw, os.DirFS("migrations/"+name))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.UpTo(t.Context(), 2); err != nil {
				t.Fatal(err)
			}
			if _, err := p.ApplyVersion(t.Context(), 4, true); err != nil { // without the third
				t.Fatal(err)
			}
			hashes := []string{"$2a$10$R/N7qCKFI1QYFpC//9phz.LFeC9qcgY6bgthDDDrx.08eRHd1o2tS", "$2a$10$abcdefghijklmnopqrstuv.LFeC9qcgY6bgthDDDrx.08eRHd1o2tS"}
			for id, secrets := range map[string]string{"two": `["` + strings.Join(hashes, `","`) + `"]`, "none": `[]`} {
				if _, err := raw.Exec(`insert into client (id, contract, secrets, enabled, max_jobs, created) values ($1, 'S1234', $2, 1, 3, 1700000000000)`, id, secrets); err != nil {
					t.Fatal(err)
				}
			}
			db := openDB(t, where, time.Now)
			c, err := db.Client(t.Context(), "two")
			if err != nil || len(c.Secrets) != 2 || c.Secrets[0].Hash != hashes[0] || c.Secrets[1].Hash != hashes[1] || c.Secrets[0].ID == "" ||
				!c.Secrets[0].Live(time.Now()) || c.Secrets[0].Created.Year() != 2023 || !c.Enabled || c.MaxJobs != 3 || len(c.Networks) != 0 {
				t.Errorf("%+v, %v", c, err)
			}
			if c, err := db.Client(t.Context(), "none"); err != nil || len(c.Secrets) != 0 {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

// TestClients: what is stored of a client comes back.
func TestClients(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		db := open(t, time.Now)
		now := time.Now().Truncate(time.Millisecond).UTC()
		c := auth.Client{ID: "c", Name: "nightly", Contract: "S1234", Enabled: true, MaxJobs: 2, KeysURL: "https://sponsor.example/jwks",
			Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
			Secrets:  []auth.Secret{{ID: "a", Hash: "$2a$10$x", Created: now, Expires: now.Add(time.Hour)}, {ID: "b", Hash: "$2a$10$y", Created: now}}}
		if err := db.AddClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := db.AddClient(t.Context(), c); !errors.Is(err, auth.ErrClientTaken) {
			t.Errorf("twice: %v", err)
		}
		got, err := db.Client(t.Context(), "c")
		if err != nil {
			t.Fatal(err)
		}
		got.Created = time.Time{}
		c.OperatorNetworks = c.Networks // an operator set them
		if diff := cmp.Diff(&c, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Error(diff)
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

// BenchmarkRecord is what one entry costs, with its sync to the disk: one
// writer, and eight at once.
func BenchmarkRecord(b *testing.B) {
	db, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "ab2d.db"), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	ctx := audit.With(b.Context(), &audit.Facts{Request: "0f8fad5b-d9cb-469f-a165-70867728950e", From: "192.0.2.1", Actor: "client 0oa2t0lsrdZw5uWRx297"})
	e := audit.Entry{Event: audit.DownloadBegan, Contract: "Z0000", Client: "0oa2t0lsrdZw5uWRx297", Job: "c40e30e6-0913-4803-9b05-bb0563f0cac6", File: "Z0000_0001.ndjson"}
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			if err := db.Record(ctx, e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("eight", func(b *testing.B) {
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := db.Record(ctx, e); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}
