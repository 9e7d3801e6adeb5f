package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"ab2d/internal/audit"
)

// archiveEntries bounds the entries of one archive.
const archiveEntries = 200_000

// AuditArchives lists the archives of the audit log, the oldest first. The entries of
// the database continue the last one.
func (db *DB) AuditArchives(ctx context.Context) ([]audit.Archive, error) {
	rows, err := db.read.QueryContext(ctx, `select first, last, hash, file, sha256 from audit_archive order by first`)
	if err != nil {
		return nil, fmt.Errorf("list the archives of the audit log: %w", err)
	}
	defer rows.Close()
	list := []audit.Archive{}
	for rows.Next() {
		var a audit.Archive
		if err := rows.Scan(&a.First, &a.Last, &a.Hash, &a.File, &a.SHA256); err != nil {
			return nil, fmt.Errorf("list the archives of the audit log: %w", err)
		}
		list = append(list, a)
	}
	return list, rows.Err()
}

// archiveEnd is the head of the last archive; zero if there is none.
func (db *DB) archiveEnd(ctx context.Context) (audit.Head, error) {
	list, err := db.AuditArchives(ctx)
	if err != nil || len(list) == 0 {
		return audit.Head{}, err
	}
	return list[len(list)-1].Head(), nil
}

// ArchiveAudit moves the entries that are older than before to a file in a directory:
// nothing if there are none, and at most archiveEntries at once. The entries are deleted
// when the file was verified and is durable, and an entry in the log names it. It can be
// called again after it was stopped. Safe for concurrent use, by several processes.
func (db *DB) ArchiveAudit(ctx context.Context, dir string, before time.Time) (*audit.Archive, error) {
	from, err := db.archiveEnd(ctx)
	if err != nil {
		return nil, err
	}
	if err := db.removeArchived(ctx, from.Number); err != nil { // of a call that was stopped
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the audit log's archive: %w", err)
	}
	a, err := audit.WriteArchive(dir, from, db.olderLinks(ctx, from.Number, audit.FormatTime(before)))
	if err != nil || a == nil {
		return nil, err
	}
	won, err := db.addArchive(ctx, from, a)
	if err != nil {
		return nil, fmt.Errorf("record an archive of the audit log: %w", err)
	}
	if !won { // another process was faster, and may have given its file the same name
		return nil, db.dropLoser(ctx, dir, a)
	}
	return a, db.removeArchived(ctx, a.Last)
}

// olderLinks gives entries after a number, up to the first that is not older than a time.
func (db *DB) olderLinks(ctx context.Context, after int64, before string) iter.Seq2[audit.Link, error] {
	return func(yield func(audit.Link, error) bool) {
		n := 0
		for l, err := range db.Links(ctx, after) {
			var e audit.Entry
			if err == nil {
				err = json.Unmarshal(l.Body, &e)
			}
			if err == nil && (e.Time >= before || n == archiveEntries) {
				return
			}
			if n++; !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// addArchive records an archive and its entry, if the archive continues the last one.
func (db *DB) addArchive(ctx context.Context, from audit.Head, a *audit.Archive) (won bool, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		if err := db.alone(ctx, tx, "audit archive"); err != nil {
			return err
		}
		won, err = exactlyOne(ctx, tx, `insert into audit_archive (first, last, hash, file, sha256, archived)
			select cast($1 as bigint), cast($2 as bigint), $3, $4, $5, cast($6 as bigint) where (select coalesce(max(last), 0) from audit_archive) = $7`,
			a.First, a.Last, a.Hash, a.File, a.SHA256, millis(db.now()), from.Number)
		if err != nil || !won {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.AuditArchived, Detail: a.Detail()})
	})
	return won, err
}

// dropLoser removes a file that no archive of the database names.
func (db *DB) dropLoser(ctx context.Context, dir string, a *audit.Archive) error {
	list, err := db.AuditArchives(ctx)
	if err != nil {
		return err
	}
	for _, other := range list {
		if other.File == a.File {
			return nil
		}
	}
	if err := os.Remove(filepath.Join(dir, a.File)); err != nil {
		return fmt.Errorf("remove an archive that another process made, too: %w", err)
	}
	return nil
}

// removeArchived deletes entries that are in an archive. A trigger holds the others.
func (db *DB) removeArchived(ctx context.Context, last int64) error {
	_, err := db.removeBatches(ctx, `delete from audit_entry where number in (select number from audit_entry where number <= $1 order by number limit $2)`, last, linksAtOnce)
	if err != nil {
		return fmt.Errorf("remove archived audit entries: %w", err)
	}
	return nil
}
