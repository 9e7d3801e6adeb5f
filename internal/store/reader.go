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
	"ab2d/internal/eob"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/segment"
)

// reader reads the stored claims of a part's enrollees in two ordered queries, one of
// segments and one of deltas,
// which for an export of what is new leave out what has nothing new; or, if
// few will be asked for, one by one.
//
// The newest claim of an enrollee's rows only gets newer from row to row, and so does the
// count of claims without a time. So the rows that the condition on them finds are the
// last ones of an enrollee: nothing that they have is replaced by a row that is left out.
type reader struct {
	db      *DB
	version fhir.Version
	load    int64
	since   time.Time // the queries have only rows with claims updated after it
	one     bool      // one by one
	bases   cursor
	deltas  cursor
	unread  map[coverage.EnrolleeID]bool

	keys     segmentKeys
	inflater segment.Inflater
	plain    []byte
	line     []byte
	joined   []byte
	wanted   []bool
}

// cursor is an ordered query of rows.
type cursor struct {
	rows *sql.Rows // nil: none
	scan func(scanner) (*segmentRow, error)
	next *segmentRow // read, and not yet asked for; nil at the end
}

// advance reads the next row.
func (c *cursor) advance() (err error) {
	c.next = nil
	if !c.rows.Next() {
		return c.rows.Err()
	}
	c.next, err = c.scan(c.rows)
	return err
}

