package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"math"

	"ab2d/internal/audit"
)

// Record stores an entry of the audit.
func (db *DB) Record(ctx context.Context, e audit.Entry) error {
	if err := db.tx(ctx, func(tx *sql.Tx) error { return db.append(ctx, tx, e) }); err != nil {
		return fmt.Errorf("record %s: %w", e.Event, err)
	}
	return nil
}

// append records an entry in the transaction of what it tells of. It is durable
// with it, and then waits in audit_pending for its place in the chain (seal.go), so
// that no transaction holds what others need.
func (db *DB) append(ctx context.Context, tx *sql.Tx, e audit.Entry) error {
	e.Time = audit.FormatTime(db.now())
	body, err := json.Marshal(audit.FactsOf(ctx).Complete(e))
	if err != nil {
		return fmt.Errorf("encode an audit entry: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `insert into audit_pending (body) values ($1)`, string(body)); err != nil {
		return fmt.Errorf("record an audit entry: %w", err)
	}
	db.wakeSealer()
	return nil
}

// appendJob stores an entry about a job. Nobody asked for it but the job itself.
func (db *DB) appendJob(ctx context.Context, tx *sql.Tx, event audit.Event, job, detail string) error {
	e := audit.Entry{Event: event, Job: job, Detail: detail, Actor: "worker"}
	if err := tx.QueryRowContext(ctx, `select contract, client from job where id = $1`, job).Scan(&e.Contract, &e.Client); err != nil {
		return fmt.Errorf("read job %s: %w", job, err)
	}
	return db.append(ctx, tx, e)
}

// linksAtOnce is how many entries are read at once, so that no transaction is
// open while they are looked at.
const linksAtOnce = 1000

// Links gives the audit's entries after a number, in order: all that were recorded
// before, as far as they can be chained now.
func (db *DB) Links(ctx context.Context, after int64) iter.Seq2[audit.Link, error] {
	return func(yield func(audit.Link, error) bool) {
		db.sealFor(ctx)
		for {
			page, last, err := db.links(ctx, after)
			if err != nil {
				yield(audit.Link{}, err)
				return
			}
			for _, l := range page {
				if !yield(l, nil) {
					return
				}
			}
			if len(page) < linksAtOnce {
				return
			}
			after = last
		}
	}
}

func (db *DB) links(ctx context.Context, after int64) (page []audit.Link, last int64, err error) {
	rows, err := db.read.QueryContext(ctx, `select number, body, hash from audit_entry where number > $1 order by number limit $2`, after, linksAtOnce)
	if err != nil {
		return nil, 0, fmt.Errorf("read the audit: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		l, n, err := scanLink(rows)
		if err != nil {
			return nil, 0, err
		}
		page, last = append(page, l), n
	}
	return page, last, rows.Err()
}

func scanLink(rows *sql.Rows) (audit.Link, int64, error) {
	var l audit.Link
	var number int64
	var body string
	if err := rows.Scan(&number, &body, &l.Hash); err != nil {
		return l, 0, fmt.Errorf("read the audit: %w", err)
	}
	l.Body = json.RawMessage(body)
	return l, number, nil
}

// RecentEntries gives the newest entries of the audit, newest first: of one
// event, or of all for "".
func (db *DB) RecentEntries(ctx context.Context, event audit.Event, limit int) ([]audit.Link, error) {
	db.sealFor(ctx)
	where := `($1 = '' or event = $1)`
	if event != "" {
		where = `event = $1` // by the index
	}
	rows, err := db.read.QueryContext(ctx, `select number, body, hash from audit_entry where `+where+` order by number desc limit $2`, string(event), limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	return scanLinks(rows)
}

// EntriesOf gives a contract's entries, newest first: those before a number, or with 0
// the newest; of one event, or of all for "".
func (db *DB) EntriesOf(ctx context.Context, contract string, event audit.Event, before int64, limit int) ([]audit.Link, error) {
	db.sealFor(ctx)
	if before <= 0 {
		before = math.MaxInt64
	}
	rows, err := db.read.QueryContext(ctx, `select number, body, hash from audit_entry where `+db.entryContract+` = $1 and number < $2
		and ($3 = '' or event = $3) order by number desc limit $4`, contract, before, string(event), limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit of contract %s: %w", contract, err)
	}
	return scanLinks(rows)
}

func scanLinks(rows *sql.Rows) ([]audit.Link, error) {
	defer rows.Close()
	list := []audit.Link{}
	for rows.Next() {
		l, _, err := scanLink(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, rows.Err()
}

// AuditHead gives the number and the hash of the last entry, as the store
// remembers them beside the entries, after it has chained what waited.
func (db *DB) AuditHead(ctx context.Context) (audit.Head, error) {
	db.sealFor(ctx)
	return db.head(ctx)
}

func (db *DB) head(ctx context.Context) (audit.Head, error) {
	var h audit.Head
	if err := db.read.QueryRowContext(ctx, `select number, hash from audit_head where id = 1`).Scan(&h.Number, &h.Hash); err != nil {
		return h, fmt.Errorf("read the head of the audit: %w", err)
	}
	return h, nil
}
