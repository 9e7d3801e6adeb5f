package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/encryption"
	"ab2d/internal/eob"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
)

// segmentRow is a row of the table segment.
type segmentRow struct {
	enrollee  coverage.EnrolleeID // whose claims they are; without a reader, under which they are stored
	patient   coverage.EnrolleeID // under which they are stored, in a reader
	load      int64
	allowList int
	newest    int64
	undated   int
	mbis      []coverage.MBI
	entries   []byte
	tail      []byte          // the last block; empty in rows of old, whose segment is read whole
	segment   segment.Segment // whole is false: all but Deflate
	whole     bool

	key  *encryption.DataKey // nil: plain
	head []byte              // what is encrypted of a whole segment, before openRow
}

// segmentColumns are what scanSegment reads, and recentColumns the same without
// the blocks before the last, if that stands apart.
const (
	rowColumns     = `enrollee, load, newest, undated, allow_list, mbis, crc, length, entries, tail, `
	segmentColumns = rowColumns + `deflate`
	recentColumns  = rowColumns + `case when length(tail) = 0 then deflate end`
)

// scanSegment reads a row of segmentColumns, or of recentColumns if recent.
func scanSegment(row interface{ Scan(...any) error }, recent bool) (*segmentRow, error) {
	var r segmentRow
	var crc, length int64
	var mbis string
	var deflate []byte
	err := row.Scan(&r.enrollee, &r.load, &r.newest, &r.undated, &r.allowList, &mbis, &crc, &length, &r.entries, &r.tail, &deflate)
	if err != nil {
		return nil, err
	}
	r.segment = segment.Segment{CRC: uint32(crc), Length: length}
	if r.whole = !recent || len(r.tail) == 0; isSealed(r.entries) {
		r.head = deflate
	} else if r.whole {
		r.segment.Deflate = append(deflate, r.tail...)
	}
	r.mbis, err = parseMBIs(mbis)
	return &r, err
}

// split gives the blocks before the last, and the last, of a new segment.
func split(s segment.Segment, index segment.Index) (head, tail []byte) {
	if len(index) == 0 {
		return s.Deflate, []byte{}
	}
	at := index[index.LastBlock()].Block.At
	return s.Deflate[:at], s.Deflate[at:]
}

// index reads the row's index. Claims that were minimized by another allow-list
// than today's are refused.
func (r *segmentRow) index() (segment.Index, error) {
	if r.allowList != eob.AllowList {
		return nil, fmt.Errorf("claims are stored by version %d of the allow-list, and this program has version %d: run ab2d migrate", r.allowList, eob.AllowList)
	}
	var index segment.Index
	if err := index.Unmarshal(r.entries); err != nil {
		return nil, fmt.Errorf("read the index of stored claims: %w", err)
	}
	if index.Length() != r.segment.Length {
		return nil, fmt.Errorf("read stored claims: %w", segment.ErrDamaged)
	}
	return index, nil
}

// open reads the row's index and inflates all its claims into *plain.
func (r *segmentRow) open(i *segment.Inflater, plain *[]byte) (segment.Index, error) {
	index, err := r.index()
	if err != nil {
		return nil, err
	}
	if len(index) == 0 {
		return index, nil
	}
	if *plain, err = i.Inflate((*plain)[:0], r.segment); err != nil {
		return nil, fmt.Errorf("read stored claims: %w", err)
	}
	return index, nil
}

// reader reads the stored claims of a part's enrollees in one ordered query,
// which for an export of what is new leaves out those who have nothing new; or, if
// few will be asked for, one by one.
type reader struct {
	db      *DB
	version fhir.Version
	load    int64
	since   time.Time   // the query has only who has claims updated after it
	rows    *sql.Rows   // nil: one by one
	next    *segmentRow // read, and not yet asked for; nil at the end
	unread  map[coverage.EnrolleeID]bool

	keys     segmentKeys
	inflater segment.Inflater
	plain    []byte
	line     []byte
	wanted   []bool
}

// Open readies the stored claims as of the snapshot's load. What is newest of
// an enrollee only gets newer from load to load, so that the condition on it
// never leaves a row out for an older one.
func (db *DB) Open(ctx context.Context, q export.Query) (export.Reader, error) {
	p, err := parsePin(q.Snapshot)
	if err != nil {
		return nil, err
	}
	if err := db.checkKeys(ctx); err != nil { // a key that is missing is no fault of single enrollees
		return nil, fmt.Errorf("read stored claims: %w", err)
	}
	r := &reader{db: db, version: q.Version, load: p.load, since: q.Since, keys: segmentKeys{db: db}}
	if r.unread, err = db.unread(ctx, q, p); err != nil {
		return nil, err
	}
	if q.Members {
		return r, nil
	}
	columns := segmentColumns
	if !q.Since.IsZero() {
		columns = recentColumns
	}
	query, args := `select `+columns+` from segment where version = $1 and enrollee between $2 and $3 and load <= $4
		and (newest > $5 or undated > 0 or $5 = 0) order by enrollee, load desc`, []any{int(r.version), int64(q.First), int64(q.Last), p.load, millis(q.Since)}
	if r.version == fhir.V3 { // stored under another number, and so in another order
		query = `select e.` + strings.Replace(columns, "mbis", "s.mbis", 1) + ` from enrollment e join segment s on s.version = $1 and s.enrollee = e.patient_v3
			where e.snapshot = $6 and e.enrollee between $2 and $3 and e.patient_v3 <> 0 and s.load <= $4
			and (s.newest > $5 or s.undated > 0 or $5 = 0) order by e.enrollee, s.load desc`
		args = append(args, p.enrollment)
	}
	r.rows, err = db.claims.QueryContext(ctx, query, args...)
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
	r.next, err = scanSegment(r.rows, !r.since.IsZero())
	return err
}

