package store_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"ab2d/internal/export/exporttest"
	"ab2d/internal/store"
)

func open(t *testing.T, now func() time.Time) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "ab2d.db"), now)
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
	exporttest.RunJobs(t, func(t *testing.T, now func() time.Time) exporttest.Store { return open(t, now) })
}

func TestQueue(t *testing.T) {
	exporttest.RunQueue(t, func(t *testing.T, now func() time.Time) exporttest.Store { return open(t, now) })
}
