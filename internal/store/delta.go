package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/segment"
)

const (
	// maxDeltas is how many deltas an enrollee has at most: the load that would add
	// another one writes the base anew.
	maxDeltas = 10
	// foldDeltas is from how many deltas on folding them is worth it.
	foldDeltas = 5
	// deltaShare is the part of the base that all deltas of an enrollee may take, in
	// inflated bytes: one of so many.
	deltaShare = 4
)

// deltaMode is whether the load may write deltas.
type deltaMode int8

const (
	deltasUnknown deltaMode = iota
	deltasOff
	deltasOn
)

// rowColumns are the columns that segments and deltas have in common.
func rowColumns(more ...string) []string {
	return append([]string{"version", "enrollee", "load", "allow_list", "newest", "undated", "mbis", "crc", "length"}, more...)
}

func segmentRows() rows {
	return rows{table: "segment", columns: rowColumns("entries", "tail", "deflate")}
}

func deltaRows() rows {
	return rows{table: "delta", columns: rowColumns("fold", "entries", "gone", "deflate")}
}

// mayWriteDeltas tells whether every process that works on the database reads deltas.
func (m *Merger) mayWriteDeltas(ctx context.Context, tx *sql.Tx) (bool, error) {
	if m.mode == deltasUnknown {
		on, err := deltasAllowed(ctx, tx)
		if err != nil {
			return false, err
		}
		if m.mode = deltasOff; on {
			m.mode = deltasOn
		}
	}
	return m.mode == deltasOn, nil
}

// ownDelta is the row that this load has written of the enrollee as a delta, if any.
func (m *Merger) ownDelta(stored *storedClaims) *segmentRow {
	if n := len(stored.rows); n > 1 && stored.rows[n-1].load == m.load.ID {
		return stored.rows[n-1]
	}
	return nil
}

// asDelta tells whether what changes is stored as a delta, not as a new base.
func (m *Merger) asDelta(ctx context.Context, tx *sql.Tx, stored *storedClaims, d *coming, mbis []coverage.MBI) (bool, error) {
	if len(stored.rows) == 0 || stored.older || stored.rows[0].load == m.load.ID {
		return false, nil
	}
	if on, err := m.mayWriteDeltas(ctx, tx); err != nil || !on {
		return false, err
	}
	deltas := stored.rows[1:]
	if m.ownDelta(stored) != nil {
		deltas = deltas[:len(deltas)-1]
	}
	if len(deltas) >= maxDeltas {
		return false, nil
	}
	return m.fits(stored, d, len(eob.AppendWithMBIs(nil, nil, 0, false, mbis))), nil
}

// fits tells whether an enrollee's deltas with what comes take a small part of the base.
func (m *Merger) fits(stored *storedClaims, d *coming, mbis int) bool {
	left := len(stored.live) - len(d.leaving)
	var length int64
	for _, r := range stored.rows[1:] {
		length += r.segment.Length
	}
	for _, e := range d.leaving {
		length += e.Length // the base goes on having it
	}
	for id, c := range d.claims {
		length += int64(len(c.JSON) + mbis)
		if _, replaces := stored.live[id]; !replaces {
			left++
		}
	}
	return left > 0 && length*deltaShare <= stored.rows[0].segment.Length
}

// addDelta makes a row of what changed about an enrollee's claims, for the transaction's
// bulk insert. If this load has made one before, it replaces it.
func (m *Merger) addDelta(ctx context.Context, tx *sql.Tx, stored *storedClaims, d *coming, mbis []coverage.MBI) error {
	before, own := stored.rows, m.ownDelta(stored)
	claims := maps.Clone(d.claims)
	gone := map[string]bool{}
	for id := range d.leaving {
		gone[id] = true
	}
	if own != nil {
		before = before[:len(before)-1]
		kept, err := m.ownClaims(ctx, tx, stored, d)
		if err != nil {
			return err
		}
		for _, c := range kept {
			claims[c.Entry.ID] = c
		}
		for _, e := range own.gone {
			gone[e.ID] = true
		}
		if err := m.forgetDelta(ctx, tx, stored.patient); err != nil {
			return err
		}
	}
	ids := leavers(before, gone, claims)
	// What came with this load may have left again: then the row says nothing. It still
	// tells that the load has touched the enrollee.
	fold := len(before) >= foldDeltas
	return m.insertDelta(ctx, stored, slices.Collect(maps.Values(claims)), ids, mbis, fold)
}

// ownClaims reads the claims of the delta that this load has written before which stay.
func (m *Merger) ownClaims(ctx context.Context, tx *sql.Tx, stored *storedClaims, d *coming) ([]Claim, error) {
	last := len(stored.rows) - 1
	return m.all(ctx, tx, stored, func(id string) bool {
		_, replaced := d.claims[id]
		_, left := d.leaving[id]
		return stored.live[id].row == last && !replaced && !left
	})
}

