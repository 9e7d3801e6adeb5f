package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/segment"
)

// segmentLevel is the compression of stored claims: they are compressed once
// and sent many times.
const segmentLevel = 6

// Claim is a minimized claim on its way into the store.
type Claim struct {
	Patient coverage.EnrolleeID
	Entry   segment.Entry // all but Offset and Length
	JSON    []byte        // without identifiers and newline
	// Withheld says that this version must not be shared. It is not stored, and
	// removes an older one that is.
	Withheld bool
}

// Merged counts what became of claims.
type Merged struct {
	New       int64 `json:"new"`
	Replaced  int64 `json:"replaced"`  // an older version of the claim was there
	Unchanged int64 `json:"unchanged"` // the same was there
	Older     int64 `json:"older"`     // a newer one was there
	Withdrawn int64 `json:"withdrawn"` // was there, and must not be shared any more
	Removed   int64 `json:"removed"`   // was there, and the upstream server does not have it any more
}

// Add adds up.
func (m *Merged) Add(o Merged) {
	m.New += o.New
	m.Replaced += o.Replaced
	m.Unchanged += o.Unchanged
	m.Older += o.Older
	m.Withdrawn += o.Withdrawn
	m.Removed += o.Removed
}

// Merger takes claims into a load. Not safe for concurrent use.
type Merger struct {
	db       *DB
	load     *Load
	builder  *segment.Builder
	inflater segment.Inflater
	plain    []byte
	line     []byte
	rows     rows // of the transaction
	arrivals rows // of the transaction
	keys     segmentKeys
	later    bool // claims of the version were published before this load

	minimizer *eob.Minimizer // for what an older allow-list has reduced
}

// NewMerger makes a Merger.
func (db *DB) NewMerger(l *Load) (*Merger, error) {
	b, err := segment.NewBuilder(segmentLevel)
	if err != nil {
		return nil, fmt.Errorf("make a compressor: %w", err)
	}
	m := &Merger{db: db, load: l, builder: b, keys: segmentKeys{db: db}, minimizer: eob.New(l.Version)}
	m.rows = rows{table: "segment", columns: []string{"version", "enrollee", "load", "allow_list", "newest", "undated", "mbis", "crc", "length", "entries", "tail", "deflate"}}
	m.arrivals = arrivalRows()
	return m, nil
}

// Merge takes a batch of claims into the load in one transaction, and notes up
// to where the source has been taken in and what was counted so far. Of two
// versions of a claim the one updated later stays, and of two updated at the
// same moment the one that came later. A claim is of one enrollee at a time: one
// that comes with another enrollee than before moves, and a withheld one takes the
// claim away. Merging the same batch again changes nothing. ErrLoadMoved when another process has gone on with the
// load.
func (m *Merger) Merge(ctx context.Context, claims []Claim, position, line int64, report func(Merged) string) (Merged, error) {
	var sum Merged
	err := m.db.txOn(ctx, func(tx *sql.Tx, conn *sql.Conn) (err error) {
		if sum, err = m.merge(ctx, tx, conn, claims, nil); err != nil {
			return err
		}
		ok, err := exactlyOne(ctx, tx, `update load set position = $2, line = $3, report = $4,
			newest = case when newest < $6 then $6 else newest end where id = $1 and published = 0 and position = $5`,
			m.load.ID, position, line, report(sum), m.load.Position, newestOf(claims))
		if err == nil && !ok {
			err = ErrLoadMoved
		}
		return err
	})
	if err != nil {
		return sum, fmt.Errorf("store claims: %w", err)
	}
	m.load.Position, m.load.Line = position, line
	return sum, nil
}

// newestOf is when the newest of the claims was updated.
func newestOf(claims []Claim) (newest int64) {
	for _, c := range claims {
		newest = max(newest, c.Entry.LastUpdated)
	}
	return newest
}

