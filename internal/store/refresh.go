package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"ab2d/internal/audit"
	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
)

// refreshDigest begins the digest of loads that only write identifiers anew.
const refreshDigest = "refresh:"

// refreshBatch is how many enrollees are written in one transaction.
const refreshBatch = 200

// RefreshMBIs writes the stored claims of a contract's enrollees anew where
// others than their current identifiers are in them, so that an export can
// take them as they are. Until then an export puts the identifiers right
// itself, which takes longer. It does nothing while an import of claims has
// not been completed. It tells how many enrollees were refreshed.
func (db *DB) RefreshMBIs(ctx context.Context, contract string) (int, error) {
	total := 0
	for _, v := range fhir.Versions() {
		n, err := db.refreshVersion(ctx, contract, v)
		total += n
		var other *LoadInProgressError
		if errors.As(err, &other) {
			return total, nil
		}
		if err != nil {
			return total, fmt.Errorf("refresh the identifiers of contract %s: %w", contract, err)
		}
	}
	return total, nil
}

func (db *DB) refreshVersion(ctx context.Context, contract string, v fhir.Version) (int, error) {
	return db.rewrite(ctx, "identifiers of contract "+contract, fmt.Sprintf("%s%s:%s", refreshDigest, contract, v), v,
		func(after coverage.EnrolleeID) ([]coverage.EnrolleeID, error) {
			return db.staleMBIs(ctx, contract, v, after)
		})
}

// ApplyAllowList applies today's allow-list to the stored claims that an older
// one has reduced: claims that must not be shared by it are removed. It tells how
// many enrollees had such claims. *LoadInProgressError when an import of claims has not
// been completed. It looks at all enrollees.
func (db *DB) ApplyAllowList(ctx context.Context) (int, error) {
	total := 0
	for _, v := range fhir.Versions() {
		n, err := db.rewrite(ctx, fmt.Sprintf("allow-list %d", eob.AllowList), fmt.Sprintf("%sallow-list %d:%s", refreshDigest, eob.AllowList, v), v,
			func(after coverage.EnrolleeID) ([]coverage.EnrolleeID, error) { return db.olderLists(ctx, v, after) })
		total += n
		if err != nil {
			return total, fmt.Errorf("apply the allow-list to stored claims: %w", err)
		}
	}
	return total, db.exec(ctx, `update claim_store set allow_list = $1 where id = 1 and allow_list < $1`, eob.AllowList)
}

// EnsureAllowList is ApplyAllowList, unless that has been done since the upgrade to this
// release was finished: then no process is left that would store by an older list.
func (db *DB) EnsureAllowList(ctx context.Context) error {
	var applied bool
	err := db.read.QueryRowContext(ctx, `select deltas = 1 and allow_list = $1 from claim_store where id = 1`, eob.AllowList).Scan(&applied)
	if err != nil {
		return fmt.Errorf("look for the allow-list of stored claims: %w", err)
	}
	if !applied {
		_, err = db.ApplyAllowList(ctx)
	}
	return err
}

// rewrite writes the claims of enrollees anew, in a load of its own. next finds
// the next of them after one.
func (db *DB) rewrite(ctx context.Context, source, digest string, v fhir.Version, next func(coverage.EnrolleeID) ([]coverage.EnrolleeID, error)) (int, error) {
	stale, err := next(minEnrollee)
	if err != nil || len(stale) == 0 {
		return 0, err
	}
	l, err := db.BeginLoad(ctx, source, digest, v)
	if err != nil {
		return 0, err
	}
	m, err := db.NewMerger(l)
	if err != nil {
		return 0, err
	}
	total := 0
	for len(stale) > 0 {
		if err := m.refresh(ctx, stale); err != nil {
			return total, err
		}
		total += len(stale)
		if stale, err = next(stale[len(stale)-1]); err != nil {
			return total, err
		}
	}
	return total, db.Publish(ctx, l, audit.Entry{})
}

// olderLists finds the next enrollees after one whose newest segment was reduced
// by an older allow-list.
func (db *DB) olderLists(ctx context.Context, v fhir.Version, after coverage.EnrolleeID) ([]coverage.EnrolleeID, error) {
	return db.enrollees(ctx, `select s.enrollee from segment s where s.version = $1 and s.enrollee > $2 and s.allow_list < $3
			and not exists (select 1 from segment n where n.version = s.version and n.enrollee = s.enrollee and n.load > s.load)
		union select d.enrollee from delta d where d.version = $1 and d.enrollee > $2 and d.allow_list < $3
			and not exists (select 1 from segment n where n.version = d.version and n.enrollee = d.enrollee and n.load >= d.load)
		order by 1 limit $4`, int(v), int64(after), eob.AllowList, refreshBatch)
}

