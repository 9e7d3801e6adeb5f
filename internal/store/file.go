package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"ab2d/internal/export"
)

const fileColumns = `f.job, f.key, f.kind, f.part, f.ord, f.number, f.name, f.count, f.length, f.stored, f.sha256, f.checksums, f.downloads, f.damaged > 0`

func scanFile(row interface{ Scan(...any) error }) (export.File, error) {
	var f export.File
	var kind string
	err := row.Scan(&f.Job, &f.Key, &kind, &f.Part, &f.Order, &f.Number, &f.Name, &f.Count, &f.Length, &f.Stored, &f.SHA256, (*[]byte)(&f.Checksums), &f.Downloads, &f.Damaged)
	f.Kind = export.Kind(kind)
	return f, err
}

// queryFiles lists files. The condition is one of ours, never from outside.
func queryFiles(ctx context.Context, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, condition string, args ...any) ([]export.File, error) {
	rows, err := q.QueryContext(ctx, `select `+fileColumns+` from file f `+condition, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var files []export.File
	for rows.Next() {
		f, err := scanFile(rows)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, rows.Err()
}

func insertFile(ctx context.Context, tx *sql.Tx, f *export.File) error {
	_, err := tx.ExecContext(ctx, `insert into file (job, key, kind, part, ord, number, name, count, length, stored, sha256, checksums)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		f.Job, f.Key, string(f.Kind), f.Part, f.Order, f.Number, f.Name, f.Count, f.Length, f.Stored, f.SHA256, []byte(f.Checksums))
	return err
}

// Files lists the files of a completed job, claims first, by number.
func (db *DB) Files(ctx context.Context, id string) ([]export.File, error) {
	files, err := queryFiles(ctx, db.read, `join job j on j.id = f.job where f.job = $1 and j.state = 'completed' and f.number > 0
		order by f.kind, f.number`, id)
	if err != nil {
		return nil, fmt.Errorf("list the files of job %s: %w", id, err)
	}
	return files, nil
}

// ListFiles lists the files of a completed job as Files does, without their checksums,
// of which a large job has many megabytes.
func (db *DB) ListFiles(ctx context.Context, id string) ([]export.File, error) {
	rows, err := db.read.QueryContext(ctx, `select f.kind, f.number, f.name, f.count, f.length, f.sha256 from file f join job j on j.id = f.job
		where f.job = $1 and j.state = 'completed' and f.number > 0 order by f.kind, f.number`, id)
	if err != nil {
		return nil, fmt.Errorf("list the files of job %s: %w", id, err)
	}
	defer rows.Close()
	var files []export.File
	for rows.Next() {
		f := export.File{Job: id}
		var kind string
		if err := rows.Scan(&kind, &f.Number, &f.Name, &f.Count, &f.Length, &f.SHA256); err != nil {
			return nil, fmt.Errorf("list the files of job %s: %w", id, err)
		}
		f.Kind = export.Kind(kind)
		files = append(files, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list the files of job %s: %w", id, err)
	}
	return files, nil
}

// File finds a file of a completed job by its name.
func (db *DB) File(ctx context.Context, id, name string) (*export.File, error) {
	f, err := scanFile(db.read.QueryRowContext(ctx, `select `+fileColumns+` from file f join job j on j.id = f.job
		where f.job = $1 and f.name = $2 and f.number > 0 and j.state = 'completed'`, id, name))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, export.ErrNoFile
	}
	if err != nil {
		return nil, fmt.Errorf("find a file of job %s: %w", id, err)
	}
	return &f, nil
}