// merge merges claims within a transaction. Of the enrollees in whole these are all
// claims: others that are stored go.
func (m *Merger) merge(ctx context.Context, tx *sql.Tx, conn *sql.Conn, claims []Claim, whole map[coverage.EnrolleeID]bool) (Merged, error) {
	var sum Merged
	m.rows.values, m.arrivals.values = nil, nil
	homes, err := m.homes(ctx, tx, claims)
	if err != nil {
		return sum, err
	}
	changed, sum, err := m.changes(ctx, tx, claims, homes)
	if err != nil {
		return sum, err
	}
	for id := range whole {
		changed.of(id).whole = true
	}
	for _, id := range slices.Sorted(maps.Keys(changed)) {
		merged, err := m.enrollee(ctx, tx, id, changed[id])
		if err != nil {
			return sum, err
		}
		sum.Add(merged)
	}
	settled, err := m.settle(ctx, tx, changed, homes)
	if err != nil {
		return sum, err
	}
	for _, r := range []rows{settled, m.rows, m.arrivals} {
		if err := m.db.bulk(ctx, tx, conn, r); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// keep finds which of an enrollee's stored claims stay, by id, and which are gone.
func (c *change) keep(stored storedClaims) (all map[string]Claim, gone []segment.Entry, sum Merged) {
	all = make(map[string]Claim, len(stored.claims)+len(c.claims))
	comes := make(map[string]bool, len(c.claims))
	for _, claim := range c.claims {
		comes[claim.Entry.ID] = true
	}
	lose := func(old Claim) {
		if !comes[old.Entry.ID] {
			gone = append(gone, old.Entry)
		}
	}
	for _, old := range stored.dropped {
		lose(old)
	}
	for _, old := range stored.claims {
		switch {
		case c.gone[old.Entry.ID]:
			lose(old)
		case c.whole && !comes[old.Entry.ID]:
			sum.Removed++
			lose(old)
		default:
			all[old.Entry.ID] = old
		}
	}
	return all, gone, sum
}

// enrollee merges what changes about one enrollee with what is stored.
func (m *Merger) enrollee(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID, c *change) (Merged, error) {
	stored, err := m.stored(ctx, tx, id)
	if err != nil {
		return Merged{}, err
	}
	all, gone, sum := c.keep(stored)
	oldest := int64(math.MaxInt64) // lastUpdated of what is new
	for _, claim := range c.claims {
		old, was := all[claim.Entry.ID]
		switch {
		case !was:
			sum.New++
		case old.Entry.LastUpdated > claim.Entry.LastUpdated:
			sum.Older++
			continue
		case old.Entry.LastUpdated == claim.Entry.LastUpdated && bytes.Equal(old.JSON, claim.JSON):
			sum.Unchanged++
			continue
		default:
			sum.Replaced++
		}
		all[claim.Entry.ID] = claim
		oldest = min(oldest, claim.Entry.LastUpdated)
	}
	if sum.New+sum.Replaced+sum.Removed == 0 && len(c.gone) == 0 {
		return sum, nil
	}
	if sum.New+sum.Replaced > 0 {
		if err := m.arrive(ctx, tx, id, oldest); err != nil {
			return sum, err
		}
	}
	if err := m.withdraw(ctx, tx, id, gone, stored); err != nil {
		return sum, err
	}
	mbis, err := m.currentMBIs(ctx, tx, id)
	if err != nil {
		return sum, err
	}
	return sum, m.add(ctx, tx, id, slices.Collect(maps.Values(all)), mbis, stored)
}

// add makes a row of an enrollee's claims, newest last, for the transaction's
// bulk insert. An enrollee whose claims are all gone gets a row without any: it
// stands for the rows of earlier loads. The time of the newest claim never goes
// back, because readers find the newest row by it.
func (m *Merger) add(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID, claims []Claim, mbis []coverage.MBI, stored storedClaims) error {
	slices.SortFunc(claims, func(a, b Claim) int {
		return cmp.Or(cmp.Compare(a.Entry.LastUpdated, b.Entry.LastUpdated), cmp.Compare(a.Entry.ID, b.Entry.ID))
	})
	m.builder.Reset()
	undated := 0
	for _, c := range claims {
		undated += bit(c.Entry.LastUpdated == 0)
		m.line = append(eob.AppendWithMBIs(m.line[:0], c.JSON, int(c.Entry.ExtensionAt), c.Entry.HasExtension, mbis), '\n')
		if err := m.builder.Add(m.line, c.Entry); err != nil {
			return fmt.Errorf("compress a claim: %w", err)
		}
	}
	s, index, err := m.builder.Finish()
	if err != nil {
		return fmt.Errorf("compress claims: %w", err)
	}
	version, patient, newest := int64(m.load.Version), int64(id), stored.newest
	if len(claims) > 0 {
		newest = max(newest, claims[len(claims)-1].Entry.LastUpdated)
	}
	if stored.load == m.load.ID {
		_, err := tx.ExecContext(ctx, `delete from segment where version = $1 and enrollee = $2 and load = $3`, version, patient, m.load.ID)
		if err != nil {
			return fmt.Errorf("replace a segment: %w", err)
		}
	}
	head, tail := split(s, index)
	if head == nil {
		head = []byte{} // of no claims; the table has no null
	}
	parts, err := m.keys.seal(ctx, m.load.Version, id, m.load.ID, sealedParts{entries: index.Marshal([]byte{}), tail: tail, head: head})
	if err != nil {
		return err
	}
	m.rows.values = append(m.rows.values, []any{version, patient, m.load.ID, int64(eob.AllowList), newest, int64(undated),
		mbiList(mbis), int64(s.CRC), s.Length, parts.entries, parts.tail, parts.head})
	return nil
}

// storedClaims are an enrollee's, as the load sees them.
type storedClaims struct {
	load   int64          // that wrote them; 0 when there are none
	newest int64          // of the row
	mbis   []coverage.MBI // that are written in the stored lines
	claims []Claim        // without identifiers; valid until the next call
	// dropped are those that today's allow-list does not keep.
	dropped []Claim
}

// stored reads the claims of the newest row, of this load or before.
func (m *Merger) stored(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID) (storedClaims, error) {
	var none storedClaims
	r, err := scanSegment(tx.QueryRowContext(ctx, `select `+segmentColumns+` from segment
		where version = $1 and enrollee = $2 and load <= $3 order by load desc limit 1`, int(m.load.Version), int64(id), m.load.ID), false)
	if errors.Is(err, sql.ErrNoRows) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("read stored claims: %w", err)
	}
	if err := m.keys.openRow(ctx, m.load.Version, id, r); err != nil {
		return none, err
	}
	s := storedClaims{load: r.load, mbis: r.mbis, newest: r.newest}
	older := r.allowList < eob.AllowList
	if older {
		r.allowList = eob.AllowList // what it would not keep is left out below
	}
	index, err := r.open(&m.inflater, &m.plain)
	if err != nil {
		return none, err
	}
	for _, e := range index {
		claim, err := withoutMBIs(m.plain[e.Offset:e.Offset+e.Length-1], e, r.mbis)
		if err != nil {
			return none, err
		}
		if older && !m.stillKept(claim) {
			s.dropped = append(s.dropped, Claim{Patient: id, Entry: e})
			continue
		}
		s.claims = append(s.claims, Claim{Patient: id, Entry: e, JSON: claim})
	}
	return s, nil
}

// stillKept tells whether the allow-list of today would keep a claim that an older
// one has reduced. It sees only what that one has kept.
func (m *Merger) stillKept(claim []byte) bool {
	c, err := m.minimizer.Minimize(claim)
	return err == nil && !c.Part2
}

// withoutMBIs takes the identifiers out of a stored claim again.
func withoutMBIs(line []byte, e segment.Entry, mbis []coverage.MBI) ([]byte, error) {
	at, written := int(e.ExtensionAt), eob.AppendWithMBIs(nil, nil, 0, e.HasExtension, mbis)
	if at > len(line) || !bytes.HasPrefix(line[at:], written) {
		return nil, fmt.Errorf("take the identifiers out of a stored claim: %w", segment.ErrDamaged)
	}
	return slices.Concat(line[:at], line[at+len(written):]), nil
}

// currentMBIs finds the identifiers of a patient in the newest current enrollment
// that has the person.
func (m *Merger) currentMBIs(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID) ([]coverage.MBI, error) {
	var list string
	err := tx.QueryRowContext(ctx, `select `+storedMBIs(m.load.Version)+` from enrollment e join snapshot s on s.id = e.snapshot
		where `+storedUnder(m.load.Version)+` = $1 and s.current = 1 order by s.id desc limit 1`, int64(id)).Scan(&list)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find an enrollee's identifiers: %w", err)
	}
	return parseMBIs(list)
}

func parseMBIs(list string) (mbis []coverage.MBI, err error) {
	if err := json.Unmarshal([]byte(list), &mbis); err != nil {
		return nil, errors.New("stored identifiers cannot be read")
	}
	return mbis, nil
}

// Source names the imported claims as the source of a job.
func (*DB) Source() string { return "store:" }
