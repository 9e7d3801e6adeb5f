package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ab2d/internal/audit"
	"ab2d/internal/export"
)

// deliveries are what is known of the deliveries of a file.
type deliveries struct {
	downloads   int             // complete ones
	gzip, plain export.Coverage // of what is not counted in downloads yet
}

// of returns the coverage of one representation.
func (d *deliveries) of(gzip bool) *export.Coverage {
	if gzip {
		return &d.gzip
	}
	return &d.plain
}

// BeginDelivery reserves a delivery and records it in the audit log.
func (db *DB) BeginDelivery(ctx context.Context, f *export.File, d export.Delivery, limit int, ttl time.Duration) (string, error) {
	id := uuid.NewString()
	err := db.deliveryTx(ctx, f, func(tx *sql.Tx) error {
		now, err := readDeliveries(ctx, tx, f)
		if err != nil {
			return err
		}
		if now.downloads >= limit {
			return export.ErrDownloadLimit
		}
		if err := db.addRunning(ctx, tx, f, now); err != nil {
			return err
		}
		*now.of(d.Gzip) = now.of(d.Gzip).Add(d.From, d.To)
		if now.downloads+now.gzip.Complete(f.Stored)+now.plain.Complete(f.Length) > limit {
			return export.ErrDownloading
		}
		_, err = tx.ExecContext(ctx, `insert into delivery (id, job, key, gzip, first, last, held_until) values ($1, $2, $3, $4, $5, $6, $7)`,
			id, f.Job, f.Key, bit(d.Gzip), d.From, d.To, millis(db.now().Add(ttl)))
		if err != nil {
			return err
		}
		if d.Unrecorded {
			return nil
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.DownloadBegan, Job: f.Job, File: f.Name})
	})
	if err != nil {
		return "", fmt.Errorf("begin a delivery of file %s of job %s: %w", f.Name, f.Job, err)
	}
	return id, nil
}

// deliveryTx runs change in a transaction that is the only one about the
// deliveries of the file.
func (db *DB) deliveryTx(ctx context.Context, f *export.File, change func(tx *sql.Tx) error) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		if err := db.alone(ctx, tx, "delivery "+f.Key); err != nil {
			return err
		}
		return change(tx)
	})
}

func readDeliveries(ctx context.Context, tx *sql.Tx, f *export.File) (*deliveries, error) {
	var d deliveries
	var gzip, plain string
	err := tx.QueryRowContext(ctx, `select downloads, coverage_gzip, coverage_plain from file where job = $1 and key = $2`, f.Job, f.Key).
		Scan(&d.downloads, &gzip, &plain)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, export.ErrNoFile
	}
	if err != nil {
		return nil, err
	}
	if d.gzip, err = export.ParseCoverage(gzip); err != nil {
		return nil, err
	}
	d.plain, err = export.ParseCoverage(plain)
	return &d, err
}

// addRunning adds what the requests that are being answered may deliver.
// Reservations that lapsed are removed.
func (db *DB) addRunning(ctx context.Context, tx *sql.Tx, f *export.File, d *deliveries) error {
	now := millis(db.now())
	if _, err := tx.ExecContext(ctx, `delete from delivery where job = $1 and key = $2 and held_until <= $3`, f.Job, f.Key, now); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `select gzip, first, last from delivery where job = $1 and key = $2`, f.Job, f.Key)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var gzip int
		var first, last int64
		if err := rows.Scan(&gzip, &first, &last); err != nil {
			return err
		}
		*d.of(gzip == 1) = d.of(gzip == 1).Add(first, last)
	}
	return rows.Err()
}

// ExtendDelivery holds a reservation for another ttl.
func (db *DB) ExtendDelivery(ctx context.Context, id string, ttl time.Duration) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `update delivery set held_until = $2 where id = $1`, id, millis(db.now().Add(ttl)))
		return err
	})
	if err != nil {
		return fmt.Errorf("extend a delivery: %w", err)
	}
	return nil
}

// EndDelivery ends a reservation, counts what was delivered, and records it in
// the audit log.
func (db *DB) EndDelivery(ctx context.Context, id string, f *export.File, d export.Delivery) error {
	err := db.deliveryTx(ctx, f, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `delete from delivery where id = $1`, id); err != nil {
			return err
		}
		if err := countDelivery(ctx, tx, f, d); err != nil && !errors.Is(err, export.ErrNoFile) { // the job may have been deleted meanwhile
			return err
		}
		if d.Unrecorded {
			return nil
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.DownloadEnded, Job: f.Job, File: f.Name, Bytes: d.To - d.From + d.OmittedBytes, Omitted: d.Omitted})
	})
	if err != nil {
		return fmt.Errorf("end a delivery of file %s of job %s: %w", f.Name, f.Job, err)
	}
	return nil
}

// countDelivery counts complete downloads, and notes when no claim file of the
// job is left that has none.
func countDelivery(ctx context.Context, tx *sql.Tx, f *export.File, d export.Delivery) error {
	now, err := readDeliveries(ctx, tx, f)
	if err != nil {
		return err
	}
	covered := now.of(d.Gzip)
	*covered = covered.Add(d.From, d.To)
	complete := covered.Complete(d.Size)
	*covered = covered.Less(complete)
	_, err = tx.ExecContext(ctx, `update file set downloads = downloads + $3, coverage_gzip = $4, coverage_plain = $5 where job = $1 and key = $2`,
		f.Job, f.Key, complete, now.gzip.String(), now.plain.String())
	if err != nil || complete == 0 {
		return err
	}
	return noteDownloaded(ctx, tx, f.Job)
}

// noteDownloaded notes that no claim file of a completed job is left that was not
// downloaded. The last file of a job with partial manifests may be downloaded while the
// job is being completed: whoever of the two has the job's row last sees the other's
// change.
func noteDownloaded(ctx context.Context, tx *sql.Tx, job string) error {
	_, err := tx.ExecContext(ctx, `update job set downloaded = 1 where id = $1 and downloaded = 0 and completed = 1
		and not exists (select 1 from file where job = $1 and kind = 'data' and downloads = 0)`, job)
	return err
}

// MarkDamaged notes that the stored bytes of a file are damaged or gone, or
// that they are good again.
func (db *DB) MarkDamaged(ctx context.Context, f *export.File, damaged bool) error {
	at := int64(0)
	if damaged {
		at = millis(db.now())
	}
	err := db.tx(ctx, func(tx *sql.Tx) error {
		changed, err := exactlyOne(ctx, tx, `update file set damaged = $3 where job = $1 and key = $2 and (damaged > 0) <> $4`, f.Job, f.Key, at, damaged)
		if err != nil || !changed {
			return err
		}
		event := audit.FileRepaired
		if damaged {
			event = audit.FileDamaged
		}
		return db.append(ctx, tx, audit.Entry{Event: event, Job: f.Job, File: f.Name})
	})
	if err != nil {
		return fmt.Errorf("mark file %s of job %s: %w", f.Name, f.Job, err)
	}
	return nil
}

// DamagedFiles counts the files of completed jobs that are known to be damaged.
func (db *DB) DamagedFiles(ctx context.Context) (int64, error) {
	var n int64
	err := db.read.QueryRowContext(ctx, `select count(*) from file f join job j on j.id = f.job where f.damaged > 0 and j.state = 'completed'`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count damaged files: %w", err)
	}
	return n, nil
}

// CompletedJobs lists the ids of completed jobs in ascending order.
func (db *DB) CompletedJobs(ctx context.Context, after string, limit int) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, `select id from job where state = 'completed' and id > $1 order by id limit $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list completed jobs: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("list completed jobs: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
