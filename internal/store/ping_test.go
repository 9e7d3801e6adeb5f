package store_test

import (
	"testing"
	"time"

	"errors"
)

// TestPing: a database that another process has locked, or that cannot be written,
// fails the check; one that is free again passes.
func TestPing(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		db := open(t, time.Now)
		if err := errors.Join(db.Ping(t.Context()), db.PingAudit(t.Context())); err != nil {
			t.Error(err)
		}
	})
	t.Run("locked", func(t *testing.T) {
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
		if err := db.Ping(t.Context()); err == nil {
			t.Error("a locked database passes")
		}
		if _, err := other.ExecContext(t.Context(), `rollback`); err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
