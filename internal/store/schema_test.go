package store

import (
	"errors"
	"path/filepath"
	"testing"

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
