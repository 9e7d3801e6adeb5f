package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"ab2d/internal/export"
	"ab2d/internal/obs"
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

// filesOfParts reads the files of some parts, by the number of the part, each in order.
// It asks for all of them at once and sorts the kinds here: asked to sort those of one
// part, SQLite reads all files of the job.
func (db *DB) filesOfParts(ctx context.Context, job string, first, last int) (map[int][]export.File, error) {
	list, err := queryFiles(ctx, db.read, `where f.job = $1 and f.part between $2 and $3 order by f.part, f.ord`, job, first, last)
	if err != nil {
		return nil, err
	}
	files := map[int][]export.File{}
	for _, f := range list {
		files[f.Part] = append(files[f.Part], f)
	}
	for _, of := range files {
		slices.SortStableFunc(of, func(a, b export.File) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	}
	return files, nil
}

func insertFile(ctx context.Context, tx *sql.Tx, f *export.File) error {
	_, err := tx.ExecContext(ctx, `insert into file (job, key, kind, part, ord, number, name, count, length, stored, sha256, checksums)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		f.Job, f.Key, string(f.Kind), f.Part, f.Order, f.Number, f.Name, f.Count, f.Length, f.Stored, f.SHA256, []byte(f.Checksums))
	return err
}

// numberReady gives numbers and names to the claim files of a job with partial
// manifests, as far as all parts before theirs are done. The caller has the job's row.
func numberReady(ctx context.Context, tx *sql.Tx, job string) error {
	var contract string
	var parts, files int
	err := tx.QueryRowContext(ctx, `select contract, ready_parts, ready_files from job where id = $1 and partial = 1`, job).Scan(&contract, &parts, &files)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	first := parts + 1
	if err := tx.QueryRowContext(ctx, `select coalesce(min(number), $2) - 1 from part where job = $1 and done = 0`, job, math.MaxInt32).Scan(&parts); err != nil {
		return err
	}
	if parts < first {
		return nil
	}
	ready, err := queryFiles(ctx, tx, `where f.job = $1 and f.part between $2 and $3 and f.kind = 'data' order by f.part, f.ord`, job, first, parts)
	if err != nil {
		return err
	}
	for _, f := range ready {
		files++
		f.Number, f.Name = files, export.FileName(contract, f.Kind, files)
		if err := nameFile(ctx, tx, &f); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `update job set ready_parts = $2, ready_files = $3 where id = $1`, job, parts, files)
	return err
}

// nameFile stores a file's number and name, or the whole file if no part has stored it.
// A file that has them already is not touched: it may be downloaded at the same time.
func nameFile(ctx context.Context, tx *sql.Tx, f *export.File) error {
	named, err := exactlyOne(ctx, tx, `update file set number = $3, name = $4 where job = $1 and key = $2 and number = 0`, f.Job, f.Key, f.Number, f.Name)
	if err != nil || named {
		return err
	}
	var number int
	var name string
	err = tx.QueryRowContext(ctx, `select number, name from file where job = $1 and key = $2`, f.Job, f.Key).Scan(&number, &name)
	if errors.Is(err, sql.ErrNoRows) {
		return insertFile(ctx, tx, f)
	}
	if err == nil && (number != f.Number || name != f.Name) {
		err = fmt.Errorf("file %s has the number %d already, and not %d", f.Key, number, f.Number)
	}
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

// listColumns are what a manifest tells of a file: not its checksums by block, of which
// a large job has many megabytes.
const listColumns = `select f.kind, f.number, f.name, f.count, f.length, f.sha256 from file f join job j on j.id = f.job
	where f.job = $1 and f.number > 0 `

// ListFiles lists the files of a completed job as Files does, without their checksums
// by block.
func (db *DB) ListFiles(ctx context.Context, id string) ([]export.File, error) {
	return db.listFiles(ctx, id, `and j.state = 'completed' order by f.kind, f.number`)
}

// ListPage lists the files of a page of a manifest.
func (db *DB) ListPage(ctx context.Context, id string, p export.Page) ([]export.File, error) {
	files, err := db.listFiles(ctx, id, `and f.kind = 'data' and f.number between $2 and $3 and `+downloadable+` order by f.number`, p.First, p.Last)
	if err != nil || !p.Final {
		return files, err
	}
	others, err := db.listFiles(ctx, id, `and f.kind in ('deleted', 'error') and j.state = 'completed' order by f.kind, f.number`)
	return append(files, others...), err
}

// downloadable is the condition on a job whose files can be downloaded, as far as they
// have numbers.
const downloadable = `(j.state = 'completed' or j.state = 'running' and j.partial = 1)`

func (db *DB) listFiles(ctx context.Context, id, condition string, args ...any) ([]export.File, error) {
	rows, err := db.read.QueryContext(ctx, listColumns+condition, append([]any{id}, args...)...)
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

// File finds a file that can be downloaded by its name.
func (db *DB) File(ctx context.Context, id, name string) (*export.File, error) {
	ctx, span := obs.StartSpan(ctx, "store", "read a file's row")
	defer span.End(nil)
	f, err := scanFile(db.read.QueryRowContext(ctx, `select `+fileColumns+` from file f join job j on j.id = f.job
		where f.job = $1 and f.name = $2 and f.number > 0 and `+downloadable, id, name))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, export.ErrNoFile
	}
	if err != nil {
		return nil, fmt.Errorf("find a file of job %s: %w", id, err)
	}
	return &f, nil
}
