package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
)

const (
	// foldDigest is the digest of loads that fold deltas.
	foldDigest = refreshDigest + "fold"
	// foldBatch is how many enrollees are folded in one load.
	foldBatch = 200
	// foldLease is how long a process is the only one that folds, from load to load.
	foldLease = time.Minute
)

// Fold writes new bases for the enrollees whose deltas are worth folding, or for everyone
// who has deltas if all, a few in each load. A load is written and published in one transaction, so that there is never one
// to resume. Jobs that are pinned to an earlier load go on reading the rows from before. It
// stops while an import has not been completed, and when another process folds. It
// returns how many enrollees were folded. An enrollee who cannot be read is left out, and
// reported by the error.
func (db *DB) Fold(ctx context.Context, all bool) (total int, err error) {
	if ok, err := db.leaseFolding(ctx); err != nil || !ok {
		return 0, err
	}
	defer func() {
		err = errors.Join(err, db.exec(context.WithoutCancel(ctx), `update claim_store set lease_until = 0 where id = 1`))
	}()
	for _, v := range fhir.Versions() {
		n, err := db.foldVersion(ctx, v, all)
		total += n
		if err != nil {
			return total, fmt.Errorf("fold the claims of %s: %w", v, err)
		}
	}
	return total, nil
}

// leaseFolding tells whether this process is the one that folds.
func (db *DB) leaseFolding(ctx context.Context) (ok bool, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		now := db.now()
		ok, err = exactlyOne(ctx, tx, `update claim_store set lease_until = $1 where id = 1 and lease_until <= $2`, millis(now.Add(foldLease)), millis(now))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("lease the folding of claims: %w", err)
	}
	return ok, nil
}

func (db *DB) foldVersion(ctx context.Context, v fhir.Version, all bool) (total int, err error) {
	m, err := db.NewMerger(&Load{Version: v})
	if err != nil {
		return 0, err
	}
	var faults error
	for after := int64(math.MinInt64); ; {
		last, open, err := lastLoad(ctx, db.read)
		if err != nil || open {
			return total, errors.Join(faults, err)
		}
		ids, err := db.foldable(ctx, v, all, coverage.EnrolleeID(after))
		if err != nil || len(ids) == 0 {
			return total, errors.Join(faults, err)
		}
		after, m.load.ID = int64(ids[len(ids)-1]), last
		batch, err := m.foldAll(ctx, ids)
		if faults == nil {
			faults = err
		}
		if ctx.Err() != nil {
			return total, errors.Join(faults, ctx.Err())
		}
		if len(batch) == 0 {
			continue
		}
		ok, err := m.publishFolded(ctx, last, batch)
		if err != nil || !ok {
			return total, errors.Join(faults, err)
		}
		total += len(batch)
	}
}

// lastLoad is the load that was published last, and whether one is open.
func lastLoad(ctx context.Context, q rowQuerier) (last int64, open bool, err error) {
	var n int64
	err = q.QueryRowContext(ctx, `select coalesce((select max(id) from load where published > 0), 0), (select count(*) from load where published = 0)`).Scan(&last, &n)
	if err != nil {
		return 0, false, fmt.Errorf("find the last import: %w", err)
	}
	return last, n > 0, nil
}

// foldable finds the next enrollees after one whose deltas are to be folded.
func (db *DB) foldable(ctx context.Context, v fhir.Version, all bool, after coverage.EnrolleeID) ([]coverage.EnrolleeID, error) {
	worth := ` and d.fold = 1`
	if all {
		worth = ""
	}
	ids, err := db.enrollees(ctx, `select distinct d.enrollee from delta d where d.version = $1 and d.enrollee > $2`+worth+`
		and not exists (select 1 from segment n where n.version = d.version and n.enrollee = d.enrollee and n.load > d.load)
		order by d.enrollee limit $3`, int(v), int64(after), foldBatch)
	if err != nil {
		return nil, fmt.Errorf("find whose deltas are worth folding: %w", err)
	}
	return ids, nil
}

// folded is a base that is not stored yet.
type folded struct {
	stored *storedClaims
	built  built
	mbis   []coverage.MBI
}

// foldAll makes bases of enrollees' claims as of m.load. The error is of those who were
// left out.
func (m *Merger) foldAll(ctx context.Context, ids []coverage.EnrolleeID) (batch []folded, err error) {
	for _, id := range ids {
		f, e := m.foldOne(ctx, id)
		switch {
		case e != nil:
			err = e
		case !f.stored.older && len(f.stored.rows) > 1:
			batch = append(batch, f)
		}
	}
	return batch, err
}

func (m *Merger) foldOne(ctx context.Context, id coverage.EnrolleeID) (f folded, err error) {
	if f.stored, err = m.stored(ctx, m.db.claims, id); err != nil || f.stored.older {
		return f, err
	}
	claims, err := m.all(ctx, m.db.claims, f.stored, func(string) bool { return true })
	if err != nil {
		return f, err
	}
	if f.mbis, err = m.currentMBIs(ctx, m.db.claims, id); err != nil {
		return f, err
	}
	f.built, err = m.build(m.builder, claims, f.mbis)
	return f, err
}

// publishFolded stores and publishes bases, unless a load was begun or published since
// they were made.
func (m *Merger) publishFolded(ctx context.Context, since int64, batch []folded) (ok bool, err error) {
	err = m.db.txOn(ctx, func(tx *sql.Tx, conn *sql.Conn) error {
		if err := m.db.alone(ctx, tx, "loads"); err != nil {
			return err
		}
		last, open, err := lastLoad(ctx, tx)
		if ok = !open && last == since; err != nil || !ok {
			return err
		}
		now := m.db.now()
		err = tx.QueryRowContext(ctx, `insert into load (source, digest, version, started, published) values ($1, $2, $3, $4, $4) returning id`,
			"folded deltas", foldDigest, int(m.load.Version), millis(now)).Scan(&m.load.ID)
		if err != nil {
			return err
		}
		m.rows.values = nil
		for _, f := range batch {
			if err := m.insertBase(ctx, f.stored, f.built, f.mbis); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `update claim_store set lease_until = $1 where id = 1`, millis(now.Add(foldLease))); err != nil {
			return err
		}
		err = m.db.bulk(ctx, tx, conn, m.rows)
		obs.CrashPoint("folding")
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store folded claims: %w", err)
	}
	return ok, nil
}