func (db *DB) enrollees(ctx context.Context, query string, args ...any) ([]coverage.EnrolleeID, error) {
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []coverage.EnrolleeID
	for rows.Next() {
		var id coverage.EnrolleeID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// minEnrollee is below every enrollee's id.
const minEnrollee coverage.EnrolleeID = -1 << 63

// staleMBIs finds the next enrollees after one whose newest segment has other
// identifiers than the contract's current enrollment.
func (db *DB) staleMBIs(ctx context.Context, contract string, v fhir.Version, after coverage.EnrolleeID) ([]coverage.EnrolleeID, error) {
	patient, mbis := storedUnder(v), storedMBIs(v)
	return db.enrollees(ctx, `select `+patient+` from snapshot p join enrollment e on e.snapshot = p.id
		where p.contract = $1 and p.current = 1 and `+patient+` > $3 and `+patient+` <> 0 and (
			exists (select 1 from segment s where s.version = $2 and s.enrollee = `+patient+` and s.mbis <> `+mbis+`
				and not exists (select 1 from segment n where n.version = s.version and n.enrollee = s.enrollee and n.load > s.load))
			or exists (select 1 from delta d where d.version = $2 and d.enrollee = `+patient+` and d.mbis <> `+mbis+`
				and not exists (select 1 from segment n where n.version = d.version and n.enrollee = d.enrollee and n.load >= d.load)))
		order by `+patient+` limit $4`, contract, int(v), int64(after), refreshBatch)
}

// refresh writes the claims of enrollees anew with their current identifiers. A
// claim that an older release has left at two enrollees stays at one of them.
func (m *Merger) refresh(ctx context.Context, ids []coverage.EnrolleeID) error {
	return m.db.txOn(ctx, func(tx *sql.Tx, conn *sql.Conn) error {
		m.rows.values, m.deltas.values = nil, nil
		ok, err := exactlyOne(ctx, tx, `update load set line = line + 1 where id = $1 and published = 0`, m.load.ID)
		if err == nil && !ok {
			err = ErrLoadMoved
		}
		if err != nil {
			return err
		}
		gone, homes, err := m.doubled(ctx, tx, ids)
		if err != nil {
			return err
		}
		changed := changes{}
		for _, id := range withKeys(ids, gone) {
			kept, err := m.refreshOne(ctx, tx, id, gone[id])
			if err != nil {
				return err
			}
			if slices.Contains(ids, id) { // the others keep claims whose home they are
				changed[id] = &change{claims: kept}
			}
		}
		settled, err := m.settle(ctx, tx, changed, homes)
		if err != nil {
			return err
		}
		return errors.Join(m.db.bulk(ctx, tx, conn, settled), m.db.bulk(ctx, tx, conn, m.rows))
	})
}

// withKeys are ids and the keys of gone, each once, in ascending order.
func withKeys(ids []coverage.EnrolleeID, gone map[coverage.EnrolleeID]map[string]bool) []coverage.EnrolleeID {
	all := slices.AppendSeq(slices.Clone(ids), maps.Keys(gone))
	slices.Sort(all)
	return slices.Compact(all)
}

// doubled finds which claims of the enrollees another enrollee has, too, and which
// of the two has to lose each: the one with the version that was updated earlier,
// and of equal ones the one that is not its home. It also returns the homes that
// are noted of all their claims.
func (m *Merger) doubled(ctx context.Context, tx *sql.Tx, ids []coverage.EnrolleeID) (map[coverage.EnrolleeID]map[string]bool, map[string]home, error) {
	versions := map[coverage.EnrolleeID]map[string]int64{} // when each claim of an enrollee was updated
	var all []Claim
	for _, id := range ids {
		updated, err := m.updatedAt(ctx, tx, id)
		if err != nil {
			return nil, nil, err
		}
		versions[id] = updated
		for claim := range updated {
			all = append(all, Claim{Entry: segment.Entry{ID: claim}})
		}
	}
	homes, err := m.homes(ctx, tx, all)
	if err != nil {
		return nil, nil, err
	}
	for _, h := range homes {
		if versions[h.enrollee] == nil {
			if versions[h.enrollee], err = m.updatedAt(ctx, tx, h.enrollee); err != nil {
				return nil, nil, err
			}
		}
	}
	return losers(versions, homes), homes, nil
}

// losers are the claims that an enrollee has to lose.
func losers(versions map[coverage.EnrolleeID]map[string]int64, homes map[string]home) map[coverage.EnrolleeID]map[string]bool {
	gone := map[coverage.EnrolleeID]map[string]bool{}
	lose := func(id coverage.EnrolleeID, claim string) {
		if gone[id] == nil {
			gone[id] = map[string]bool{}
		}
		gone[id][claim] = true
	}
	owners := map[string]coverage.EnrolleeID{}
	for _, id := range slices.Sorted(maps.Keys(versions)) {
		for claim, updated := range versions[id] {
			owner, taken := owners[claim]
			h, noted := homes[claim]
			switch {
			case !taken:
				owners[claim] = id
			case updated > versions[owner][claim] || updated == versions[owner][claim] && noted && h.enrollee == id:
				lose(owner, claim)
				owners[claim] = id
			default:
				lose(id, claim)
			}
		}
	}
	return gone
}

// refreshOne writes the claims of one enrollee anew, without those that are gone,
// and returns which they are.
func (m *Merger) refreshOne(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID, gone map[string]bool) ([]Claim, error) {
	stored, err := m.stored(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	mbis, err := m.currentMBIs(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	kept, err := m.all(ctx, tx, stored, func(claim string) bool { return !gone[claim] })
	if err != nil {
		return nil, err
	}
	entries := stored.dropped
	for claim, p := range stored.live {
		if gone[claim] {
			entries = append(entries, stored.entry(p))
		}
	}
	if err := m.withdraw(ctx, tx, id, entries, stored); err != nil {
		return nil, err
	}
	return kept, m.add(ctx, tx, slices.Clone(kept), mbis, stored)
}
