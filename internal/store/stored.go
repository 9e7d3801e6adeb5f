package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/segment"
)

// storedClaims are an enrollee's, as the load sees them. They are valid until the next
// call of Merger.stored.
type storedClaims struct {
	patient coverage.EnrolleeID
	rows    []*segmentRow    // the base and the deltas after it; none when nothing is stored
	live    map[string]place // the claims that count, by id
	plain   [][]byte         // the inflated claims of each row that was needed; else nil
	newest  int64            // of the last row
	undated int              // of the last row
	older   bool             // an older allow-list has reduced some
	// dropped are those that today's allow-list does not keep.
	dropped []segment.Entry
}

// place is where a claim is stored: the numbers of the row and of the entry.
type place struct{ row, entry int }

func (s *storedClaims) entry(p place) segment.Entry { return s.rows[p.row].index[p.entry] }

// load is that of the last row; 0 when there is none.
func (s *storedClaims) load() int64 {
	if len(s.rows) == 0 {
		return 0
	}
	return s.rows[len(s.rows)-1].load
}

// stored reads which claims an enrollee has, as of this load.
func (m *Merger) stored(ctx context.Context, q querier, id coverage.EnrolleeID) (*storedClaims, error) {
	rows, err := m.layers(ctx, q, id)
	if err != nil {
		return nil, err
	}
	s := &storedClaims{patient: id, rows: rows, live: map[string]place{}, plain: make([][]byte, len(rows))}
	over, _ := superseded(rows)
	for k, r := range rows {
		s.newest, s.undated = max(s.newest, r.newest), max(s.undated, r.undated)
		if r.allowList < eob.AllowList {
			s.older = true
		} else if err := r.current(); err != nil {
			return nil, err
		}
		for i, e := range r.index {
			if over[k] == nil || !over[k][i] {
				s.live[e.ID] = place{k, i}
			}
		}
	}
	if s.older {
		return s, m.drop(ctx, q, s)
	}
	return s, nil
}

// layers reads the rows of an enrollee, or takes those that were read ahead.
func (m *Merger) layers(ctx context.Context, q querier, id coverage.EnrolleeID) ([]*segmentRow, error) {
	if m.ahead == nil {
		return m.keys.layers(ctx, q, m.load.Version, id, m.load.ID)
	}
	rows := m.ahead.rows[id]
	return rows, m.keys.openIndexes(ctx, m.load.Version, rows)
}

// drop leaves out the claims that today's allow-list does not keep.
func (m *Merger) drop(ctx context.Context, q rowQuerier, s *storedClaims) error {
	for id, p := range s.live {
		if s.rows[p.row].allowList == eob.AllowList {
			continue
		}
		claim, err := m.claim(ctx, q, s, p)
		if err != nil {
			return err
		}
		if !m.stillKept(claim) {
			s.dropped = append(s.dropped, s.entry(p))
			delete(s.live, id)
		}
	}
	return nil
}

// stillKept tells whether the allow-list of today would keep a claim that an older
// one has reduced. It sees only what that one has kept.
func (m *Merger) stillKept(claim []byte) bool {
	c, err := m.minimizer.Minimize(claim)
	return err == nil && !c.Part2
}

// claim reads a stored claim, without identifiers.
func (m *Merger) claim(ctx context.Context, q rowQuerier, s *storedClaims, p place) ([]byte, error) {
	r := s.rows[p.row]
	if s.plain[p.row] == nil {
		if err := r.readBody(ctx, q, m.load.Version); err != nil {
			return nil, err
		}
		for len(m.plains) <= p.row {
			m.plains = append(m.plains, nil)
		}
		plain, err := m.inflater.Inflate(m.plains[p.row][:0], r.segment)
		if err != nil {
			return nil, fmt.Errorf("read stored claims: %w", err)
		}
		m.plains[p.row], s.plain[p.row] = plain, plain
	}
	mbis, err := r.written()
	if err != nil {
		return nil, err
	}
	e := r.index[p.entry]
	return withoutMBIs(s.plain[p.row][e.Offset:e.Offset+e.Length-1], e, mbis)
}

// all reads the stored claims that stay, in the order of the rows.
func (m *Merger) all(ctx context.Context, q rowQuerier, s *storedClaims, stays func(id string) bool) ([]Claim, error) {
	var all []Claim
	for k, r := range s.rows {
		for i, e := range r.index {
			if p, live := s.live[e.ID]; !live || p != (place{k, i}) || !stays(e.ID) {
				continue
			}
			claim, err := m.claim(ctx, q, s, place{k, i})
			if err != nil {
				return nil, err
			}
			all = append(all, Claim{Patient: s.patient, Entry: e, JSON: claim})
		}
	}
	return all, nil
}

// withoutMBIs takes the identifiers out of a stored claim again.
func withoutMBIs(line []byte, e segment.Entry, mbis []coverage.MBI) ([]byte, error) {
	at, written := int(e.ExtensionAt), eob.AppendWithMBIs(nil, nil, 0, e.HasExtension, mbis)
	if at > len(line) || !bytes.HasPrefix(line[at:], written) {
		return nil, fmt.Errorf("take the identifiers out of a stored claim: %w", segment.ErrDamaged)
	}
	return slices.Concat(line[:at], line[at+len(written):]), nil
}
