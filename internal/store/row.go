package store

import (
	"context"
	"fmt"

	"ab2d/internal/coverage"
	"ab2d/internal/encryption"
	"ab2d/internal/eob"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
)

// segmentRow is a row of the table segment or, if delta, of the table delta.
type segmentRow struct {
	delta     bool
	enrollee  coverage.EnrolleeID // whose claims they are; without a reader, under which they are stored
	patient   coverage.EnrolleeID // under which they are stored
	load      int64
	allowList int
	newest    int64
	undated   int
	mbis      string         // a JSON list of the identifiers that are written in the claims
	parsed    []coverage.MBI // mbis, once written has been called
	entries   []byte
	ids       []byte // of the claims that left, as they are stored
	tail      []byte // the last block; empty in rows of old, whose segment is read whole, and in deltas
	head      []byte // the blocks before it, until they are joined with it
	hasHead   bool   // head was read
	opened    bool   // by openBody
	segment   segment.Segment
	whole     bool // false: all of segment but Deflate

	index segment.Index
	gone  segment.Index       // ids only
	key   *encryption.DataKey // nil: plain
}

const (
	// indexColumns are what scanRow reads.
	indexColumns = `enrollee, load, newest, undated, allow_list, mbis, crc, length, entries`
	// segmentColumns are what scanSegment reads of the table segment, and recentColumns the
	// same without the blocks before the last, if that stands apart.
	segmentColumns = indexColumns + `, tail, deflate`
	recentColumns  = indexColumns + `, tail, case when length(tail) = 0 then deflate end`
	// deltaColumns are what scanDelta reads of the table delta.
	deltaColumns = indexColumns + `, gone, deflate`
)

// written are the identifiers in the claims of the row.
func (r *segmentRow) written() (_ []coverage.MBI, err error) {
	if r.parsed == nil {
		r.parsed, err = parseMBIs(r.mbis)
	}
	return r.parsed, err
}

// scanner is a row that a query has found.
type scanner interface{ Scan(...any) error }

// scanRow reads indexColumns, and more after them.
func scanRow(row scanner, more ...any) (*segmentRow, error) {
	var r segmentRow
	var crc, length int64
	err := row.Scan(append([]any{&r.enrollee, &r.load, &r.newest, &r.undated, &r.allowList, &r.mbis, &crc, &length, &r.entries}, more...)...)
	if err != nil {
		return nil, err
	}
	r.patient, r.segment = r.enrollee, segment.Segment{CRC: uint32(crc), Length: length}
	return &r, nil
}

// scanSegment reads a row of segmentColumns, or of recentColumns if recent.
func scanSegment(row scanner, recent bool) (*segmentRow, error) {
	var tail, head []byte
	r, err := scanRow(row, &tail, &head)
	if err != nil {
		return nil, err
	}
	r.tail, r.head, r.hasHead = tail, head, !recent || len(tail) == 0
	return r, nil
}

// scanDelta reads a row of deltaColumns.
func scanDelta(row scanner) (*segmentRow, error) {
	var ids, body []byte
	r, err := scanRow(row, &ids, &body)
	if err != nil {
		return nil, err
	}
	r.delta, r.ids, r.head, r.hasHead = true, ids, body, true
	return r, nil
}

// split gives the blocks before the last, and the last, of a new segment.
func split(s segment.Segment, index segment.Index) (head, tail []byte) {
	if len(index) == 0 {
		return s.Deflate, []byte{}
	}
	at := index[index.LastBlock()].Block.At
	return s.Deflate[:at], s.Deflate[at:]
}

// current refuses claims that were minimized by another allow-list than today's.
func (r *segmentRow) current() error {
	if r.allowList != eob.AllowList {
		return fmt.Errorf("claims are stored by version %d of the allow-list, and this program has version %d: run ab2d migrate", r.allowList, eob.AllowList)
	}
	return nil
}

// readIndex reads which claims the row has, and which left, after openIndex.
func (r *segmentRow) readIndex() error {
	if err := r.index.Unmarshal(r.entries); err != nil {
		return fmt.Errorf("read the index of stored claims: %w", err)
	}
	if r.index.Length() != r.segment.Length {
		return fmt.Errorf("read stored claims: %w", segment.ErrDamaged)
	}
	if len(r.ids) == 0 {
		return nil
	}
	if err := r.gone.Unmarshal(r.ids); err != nil {
		return fmt.Errorf("read which claims left: %w", err)
	}
	return nil
}

// readBody reads what was left out of a row that was read with its index only.
func (r *segmentRow) readBody(ctx context.Context, q rowQuerier, v fhir.Version) error {
	if r.hasHead {
		return r.openBody(v)
	}
	query, to := `select tail, deflate from segment`, []any{&r.tail, &r.head}
	if r.delta {
		query, to = `select deflate from delta`, []any{&r.head}
	}
	err := q.QueryRowContext(ctx, query+` where version = $1 and enrollee = $2 and load = $3`, int(v), int64(r.patient), r.load).Scan(to...)
	if err != nil {
		return fmt.Errorf("read stored claims: %w", err)
	}
	r.hasHead = true
	return r.openBody(v)
}

// openBody decrypts the claims that were read, and joins their blocks if all were. Once
// is enough.
func (r *segmentRow) openBody(v fhir.Version) (err error) {
	if r.opened {
		return nil
	}
	r.opened = true
	if r.tail, err = r.openPart(v, "tail", r.tail); err != nil || !r.hasHead {
		return err
	}
	return r.join(v)
}

// join makes the row's segment whole.
func (r *segmentRow) join(v fhir.Version) error {
	name := "head"
	if r.delta {
		name = "delta body"
	}
	head, err := r.openPart(v, name, r.head)
	if err != nil {
		return err
	}
	r.segment.Deflate, r.head, r.whole = append(head, r.tail...), nil, true
	return nil
}
