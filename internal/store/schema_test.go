package store

import (
	"database/sql"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"ab2d/internal/coverage"
	"ab2d/internal/testserver"
)

// TestOpen_NewerSchema: a database that a newer release has changed is refused,
// and not changed back.
func TestOpen_NewerSchema(t *testing.T) {
	for name, address := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "ab2d.db"), "postgres": testserver.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			if there, err := Exists(t.Context(), address); err != nil || there {
				t.Errorf("before it is made: %t, %v", there, err)
			}
			db, err := Open(t.Context(), address, nil)
			if err != nil {
				t.Fatal(err)
			}
			if there, err := Exists(t.Context(), address); err != nil || !there {
				t.Errorf("when it is made: %t, %v", there, err)
			}
			if _, err := db.write.ExecContext(t.Context(), `insert into goose_db_version (version_id, is_applied) values (9999, true)`); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			_, err = Open(t.Context(), address, nil)
			var newer *NewerSchemaError
			if !errors.As(err, &newer) || newer.Database != 9999 || newer.Known < 14 {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestMigration_Attestation: a date that an older release stored is the first event of
// the history, and the way back has the date again.
func TestMigration_Attestation(t *testing.T) {
	for name, address := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "ab2d.db"), "postgres": testserver.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			old, p := migrated(t, address)
			ctx := t.Context()
			try := func(_ any, err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			try(p.UpTo(ctx, 17))
			try(old.ExecContext(ctx, `insert into contract (number, sponsor, attested) values ('S0001', 'Acme', 18322), ('S0002', 'Acme', null)`))
			before := time.Now().Add(-time.Minute)
			db, err := Open(ctx, address, nil)
			try(nil, err)
			for number, want := range map[string]coverage.Contract{
				"S0001": {Number: "S0001", Sponsor: "Acme", Attested: 18322, HasAttested: true}, "S0002": {Number: "S0002", Sponsor: "Acme"},
			} {
				if got, err := db.Contract(ctx, number); err != nil || got != want {
					t.Errorf("got %+v, %v; want %+v", got, err, want)
				}
			}
			history, err := db.AttestationHistory(ctx, "S0001", 9)
			try(nil, err)
			if len(history) != 1 || history[0].Source != coverage.FromMigration || history[0].Effective != 18322 || history[0].Recorded.Before(before) || history[0].Recorded.After(time.Now().Add(time.Minute)) {
				t.Errorf("%+v", history)
			}
			try(nil, db.PutContracts(ctx, []coverage.Contract{{Number: "S0001", Sponsor: "Acme"}, {Number: "S0002", Sponsor: "Acme", Attested: 7, HasAttested: true}}, true))
			try(nil, db.Close())
			try(p.DownTo(ctx, 17))
			var sum string
			try(nil, old.QueryRowContext(ctx, `select (select coalesce(attested, -1) from contract where number = 'S0001') || ' ' || (select attested from contract where number = 'S0002')`).Scan(&sum))
			if sum != "-1 7" {
				t.Errorf("the way back has %q", sum)
			}
		})
	}
}

// migrated gives a database and what changes its tables.
func migrated(t *testing.T, address string) (*sql.DB, *goose.Provider) {
	d, err := parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.prepare(); err != nil {
		t.Fatal(err)
	}
	db, err := d.open(d.writeDSN, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	folder, err := fs.Sub(migrations, d.migrations)
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(d.goose, db, folder)
	if err != nil {
		t.Fatal(err)
	}
	return db, p
}
