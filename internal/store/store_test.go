package store_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ab2d/internal/export/exporttest"
	"ab2d/internal/store"
	"ab2d/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Main(m)) }

// databases are those that every test of this package runs on.
var databases = map[string]func(t *testing.T) string{
	"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "ab2d.db") },
	"postgres": func(t *testing.T) string { return testserver.PostgresCopy(t, migratedPostgres(t)) },
}

// migratedDatabase is the address of a PostgreSQL database with this release's tables, which
// no test uses but to copy it.
var migratedDatabase struct {
	sync.Mutex
	address string
}

func migratedPostgres(t *testing.T) string {
	t.Helper()
	migratedDatabase.Lock()
	defer migratedDatabase.Unlock()
	if migratedDatabase.address == "" {
		address := testserver.Postgres(t)
		db, err := store.Open(t.Context(), address, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		migratedDatabase.address = address
	}
	return migratedDatabase.address
}

// each runs a test on every database.
func each(t *testing.T, test func(t *testing.T, open opener)) {
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			test(t, func(t *testing.T, now func() time.Time) *store.DB {
				t.Helper()
				return openDB(t, address(t), now)
			})
		})
	}
}

// opener opens an empty store.
type opener func(t *testing.T, now func() time.Time) *store.DB

func openDB(t *testing.T, address string, now func() time.Time) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), address, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestJobs(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		exporttest.RunJobs(t, func(t *testing.T, now func() time.Time) exporttest.Store { return open(t, now) })
	})
}

func TestQueue(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		exporttest.RunQueue(t, func(t *testing.T, now func() time.Time) exporttest.Store { return open(t, now) })
	})
}