// row finds the row of an enrollee: the first of its id, which has the highest
// load. nil when there is none with anything that s can want.
func (r *reader) row(ctx context.Context, s *coverage.Selection) (*segmentRow, error) {
	id := s.Enrollee.ID
	for r.next != nil && r.next.enrollee < id {
		if err := r.advance(); err != nil {
			return nil, err
		}
	}
	if r.next != nil && r.next.enrollee == id {
		return r.next, nil
	}
	if r.rows != nil && (r.since.IsZero() || s.NothingUpTo(r.since)) {
		return nil, nil
	}
	// Nobody was read ahead; or of this one more is wanted than of most: it is new, or
	// was left out before.
	row, err := scanSegment(r.db.claims.QueryRowContext(ctx, `select `+segmentColumns+` from segment where version = $1 and enrollee = $2 and load <= $3
		order by load desc limit 1`, int(r.version), int64(export.PatientOf(r.version, s.Enrollee)), r.load), false)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return row, err
}

// Write offers an enrollee's claims, oldest update first. When all of them are
// wanted, and the identifiers in them are the enrollee's, they go as they are
// stored.
func (r *reader) Write(ctx context.Context, s *coverage.Selection, sink export.Sink) error {
	row, err := r.row(ctx, s)
	if err != nil {
		return fmt.Errorf("read stored claims: %w", err)
	}
	if row == nil && r.unread[s.Enrollee.ID] {
		return errUnread
	}
	if row == nil || row.undated == 0 && s.NothingUpTo(time.UnixMilli(row.newest)) {
		return nil
	}
	row.patient = export.PatientOf(r.version, s.Enrollee)
	if err := r.keys.openRow(ctx, r.version, row.patient, row); err != nil {
		return err
	}
	index, err := row.index()
	if err != nil {
		return err
	}
	wanted, first := r.choose(index, s, sink)
	current := writtenMBIs(r.version, s.Enrollee)
	switch {
	case wanted == 0:
		return nil
	case wanted < len(index) || !slices.Equal(row.mbis, current):
		return r.cut(ctx, row, index, first, current, sink)
	}
	if err := r.complete(ctx, row, index); err != nil {
		return err
	}
	if r.plain, err = r.inflater.Inflate(r.plain[:0], row.segment); err != nil {
		return fmt.Errorf("read stored claims: %w", err)
	}
	return sink.Segment(row.segment, r.plain, int64(wanted))
}

// choose asks sink about every claim that can be wanted, and tells how many it
// wants, and which is the first.
func (r *reader) choose(index segment.Index, s *coverage.Selection, sink export.Sink) (n, first int) {
	r.wanted = r.wanted[:0]
	for i, e := range index {
		if e.LastUpdated != 0 && s.NothingUpTo(time.UnixMilli(e.LastUpdated)) {
			r.wanted = append(r.wanted, false)
			continue
		}
		c := coverage.Claim{
			Patient: s.Enrollee.ID, Type: coverage.ClaimType(e.Type), Start: coverage.Date(e.Start), End: coverage.Date(e.End),
			HasStart: e.HasStart, HasEnd: e.HasEnd, LastUpdated: timeOf(e.LastUpdated),
		}
		w := sink.Wants(&c)
		r.wanted = append(r.wanted, w)
		if w && n == 0 {
			first = i
		}
		n += bit(w)
	}
	return n, first
}

// cut writes the wanted claims line by line, with the enrollee's identifiers
// in place of those that are stored. Only the blocks from the first of them on
// are inflated: since the newest claims come last, that is little where only
// what is new is wanted.
func (r *reader) cut(ctx context.Context, row *segmentRow, index segment.Index, first int, current []coverage.MBI, sink export.Sink) error {
	begin, err := r.inflate(ctx, row, index, first)
	if err != nil {
		return err
	}
	stored, same := row.mbis, slices.Equal(row.mbis, current)
	for i := first; i < len(index); i++ {
		if !r.wanted[i] {
			continue
		}
		e := index[i]
		at := e.Offset - index[begin].Offset
		line := r.plain[at : at+e.Length]
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

// inflate inflates into r.plain the blocks from that of an entry on, and tells
// with which entry they begin.
func (r *reader) inflate(ctx context.Context, row *segmentRow, index segment.Index, entry int) (begin int, err error) {
	if len(row.tail) > 0 && entry >= index.LastBlock() {
		r.plain, begin, err = r.inflater.InflateLast(r.plain[:0], row.tail, index)
	} else if err = r.complete(ctx, row, index); err == nil {
		r.plain, begin, err = r.inflater.InflateFrom(r.plain[:0], row.segment, index, entry)
	}
	if err != nil {
		return 0, fmt.Errorf("read stored claims: %w", err)
	}
	return begin, nil
}

// complete reads the blocks of a row that were left out.
func (r *reader) complete(ctx context.Context, row *segmentRow, index segment.Index) error {
	if row.whole {
		return nil
	}
	if index[index.LastBlock()].Block.At == 0 { // there are none
		row.segment.Deflate, row.whole = row.tail, true
		return nil
	}
	var head []byte
	err := r.db.claims.QueryRowContext(ctx, `select deflate from segment where version = $1 and enrollee = $2 and load = $3`,
		int(r.version), int64(row.patient), row.load).Scan(&head)
	if err != nil {
		return fmt.Errorf("read the older of stored claims: %w", err)
	}
	if head, err = row.openHead(r.version, row.patient, head); err != nil {
		return err
	}
	row.segment.Deflate, row.whole = append(head, row.tail...), true
	return nil
}