// of takes the rows of an enrollee, and leaves out those of enrollees before.
func (c *cursor) of(id coverage.EnrolleeID) (found []*segmentRow, err error) {
	for c.next != nil && c.next.enrollee <= id {
		if c.next.enrollee == id {
			found = append(found, c.next)
		}
		if err := c.advance(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (c *cursor) close() error {
	if c.rows == nil {
		return nil
	}
	return c.rows.Close()
}

// Open readies the stored claims as of the snapshot's load.
func (db *DB) Open(ctx context.Context, q export.Query) (export.Reader, error) {
	p, err := parsePin(q.Snapshot)
	if err != nil {
		return nil, err
	}
	if err := db.checkKeys(ctx); err != nil { // a key that is missing is no fault of single enrollees
		return nil, fmt.Errorf("read stored claims: %w", err)
	}
	r := &reader{db: db, version: q.Version, load: p.load, since: q.Since, one: q.Members, keys: segmentKeys{db: db}}
	if r.unread, err = db.unread(ctx, q, p); err != nil {
		return nil, err
	}
	if q.Members {
		return r, nil
	}
	columns, recent := segmentColumns, !q.Since.IsZero()
	if recent {
		columns = recentColumns
	}
	r.bases.scan = func(row scanner) (*segmentRow, error) { return scanSegment(row, recent) }
	r.deltas.scan = scanDelta
	err = r.query(ctx, &r.bases, q, p, "segment", columns, "desc")
	if err == nil {
		err = r.query(ctx, &r.deltas, q, p, "delta", deltaColumns, "asc")
	}
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("read stored claims: %w", err)
	}
	return r, nil
}

// query begins the query of a table, with the rows of an enrollee in an order of loads.
func (r *reader) query(ctx context.Context, c *cursor, q export.Query, p pin, table, columns, order string) (err error) {
	query, args := `select `+columns+` from `+table+` s where version = $1 and enrollee between $2 and $3 and load <= $4
		and (newest > $5 or undated > 0 or $5 = 0) order by enrollee, load `+order, []any{int(r.version), int64(q.First), int64(q.Last), p.load, millis(q.Since)}
	if r.version == fhir.V3 { // stored under another number, and so in another order
		query = `select e.` + strings.Replace(columns, "mbis", "s.mbis", 1) + ` from enrollment e join ` + table + ` s on s.version = $1 and s.enrollee = e.patient_v3
			where e.snapshot = $6 and e.enrollee between $2 and $3 and e.patient_v3 <> 0 and s.load <= $4
			and (s.newest > $5 or s.undated > 0 or $5 = 0) order by e.enrollee, s.load ` + order
		args = append(args, p.enrollment)
	}
	if c.rows, err = r.db.claims.QueryContext(ctx, query, args...); err != nil {
		return err
	}
	return c.advance()
}

// Close ends the queries.
func (r *reader) Close() error { return errors.Join(r.bases.close(), r.deltas.close()) }

// layers finds the rows that make up the claims of an enrollee, oldest first. Of rows
// that have nothing that s can want, the first ones may be left out.
func (r *reader) layers(ctx context.Context, s *coverage.Selection) ([]*segmentRow, error) {
	patient := export.PatientOf(r.version, s.Enrollee)
	if !r.one {
		bases, err := r.bases.of(s.Enrollee.ID)
		if err != nil {
			return nil, err
		}
		deltas, err := r.deltas.of(s.Enrollee.ID)
		if err != nil {
			return nil, err
		}
		if len(bases) > 0 { // the first has the highest load
			deltas = slices.DeleteFunc(deltas, func(d *segmentRow) bool { return d.load <= bases[0].load })
			deltas = append(bases[:1], deltas...)
		}
		if len(bases) > 0 || r.since.IsZero() || s.NothingUpTo(r.since) {
			for _, row := range deltas {
				row.patient = patient
			}
			return deltas, nil
		}
	}
	// Nobody was read ahead; or of this one more is wanted than of most: it is new, or
	// was left out before.
	return readLayers(ctx, r.db.claims, r.version, patient, r.load, true)
}

// Write offers an enrollee's claims: those of the segment, and then those of each later
// load, each oldest update first. When all of the claims of a row are wanted, and the
// identifiers in them are the enrollee's, they go as they are stored.
func (r *reader) Write(ctx context.Context, s *coverage.Selection, sink export.Sink) error {
	rows, err := r.layers(ctx, s)
	if err != nil {
		return fmt.Errorf("read stored claims: %w", err)
	}
	if len(rows) == 0 && r.unread[s.Enrollee.ID] {
		return errUnread
	}
	if len(rows) == 0 {
		return nil
	}
	if last := rows[len(rows)-1]; last.undated == 0 && s.NothingUpTo(time.UnixMilli(last.newest)) {
		return nil
	}
	for _, row := range rows {
		if err := row.current(); err != nil {
			return err
		}
	}
	if err := r.keys.openIndexes(ctx, r.version, rows); err != nil {
		return err
	}
	return r.write(ctx, r.choose(rows, s, sink), writtenMBIs(r.version, s.Enrollee), sink)
}

// chosen is a row of which claims are wanted.
type chosen struct {
	*segmentRow
	wanted []bool
	n      int // that are wanted
	first  int // of them
}

// choose asks sink about every claim that can be wanted, and returns the rows with
// claims that are.
func (r *reader) choose(rows []*segmentRow, s *coverage.Selection, sink export.Sink) (some []chosen) {
	r.wanted = r.wanted[:0]
	over, _ := superseded(rows)
	for k, row := range rows {
		from := len(r.wanted)
		c := chosen{segmentRow: row}
		for i, e := range row.index {
			if over[k] != nil && over[k][i] || e.LastUpdated != 0 && s.NothingUpTo(time.UnixMilli(e.LastUpdated)) {
				r.wanted = append(r.wanted, false)
				continue
			}
			w := sink.Wants(&coverage.Claim{
				Patient: s.Enrollee.ID, Type: coverage.ClaimType(e.Type), Start: coverage.Date(e.Start), End: coverage.Date(e.End),
				HasStart: e.HasStart, HasEnd: e.HasEnd, LastUpdated: timeOf(e.LastUpdated),
			})
			r.wanted = append(r.wanted, w)
			if w && c.n == 0 {
				c.first = i
			}
			c.n += bit(w)
		}
		if c.wanted = r.wanted[from:]; c.n > 0 {
			some = append(some, c)
		}
	}
	return some
}

// write writes the claims that were chosen.
func (r *reader) write(ctx context.Context, some []chosen, current []coverage.MBI, sink export.Sink) error {
	whole, list := len(some) > 0, mbiList(current)
	for _, c := range some {
		if err := c.openBody(r.version); err != nil {
			return err
		}
		whole = whole && c.n == len(c.index) && c.mbis == list
	}
	if whole {
		return r.join(ctx, some, sink)
	}
	for _, c := range some {
		if err := r.cut(ctx, c, current, sink); err != nil {
			return err
		}
	}
	return nil
}

// join writes rows as they are stored, as one segment.
func (r *reader) join(ctx context.Context, some []chosen, sink export.Sink) (err error) {
	segments, n := make([]segment.Segment, 0, len(some)), 0
	for _, c := range some {
		if err := r.complete(ctx, c.segmentRow); err != nil {
			return err
		}
		segments, n = append(segments, c.segment), n+c.n
	}
	all := segments[0]
	if len(segments) > 1 {
		all = segment.Concat(r.joined[:0], segments...)
		r.joined = all.Deflate
	}
	if r.plain, err = r.inflater.Inflate(r.plain[:0], all); err != nil {
		return fmt.Errorf("read stored claims: %w", err)
	}
	return sink.Segment(all, r.plain, int64(n))
}

// cut writes the wanted claims of a row line by line, with the enrollee's identifiers
// in place of those that are stored. Only the blocks from the first of them on
// are inflated: since the newest claims come last, that is little where only
// what is new is wanted.
func (r *reader) cut(ctx context.Context, c chosen, current []coverage.MBI, sink export.Sink) error {
	begin, err := r.inflate(ctx, c.segmentRow, c.first)
	if err != nil {
		return err
	}
	stored, err := c.written()
	if err != nil {
		return err
	}
	same := slices.Equal(stored, current)
	for i := c.first; i < len(c.index); i++ {
		if !c.wanted[i] {
			continue
		}
		e := c.index[i]
		at := e.Offset - c.index[begin].Offset
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
func (r *reader) inflate(ctx context.Context, row *segmentRow, entry int) (begin int, err error) {
	if len(row.tail) > 0 && entry >= row.index.LastBlock() {
		r.plain, begin, err = r.inflater.InflateLast(r.plain[:0], row.tail, row.index)
	} else if err = r.complete(ctx, row); err == nil {
		r.plain, begin, err = r.inflater.InflateFrom(r.plain[:0], row.segment, row.index, entry)
	}
	if err != nil {
		return 0, fmt.Errorf("read stored claims: %w", err)
	}
	return begin, nil
}

// complete reads the blocks of a row that were left out.
func (r *reader) complete(ctx context.Context, row *segmentRow) error {
	if row.whole {
		return nil
	}
	if row.index[row.index.LastBlock()].Block.At == 0 { // there are none
		row.segment.Deflate, row.whole = row.tail, true
		return nil
	}
	err := r.db.claims.QueryRowContext(ctx, `select deflate from segment where version = $1 and enrollee = $2 and load = $3`,
		int(r.version), int64(row.patient), row.load).Scan(&row.head)
	if err != nil {
		return fmt.Errorf("read the older of stored claims: %w", err)
	}
	return row.join(r.version)
}
