package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"ab2d/internal/audit"
)

const (
	// sealDelay is how long entries are gathered before they are chained, so that
	// many that come at once share a transaction.
	sealDelay = 20 * time.Millisecond
	// sealEvery is between two looks for entries of processes that died before
	// they had chained them.
	sealEvery = 2 * time.Second
	// sealAtOnce bounds the entries of one transaction.
	sealAtOnce = 500
	// sealTime bounds one attempt.
	sealTime = 10 * time.Second
)

// sealed is an entry with its place in the chain, as the seal statement reads it.
type sealed struct {
	ID     int64       `json:"id"` // in audit_pending
	Number int64       `json:"number"`
	Event  audit.Event `json:"event"`
	Body   string      `json:"body"`
	Hash   string      `json:"hash"`
}

// Seal chains all entries that were recorded until now. It returns how many are
// left, because another process chains them or has just done so. Nothing that
// other transactions need is held meanwhile: with PostgreSQL it is one statement,
// which ends whatever becomes of this process. Safe for concurrent use, by several
// processes.
func (db *DB) Seal(ctx context.Context) (left int, err error) {
	for lost := 0; ; {
		links, head, err := db.pending(ctx)
		if err != nil || len(links) == 0 {
			return 0, err
		}
		last := links[len(links)-1]
		won, err := db.seal(ctx, db, head, audit.Head{Number: last.Number, Hash: last.Hash}, links)
		switch {
		case err != nil:
			return len(links), fmt.Errorf("chain audit entries: %w", err)
		case !won:
			if lost++; lost > sealAttempts {
				return len(links), nil
			}
		default:
			lost = 0
		}
	}
}

// sealAttempts is how often another process may be faster.
const sealAttempts = 20

// pending reads the head and then the next entries that wait, and chains them in
// memory. In this order: what is read after the head was not chained before it, so
// that nothing is chained twice if the head is still the same when it is moved.
func (db *DB) pending(ctx context.Context) ([]sealed, audit.Head, error) {
	head, err := db.head(ctx)
	if err != nil {
		return nil, head, err
	}
	rows, err := db.read.QueryContext(ctx, `select id, body from audit_pending order by id limit $1`, sealAtOnce)
	if err != nil {
		return nil, head, fmt.Errorf("read audit entries that wait: %w", err)
	}
	defer rows.Close()
	var links []sealed
	for at := head; rows.Next(); {
		var s sealed
		var body string
		var e audit.Entry
		if err := rows.Scan(&s.ID, &body); err != nil {
			return nil, head, fmt.Errorf("read audit entries that wait: %w", err)
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			return nil, head, fmt.Errorf("read audit entry %d that waits: %w", s.ID, err)
		}
		link, err := audit.Chain(e, at.Number+1, at.Hash)
		if err != nil {
			return nil, head, err
		}
		at = audit.Head{Number: at.Number + 1, Hash: link.Hash}
		s.Number, s.Event, s.Body, s.Hash = at.Number, e.Event, string(link.Body), link.Hash
		links = append(links, s)
	}
	return links, head, rows.Err()
}

// sealRows moves the head and stores entries in a transaction. It is false if
// somebody else has moved the head.
func sealRows(ctx context.Context, db *DB, from, to audit.Head, links []sealed) (won bool, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		won, err = exactlyOne(ctx, tx, `update audit_head set number = $3, hash = $4 where id = 1 and number = $1 and hash = $2`,
			from.Number, from.Hash, to.Number, to.Hash)
		if err != nil || !won {
			return err
		}
		for _, s := range links {
			_, err := tx.ExecContext(ctx, `insert into audit_entry (number, event, body, hash) values ($1, $2, $3, $4)`, s.Number, string(s.Event), s.Body, s.Hash)
			if err != nil {
				return fmt.Errorf("store an audit entry: %w", err)
			}
			if _, err := tx.ExecContext(ctx, `delete from audit_pending where id = $1`, s.ID); err != nil {
				return fmt.Errorf("store an audit entry: %w", err)
			}
		}
		return nil
	})
	return won, err
}

// sealStatement does what sealRows does, in one statement. The other two parts
// read what the first returns: they change nothing where it moved nothing.
const sealStatement = `with links as (
	select (l->>'id')::bigint id, (l->>'number')::bigint number, l->>'event' event, l->>'body' body, l->>'hash' hash from json_array_elements(cast($5 as json)) l
), moved as (
	update audit_head set number = $3, hash = $4 where id = 1 and number = $1 and hash = $2 returning number
), stored as (
	insert into audit_entry (number, event, body, hash) select number, event, body, hash from links where exists (select 1 from moved) order by number
) delete from audit_pending where id in (select id from links) and exists (select 1 from moved)`

func sealOnce(ctx context.Context, db *DB, from, to audit.Head, links []sealed) (bool, error) {
	r, err := db.write.ExecContext(ctx, sealStatement, from.Number, from.Hash, to.Number, to.Hash, encoded(links))
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// sealer chains entries soon after they were recorded, until the store is closed.
// An entry that it could not chain waits, and loses nothing by it.
func (db *DB) sealer() {
	defer close(db.sealerDone)
	look := time.NewTicker(sealEvery)
	defer look.Stop()
	for {
		select {
		case <-db.closing:
			db.sealFor(context.Background())
			return
		case <-look.C:
		case <-db.recorded:
			gather := time.NewTimer(sealDelay)
			select {
			case <-gather.C:
			case <-db.closing:
			}
			gather.Stop()
		}
		db.sealFor(context.Background())
	}
}

func (db *DB) sealFor(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sealTime)
	defer cancel()
	// Nobody waits for it; audit verify tells how many entries wait for long.
	_, _ = db.Seal(ctx)
}

// wakeSealer tells the sealer that there is something to do.
func (db *DB) wakeSealer() {
	select {
	case db.recorded <- struct{}{}:
	default:
	}
}

// Unsealed counts the entries that are recorded and not chained yet.
func (db *DB) Unsealed(ctx context.Context) (int64, error) {
	var n int64
	if err := db.read.QueryRowContext(ctx, `select count(*) from audit_pending`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count audit entries that wait: %w", err)
	}
	return n, nil
}