func (m *Merger) forgetDelta(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID) error {
	_, err := tx.ExecContext(ctx, `delete from delta where version = $1 and enrollee = $2 and load = $3`, int(m.load.Version), int64(id), m.load.ID)
	if err != nil {
		return fmt.Errorf("replace a delta: %w", err)
	}
	return nil
}

// leavers are the ids that rows have, that left, and that do not come, in order.
func leavers(before []*segmentRow, gone map[string]bool, claims map[string]Claim) (ids segment.Index) {
	over, _ := superseded(before)
	for k, r := range before {
		for i, e := range r.index {
			if _, comes := claims[e.ID]; gone[e.ID] && !comes && (over[k] == nil || !over[k][i]) {
				ids = append(ids, segment.Entry{ID: e.ID, Length: 1}) // an entry has a length
			}
		}
	}
	slices.SortFunc(ids, func(a, b segment.Entry) int { return cmp.Compare(a.ID, b.ID) })
	return ids
}

// insertDelta makes the row.
func (m *Merger) insertDelta(ctx context.Context, stored *storedClaims, claims []Claim, ids segment.Index, mbis []coverage.MBI, fold bool) error {
	b, err := m.build(m.small, claims, mbis)
	if err != nil {
		return err
	}
	v, id, load := m.load.Version, stored.patient, m.load.ID
	parts := sealedParts{"delta index": b.index.Marshal(nil), "delta gone": {}, "delta body": nonNil(b.segment.Deflate)}
	if len(ids) > 0 {
		parts["delta gone"] = ids.Marshal(nil)
	}
	if err := m.keys.seal(ctx, v, id, load, "delta index", parts); err != nil {
		return err
	}
	m.deltas.values = append(m.deltas.values, []any{int64(v), int64(id), load, int64(eob.AllowList), max(stored.newest, b.newest), int64(stored.undated + b.undated),
		mbiList(mbis), int64(b.segment.CRC), b.segment.Length, int64(bit(fold)), parts["delta index"], parts["delta gone"], parts["delta body"]})
	return nil
}

// built is a segment with what its row says of it.
type built struct {
	segment segment.Segment
	index   segment.Index
	newest  int64
	undated int
}

// build makes a segment of claims, newest last.
func (m *Merger) build(builder *segment.Builder, claims []Claim, mbis []coverage.MBI) (b built, err error) {
	slices.SortFunc(claims, func(a, b Claim) int {
		return cmp.Or(cmp.Compare(a.Entry.LastUpdated, b.Entry.LastUpdated), cmp.Compare(a.Entry.ID, b.Entry.ID))
	})
	builder.Reset()
	for _, c := range claims {
		b.undated += bit(c.Entry.LastUpdated == 0)
		b.newest = c.Entry.LastUpdated
		m.line = append(eob.AppendWithMBIs(m.line[:0], c.JSON, int(c.Entry.ExtensionAt), c.Entry.HasExtension, mbis), '\n')
		if err := builder.Add(m.line, c.Entry); err != nil {
			return b, fmt.Errorf("compress a claim: %w", err)
		}
	}
	if b.segment, b.index, err = builder.Finish(); err != nil {
		return b, fmt.Errorf("compress claims: %w", err)
	}
	return b, nil
}

// nonNil is what a column that has no null gets.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// add makes a row of an enrollee's claims, newest last, for the transaction's
// bulk insert. An enrollee whose claims are all gone gets a row without any: it
// stands for the rows of earlier loads. The time of the newest claim never goes
// back, because readers find the newest rows by it.
func (m *Merger) add(ctx context.Context, tx *sql.Tx, claims []Claim, mbis []coverage.MBI, stored *storedClaims) error {
	b, err := m.build(m.builder, claims, mbis)
	if err != nil {
		return err
	}
	if stored.load() == m.load.ID {
		_, err := tx.ExecContext(ctx, `delete from segment where version = $1 and enrollee = $2 and load = $3`, int(m.load.Version), int64(stored.patient), m.load.ID)
		if err != nil {
			return fmt.Errorf("replace a segment: %w", err)
		}
		if err := m.forgetDelta(ctx, tx, stored.patient); err != nil {
			return err
		}
	}
	return m.insertBase(ctx, stored, b, mbis)
}

// insertBase makes the row of a base.
func (m *Merger) insertBase(ctx context.Context, stored *storedClaims, b built, mbis []coverage.MBI) error {
	head, tail := split(b.segment, b.index)
	v, id, load := m.load.Version, stored.patient, m.load.ID
	parts := sealedParts{"index": b.index.Marshal(nil), "tail": tail, "head": nonNil(head)}
	if err := m.keys.seal(ctx, v, id, load, "index", parts); err != nil {
		return err
	}
	m.rows.values = append(m.rows.values, []any{int64(v), int64(id), load, int64(eob.AllowList), max(stored.newest, b.newest), int64(max(stored.undated, b.undated)),
		mbiList(mbis), int64(b.segment.CRC), b.segment.Length, parts["index"], parts["tail"], parts["head"]})
	return nil
}
