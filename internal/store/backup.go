package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"ab2d/internal/audit"
)

// ErrNoBackup says that this database is backed up by its own server's tools.
var ErrNoBackup = errors.New("only a SQLite database is copied to a file; use pg_dump for PostgreSQL")

// Backup copies a SQLite database to a file that must not exist, while others read and
// write. The copy is what the database was at one moment after the call, and has an
// audit entry of the backup. It is checked and durable when Backup returns; before, the
// file is not there. It returns the head of the copy's audit log. Only this user can
// read the file.
func (db *DB) Backup(ctx context.Context, file string) (head audit.Head, err error) {
	if db.path == "" {
		return head, ErrNoBackup
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return head, fmt.Errorf("back up to %s: %w", file, errors.Join(fs.ErrExist, err))
	}
	if err := db.Record(ctx, audit.Entry{Event: audit.BackupBegan, Detail: "database to " + filepath.Base(file)}); err != nil {
		return head, err
	}
	unfinished := file + ".unfinished"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return head, fmt.Errorf("remove an earlier backup that was not finished: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(unfinished)
		}
	}()
	if err := private(unfinished); err != nil { // VACUUM writes into an empty file, with its mode
		return head, fmt.Errorf("make the backup's file: %w", err)
	}
	// One transaction reads; in WAL mode nobody waits for it.
	if _, err := db.write.ExecContext(ctx, `vacuum into $1`, unfinished); err != nil {
		return head, fmt.Errorf("copy the database: %w", err)
	}
	if head, err = checkBackup(ctx, unfinished); err != nil {
		return head, fmt.Errorf("check the backup: %w", err)
	}
	if err := syncPath(unfinished); err != nil {
		return head, err
	}
	if err := os.Rename(unfinished, file); err != nil {
		return head, fmt.Errorf("name the backup: %w", err)
	}
	return head, syncPath(filepath.Dir(file))
}

// checkBackup reads the whole copy.
func checkBackup(ctx context.Context, file string) (head audit.Head, err error) {
	copied, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?mode=ro&immutable=1")
	if err != nil {
		return head, err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	var answer string
	if err := copied.QueryRowContext(ctx, `pragma integrity_check(1)`).Scan(&answer); err != nil {
		return head, err
	}
	if answer != "ok" {
		return head, fmt.Errorf("the copy is damaged: %s", answer)
	}
	err = copied.QueryRowContext(ctx, `select number, hash from audit_head where id = 1`).Scan(&head.Number, &head.Hash)
	return head, err
}

// syncPath makes a file or a folder durable.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open %s to sync it: %w", path, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
