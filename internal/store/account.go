package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
)

// RequestState is what became of an AccountRequest.
type RequestState string

// The states.
const (
	RequestWaiting   RequestState = "waiting"
	RequestApproved  RequestState = "approved"
	RequestRejected  RequestState = "rejected"
	RequestWithdrawn RequestState = "withdrawn" // by the client, or by its next request of the kind
)

// AccountRequest is what a client asks operators for.
type AccountRequest struct {
	ID        string // random
	Client    string
	Contract  string
	Kind      string          // see package account
	Wanted    json.RawMessage // what is asked for; its form depends on Kind
	State     RequestState
	Reason    string // of an operator, for the sponsor
	DecidedBy string // as the actor of the audit log
	Created   time.Time
	Decided   time.Time // zero: not yet
}

// ErrNoRequest says that there is no such request, or that it does not wait.
var ErrNoRequest = errors.New("no such request of a client")

// requestsKept is how many decided requests of a client are stored.
const requestsKept = 50

const requestColumns = `id, client, contract, kind, wanted, state, reason, decided_by, created, decided`

func scanRequest(row interface{ Scan(...any) error }) (*AccountRequest, error) {
	var r AccountRequest
	var wanted string
	var created, decided int64
	err := row.Scan(&r.ID, &r.Client, &r.Contract, &r.Kind, &wanted, &r.State, &r.Reason, &r.DecidedBy, &created, &decided)
	r.Wanted, r.Created, r.Decided = json.RawMessage(wanted), timeOf(created), timeOf(decided)
	return &r, err
}

// AccountRequests lists requests, newest first: of a client, or of all for "", in a
// state, or in all for "".
func (db *DB) AccountRequests(ctx context.Context, client string, state RequestState, limit int) ([]*AccountRequest, error) {
	rows, err := db.read.QueryContext(ctx, `select `+requestColumns+` from account_request where ($1 = '' or client = $1) and ($2 = '' or state = $2)
		order by created desc, id limit $3`, client, string(state), limit)
	if err != nil {
		return nil, fmt.Errorf("list requests of clients: %w", err)
	}
	defer rows.Close()
	list := []*AccountRequest{}
	for rows.Next() {
		r, err := scanRequest(rows)
		if err != nil {
			return nil, fmt.Errorf("list requests of clients: %w", err)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// AccountRequest finds a request; ErrNoRequest when absent.
func (db *DB) AccountRequest(ctx context.Context, id string) (*AccountRequest, error) {
	r, err := scanRequest(db.read.QueryRowContext(ctx, `select `+requestColumns+` from account_request where id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoRequest
	}
	if err != nil {
		return nil, fmt.Errorf("read request %q: %w", id, err)
	}
	return r, nil
}

// AddAccountRequest stores a request that waits. It takes the place of one of its kind
// that the client has waiting.
func (db *DB) AddAccountRequest(ctx context.Context, r AccountRequest, detail string) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		if err := db.alone(ctx, tx, "client "+r.Client); err != nil {
			return err
		}
		now := millis(db.now())
		_, err := tx.ExecContext(ctx, `update account_request set state = 'withdrawn', decided = $3 where client = $1 and kind = $2 and state = 'waiting'`, r.Client, r.Kind, now)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `insert into account_request (`+requestColumns+`) values ($1, $2, $3, $4, $5, 'waiting', '', '', $6, 0)`,
			r.ID, r.Client, r.Contract, r.Kind, string(r.Wanted), now)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `delete from account_request where client = $1 and state <> 'waiting' and id not in
			(select id from account_request where client = $1 and state <> 'waiting' order by created desc, id limit $2)`, r.Client, requestsKept)
		if err != nil {
			return err
		}
		return db.append(ctx, tx, audit.Entry{Event: audit.ClientRequested, Client: r.Client, Contract: r.Contract, Detail: detail})
	})
	if err != nil {
		return fmt.Errorf("store a request of client %q: %w", r.Client, err)
	}
	return nil
}

// DecideAccountRequest decides about a request that waits, alone: change alters the
// client with it, or is nil if the client stays as it is. The entry is recorded with it;
// what it says of the client is filled in. ErrNoRequest if it does not wait; an error of
// change leaves everything as it was.
func (db *DB) DecideAccountRequest(ctx context.Context, id string, to RequestState, reason string, e audit.Entry, change func(*AccountRequest, *auth.Client) error) (*AccountRequest, error) {
	var r *AccountRequest
	err := db.tx(ctx, func(tx *sql.Tx) (err error) {
		if r, err = waitingRequest(ctx, tx, id); err != nil {
			return err
		}
		if err := db.alone(ctx, tx, "client "+r.Client); err != nil {
			return err
		}
		if r, err = waitingRequest(ctx, tx, id); err != nil { // it may have been decided meanwhile
			return err
		}
		r.State, r.Reason, r.DecidedBy, r.Decided = to, reason, audit.FactsOf(ctx).Actor, db.now()
		_, err = tx.ExecContext(ctx, `update account_request set state = $2, reason = $3, decided_by = $4, decided = $5 where id = $1`,
			id, string(to), reason, r.DecidedBy, millis(r.Decided))
		if err != nil {
			return err
		}
		if change == nil {
			e.Client, e.Contract = r.Client, r.Contract
			return db.append(ctx, tx, e)
		}
		_, err = db.changeClient(ctx, tx, r.Client, e, func(c *auth.Client) error { return change(r, c) })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("decide request %q: %w", id, err)
	}
	return r, nil
}

func waitingRequest(ctx context.Context, tx *sql.Tx, id string) (*AccountRequest, error) {
	r, err := scanRequest(tx.QueryRowContext(ctx, `select `+requestColumns+` from account_request where id = $1 and state = 'waiting'`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoRequest
	}
	return r, err
}
