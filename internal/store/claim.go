package store

import (
	"bytes"
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

// deltaLevel is that of deltas: there are many small ones, which are folded later.
const deltaLevel = 3

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
	builder  *segment.Builder // of bases
	small    *segment.Builder // of deltas
	inflater segment.Inflater
	plains   [][]byte // of the rows of one enrollee
	line     []byte
	rows     rows // of the transaction
	deltas   rows // of the transaction
	arrivals rows // of the transaction
	keys     segmentKeys
	mode     deltaMode
	ahead    *ahead // of the batch, while it is merged
	later    bool   // claims of the version were published before this load

	minimizer *eob.Minimizer // for what an older allow-list has reduced
}

// NewMerger makes a Merger.
func (db *DB) NewMerger(l *Load) (*Merger, error) {
	b, err := segment.NewBuilder(segmentLevel)
	if err != nil {
		return nil, fmt.Errorf("make a compressor: %w", err)
	}
	small, err := segment.NewBuilder(deltaLevel)
	if err != nil {
		return nil, fmt.Errorf("make a compressor: %w", err)
	}
	m := &Merger{db: db, load: l, builder: b, small: small, keys: segmentKeys{db: db}, minimizer: eob.New(l.Version)}
	m.rows, m.deltas, m.arrivals = segmentRows(), deltaRows(), arrivalRows()
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
	m.rows.values, m.deltas.values, m.arrivals.values = nil, nil, nil
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
	ids := slices.Sorted(maps.Keys(changed))
	if m.ahead, err = m.db.readAhead(ctx, tx, m.load.Version, ids, m.load.ID); err != nil {
		return sum, err
	}
	defer func() { m.ahead = nil }()
	for _, id := range ids {
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
	for _, r := range []rows{settled, m.rows, m.deltas, m.arrivals} {
		if err := m.db.bulk(ctx, tx, conn, r); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// coming is what a batch makes of an enrollee's claims.
type coming struct {
	claims  map[string]Claim         // that are new or replace another, by id
	leaving map[string]segment.Entry // that are stored and leave
	oldest  int64                    // lastUpdated of what is new
	sum     Merged
}

// decide finds what a batch makes of an enrollee's claims. Claims are read only where two
// versions of one were updated at the same moment.
func (m *Merger) decide(ctx context.Context, tx *sql.Tx, stored *storedClaims, c *change) (*coming, error) {
	d := &coming{claims: map[string]Claim{}, leaving: map[string]segment.Entry{}, oldest: math.MaxInt64}
	comes := make(map[string]bool, len(c.claims))
	for _, claim := range c.claims {
		comes[claim.Entry.ID] = true
	}
	for id, p := range stored.live {
		switch {
		case c.gone[id]:
			d.leaving[id] = stored.entry(p)
		case c.whole && !comes[id]:
			d.sum.Removed++
			d.leaving[id] = stored.entry(p)
		}
	}
	for _, claim := range c.claims {
		if err := m.compare(ctx, tx, stored, d, claim); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// compare takes a claim unless a newer version, or the same, is there.
func (m *Merger) compare(ctx context.Context, tx *sql.Tx, stored *storedClaims, d *coming, claim Claim) error {
	id := claim.Entry.ID
	old, was := d.claims[id]
	place, isStored := stored.live[id]
	if _, left := d.leaving[id]; !was && isStored && !left {
		old.Entry, was = stored.entry(place), true
	}
	same := was && old.Entry.LastUpdated == claim.Entry.LastUpdated
	if same && old.JSON == nil {
		var err error
		if old.JSON, err = m.claim(ctx, tx, stored, place); err != nil {
			return err
		}
	}
	switch {
	case !was:
		d.sum.New++
	case old.Entry.LastUpdated > claim.Entry.LastUpdated:
		d.sum.Older++
		return nil
	case same && bytes.Equal(old.JSON, claim.JSON):
		d.sum.Unchanged++
		return nil
	default:
		d.sum.Replaced++
	}
	d.claims[id] = claim
	d.oldest = min(d.oldest, claim.Entry.LastUpdated)
	return nil
}

// enrollee merges what changes about one enrollee with what is stored.
func (m *Merger) enrollee(ctx context.Context, tx *sql.Tx, id coverage.EnrolleeID, c *change) (Merged, error) {
	stored, err := m.stored(ctx, tx, id)
	if err != nil {
		return Merged{}, err
	}
	d, err := m.decide(ctx, tx, stored, c)
	if err != nil {
		return Merged{}, err
	}
	sum := d.sum
	if sum.New+sum.Replaced+sum.Removed == 0 && len(c.gone) == 0 {
		return sum, nil
	}
	if sum.New+sum.Replaced > 0 {
		if err := m.arrive(ctx, tx, stored, d.oldest); err != nil {
			return sum, err
		}
	}
	if err := m.withdraw(ctx, tx, id, d.lost(stored, c), stored); err != nil {
		return sum, err
	}
	mbis, err := m.currentMBIs(ctx, tx, id)
	if err != nil {
		return sum, err
	}
	small, err := m.asDelta(ctx, tx, stored, d, mbis)
	if err != nil {
		return sum, err
	}
	if small {
		return sum, m.addDelta(ctx, tx, stored, d, mbis)
	}
	all, err := m.all(ctx, tx, stored, func(id string) bool {
		_, replaced := d.claims[id]
		_, left := d.leaving[id]
		return !replaced && !left
	})
	if err != nil {
		return sum, err
	}
	return sum, m.add(ctx, tx, slices.AppendSeq(all, maps.Values(d.claims)), mbis, stored)
}

// lost are the claims that the enrollee does not have any more.
func (d *coming) lost(stored *storedClaims, c *change) (gone []segment.Entry) {
	comes := make(map[string]bool, len(c.claims))
	for _, claim := range c.claims {
		comes[claim.Entry.ID] = true
	}
	for _, e := range slices.AppendSeq(slices.Clone(stored.dropped), maps.Values(d.leaving)) {
		if !comes[e.ID] {
			gone = append(gone, e)
		}
	}
	return gone
}

// currentMBIs finds the identifiers of a patient in the newest current enrollment
// that has the person.
func (m *Merger) currentMBIs(ctx context.Context, q rowQuerier, id coverage.EnrolleeID) ([]coverage.MBI, error) {
	var list string
	if m.ahead != nil {
		if list = m.ahead.mbis[id]; list == "" {
			return nil, nil
		}
		return parseMBIs(list)
	}
	err := q.QueryRowContext(ctx, `select `+storedMBIs(m.load.Version)+` from enrollment e join snapshot s on s.id = e.snapshot
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
