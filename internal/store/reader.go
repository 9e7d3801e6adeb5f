package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/export"
	"ab2d/internal/segment"
)

// segmentRow is a row of the table segment.
type segmentRow struct {
	enrollee  coverage.EnrolleeID
	load      int64
	allowList int
	newest    int64
	undated   int
	mbis      []coverage.MBI
	entries   []byte
	segment   segment.Segment
}

// segmentHead and segmentColumns are what scanHead and scanSegment read.
const (
	segmentHead    = `enrollee, load, newest, undated`
	segmentColumns = segmentHead + `, allow_list, mbis, entries, deflate, crc, length`
)

func scanHead(row interface{ Scan(...any) error }, more ...any) (*segmentRow, error) {
	var r segmentRow
	err := row.Scan(append([]any{&r.enrollee, &r.load, &r.newest, &r.undated}, more...)...)
	return &r, err
}

func scanSegment(row interface{ Scan(...any) error }) (*segmentRow, error) {
	var allowList int
	var crc, length int64
	var mbis string
	var entries, deflate []byte
	r, err := scanHead(row, &allowList, &mbis, &entries, &deflate, &crc, &length)
	if err != nil {
		return nil, err
	}
	r.allowList, r.entries = allowList, entries
	r.segment = segment.Segment{Deflate: deflate, CRC: uint32(crc), Length: length}
	r.mbis, err = parseMBIs(mbis)
	return r, err
}

// open reads the row's index and inflates its claims into *plain. Claims that
// were minimised by another allow-list than today's are refused.
func (r *segmentRow) open(i *segment.Inflater, plain *[]byte) (segment.Index, error) {
	if r.allowList != eob.AllowList {
		return nil, fmt.Errorf("claims are stored by version %d of the allow-list, and this program has version %d: import them again", r.allowList, eob.AllowList)
	}
	var index segment.Index
	if err := index.Unmarshal(r.entries); err != nil {
		return nil, fmt.Errorf("read the index of stored claims: %w", err)
	}
	var err error
	if *plain, err = i.Inflate((*plain)[:0], r.segment); err != nil {
		return nil, fmt.Errorf("read stored claims: %w", err)
	}
	if index.Length() != int64(len(*plain)) {
		return nil, fmt.Errorf("read stored claims: %w", segment.ErrDamaged)
	}
	return index, nil
}

// reader reads the stored claims of a part's enrollees in one ordered query.
// For an export of little it reads only the heads of the rows, and the rest
// where it is needed.
type reader struct {
	db        *DB
	version   int
	headsOnly bool
	rows      *sql.Rows
	next      *segmentRow // read, and not yet asked for; nil at the end

	inflater segment.Inflater
	plain    []byte
	line     []byte
	wanted   []bool
}

// Open readies the stored claims as of the snapshot's load.
func (db *DB) Open(ctx context.Context, q export.Query) (export.Reader, error) {
	p, err := parsePin(q.Snapshot)
	if err != nil {
		return nil, err
	}
	r := &reader{db: db, version: int(q.Version), headsOnly: !q.Since.IsZero()}
	columns := segmentColumns
	if r.headsOnly {
		columns = segmentHead
	}
	r.rows, err = db.read.QueryContext(ctx, `select `+columns+` from segment where version = $1 and enrollee between $2 and $3 and load <= $4
		order by enrollee, load desc`, r.version, int64(q.First), int64(q.Last), p.load)
	if err == nil {
		err = r.advance()
	}
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("read stored claims: %w", err)
	}
	return r, nil
}

// Close ends the query.
func (r *reader) Close() error {
	if r.rows == nil {
		return nil
	}
	return r.rows.Close()
}

// advance reads the next row.
func (r *reader) advance() (err error) {
	r.next = nil
	if !r.rows.Next() {
		return r.rows.Err()
	}
	if r.headsOnly {
		r.next, err = scanHead(r.rows)
	} else {
		r.next, err = scanSegment(r.rows)
	}
	return err
}

// row finds the row of an enrollee: the first of its id, which has the highest
// load. nil when there is none.
func (r *reader) row(ctx context.Context, id coverage.EnrolleeID) (*segmentRow, error) {
	for r.next != nil && r.next.enrollee < id {
		if err := r.advance(); err != nil {
			return nil, err
		}
	}
	if r.next == nil || r.next.enrollee != id {
		return nil, nil
	}
	return r.next, nil
}

// Write offers an enrollee's claims, oldest update first. When all of them are
// wanted, and the identifiers in them are the enrollee's, they go as they are
// stored.
func (r *reader) Write(ctx context.Context, s *coverage.Selection, sink export.Sink) error {
	row, err := r.row(ctx, s.Enrollee.ID)
	if err != nil {
		return fmt.Errorf("read stored claims: %w", err)
	}
	if row == nil || row.undated == 0 && s.NothingUpTo(time.UnixMilli(row.newest)) {
		return nil
	}
	if r.headsOnly {
		row, err = scanSegment(r.db.read.QueryRowContext(ctx, `select `+segmentColumns+` from segment where version = $1 and enrollee = $2 and load = $3`,
			r.version, int64(row.enrollee), row.load))
		if err != nil {
			return fmt.Errorf("read stored claims: %w", err)
		}
	}
	index, err := row.open(&r.inflater, &r.plain)
	if err != nil {
		return err
	}
	wanted := r.choose(index, s.Enrollee.ID, sink)
	switch {
	case wanted == 0:
		return nil
	case wanted == len(index) && slices.Equal(row.mbis, s.Enrollee.MBIs):
		return sink.Segment(row.segment, r.plain, int64(wanted))
	}
	return r.cut(index, row.mbis, s.Enrollee.MBIs, sink)
}

// choose asks sink about every claim, and tells how many it wants.
func (r *reader) choose(index segment.Index, id coverage.EnrolleeID, sink export.Sink) int {
	r.wanted = r.wanted[:0]
	n := 0
	for _, e := range index {
		c := coverage.Claim{
			Patient: id, Type: coverage.ClaimType(e.Type), Start: coverage.Date(e.Start), End: coverage.Date(e.End),
			HasStart: e.HasStart, HasEnd: e.HasEnd, LastUpdated: timeOf(e.LastUpdated),
		}
		w := sink.Wants(&c)
		r.wanted = append(r.wanted, w)
		n += bit(w)
	}
	return n
}

// cut writes the wanted claims line by line, with the enrollee's identifiers
// in place of those that are stored.
func (r *reader) cut(index segment.Index, stored, current []coverage.MBI, sink export.Sink) error {
	same := slices.Equal(stored, current)
	for i, e := range index {
		if !r.wanted[i] {
			continue
		}
		line := r.plain[e.Offset : e.Offset+e.Length]
		if !same {
			claim, err := withoutMBIs(line[:len(line)-1], e, stored)
			if err != nil {
				return err
			}
			r.line = append(eob.AppendWithMBIs(r.line[:0], claim, int(e.ExtensionAt), e.HasExtension, current), '\n')
			line = r.line
		}
		if err := sink.Line(line); err != nil {
			return err
		}
	}
	return nil
}
