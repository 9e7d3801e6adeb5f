package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/rest"
	"ab2d/internal/store"
)

// Requests are what clients ask operators for. Each change appends its audit entry in
// the same transaction.
type Requests interface {
	// AccountRequests lists the newest requests, newest first: of a client, or of all
	// for "", in a state, or in all for "".
	AccountRequests(ctx context.Context, client string, state store.RequestState, limit int) ([]*store.AccountRequest, error)
	// AccountRequest returns store.ErrNoRequest if there is none with the id.
	AccountRequest(ctx context.Context, id string) (*store.AccountRequest, error)
	// AddAccountRequest stores a request, which takes the place of one of its kind.
	AddAccountRequest(ctx context.Context, r store.AccountRequest, detail string) error
	// DecideAccountRequest returns store.ErrNoRequest if the request does not wait.
	DecideAccountRequest(ctx context.Context, id string, to store.RequestState, reason string, e audit.Entry, change func(*store.AccountRequest, *auth.Client) error) (*store.AccountRequest, error)
}

// The kinds of requests: the field that a client wants to change.
const (
	RequestNetworks = "networks"
	RequestKeysURL  = "keysUrl"
)

// Request is what a client asks operators for.
type Request struct {
	ID        string       `json:"id"`
	Client    string       `json:"client"`
	Contract  string       `json:"contract"`
	Wanted    ClientFields `json:"wanted"` // the fields of the client as they are to be
	State     string       `json:"state"`  // waiting, approved, rejected or withdrawn
	Reason    string       `json:"reason,omitempty"`
	DecidedBy string       `json:"decidedBy,omitempty"`
	Created   time.Time    `json:"created"`
	Decided   *time.Time   `json:"decided,omitempty"`
}

// Rejection says why a request is rejected.
type Rejection struct {
	Reason string `json:"reason"` // for the sponsor to read
}

// RequestOf shows a stored request.
func RequestOf(r *store.AccountRequest) (Request, error) {
	shown := Request{ID: r.ID, Client: r.Client, Contract: r.Contract, State: string(r.State), Reason: r.Reason, DecidedBy: r.DecidedBy, Created: r.Created}
	if !r.Decided.IsZero() {
		shown.Decided = &r.Decided
	}
	if err := json.Unmarshal(r.Wanted, &shown.Wanted); err != nil {
		return shown, fmt.Errorf("read request %s: %w", r.ID, err)
	}
	return shown, nil
}

var requestID = regexp.MustCompile(`^[A-Z0-9]{1,40}$`)

// Requests lists the newest requests of clients: of one, or of all for "", in a state, or
// in all for "".
func (s *Service) Requests(ctx context.Context, client, state string, limit int) ([]Request, error) {
	if client != "" && !clientID.MatchString(client) {
		return nil, noClient(client)
	}
	switch store.RequestState(state) {
	case "", store.RequestWaiting, store.RequestApproved, store.RequestRejected, store.RequestWithdrawn:
	default:
		return nil, rest.InvalidField("state", "%s is none of waiting, approved, rejected and withdrawn.", rest.Quoted(state))
	}
	rows, err := s.store.AccountRequests(ctx, client, store.RequestState(state), limit)
	if err != nil {
		return nil, err
	}
	list := []Request{}
	for _, row := range rows {
		r, err := RequestOf(row)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

func noRequest(id string) *rest.Error {
	return rest.NotFound("There is no request %s that waits. List requests with ab2d admin request list.", rest.Quoted(id))
}

// waiting finds a request that waits.
func (s *Service) waiting(ctx context.Context, id string) (Request, error) {
	if !requestID.MatchString(id) {
		return Request{}, noRequest(id)
	}
	row, err := s.store.AccountRequest(ctx, id)
	if errors.Is(err, store.ErrNoRequest) || err == nil && row.State != store.RequestWaiting {
		return Request{}, noRequest(id)
	}
	if err != nil {
		return Request{}, err
	}
	return RequestOf(row)
}

// Line writes what a client asks for on one line.
func (r Request) Line() string {
	switch {
	case r.Wanted.Networks != nil && len(*r.Wanted.Networks) == 0:
		return "networks: anywhere"
	case r.Wanted.Networks != nil:
		return fmt.Sprintf("networks: %v", *r.Wanted.Networks)
	case r.Wanted.KeysURL != nil:
		return "keys at " + *r.Wanted.KeysURL
	}
	return "nothing"
}

// ApproveRequest makes the change that a client asks for, as an operator's.
func (s *Service) ApproveRequest(ctx context.Context, id string, dryRun bool) (Effect, error) {
	r, err := s.waiting(ctx, id)
	if err != nil {
		return Effect{}, err
	}
	text := fmt.Sprintf("give client %s of contract %s what it asks for: %s", r.Client, r.Contract, r.Line())
	return apply(dryRun, text, func() error {
		_, err := s.store.DecideAccountRequest(ctx, id, store.RequestApproved, "", audit.Entry{Event: audit.RequestApproved, Detail: "request " + id + ": " + r.Line()},
			func(stored *store.AccountRequest, c *auth.Client) error {
				wanted, err := RequestOf(stored)
				if err != nil {
					return err
				}
				if wanted.Wanted.KeysURL != nil {
					c.KeySet = "" // the address takes the place of registered keys
				}
				return wanted.Wanted.apply(c)
			})
		if errors.Is(err, store.ErrNoRequest) {
			return noRequest(id)
		}
		return err
	})
}

// RejectRequest rejects what a client asks for. The sponsor sees the reason.
func (s *Service) RejectRequest(ctx context.Context, id string, why Rejection) (Request, error) {
	if why.Reason == "" || !oneLine.MatchString(why.Reason) {
		return Request{}, rest.InvalidField("reason", "give 1 to 100 characters on one line, for the sponsor to read.")
	}
	return s.decide(ctx, id, store.RequestRejected, why.Reason, audit.RequestRejected)
}

func (s *Service) decide(ctx context.Context, id string, to store.RequestState, reason string, event audit.Event) (Request, error) {
	if !requestID.MatchString(id) {
		return Request{}, noRequest(id)
	}
	stored, err := s.store.DecideAccountRequest(ctx, id, to, reason, audit.Entry{Event: event, Detail: "request " + id}, nil)
	if errors.Is(err, store.ErrNoRequest) {
		return Request{}, noRequest(id)
	}
	if err != nil {
		return Request{}, err
	}
	return RequestOf(stored)
}

// WithdrawRequest ends a request of a client that waits.
func (s *Service) WithdrawRequest(ctx context.Context, client, id string) (Request, error) {
	r, err := s.waiting(ctx, id)
	if err != nil {
		return Request{}, err
	}
	if r.Client != client {
		return Request{}, noRequest(id)
	}
	return s.decide(ctx, id, store.RequestWithdrawn, "", audit.RequestWithdrawn)
}

// AddRequest stores what a client asks operators for. kind names the field.
func (s *Service) AddRequest(ctx context.Context, c *auth.Client, id, kind string, wanted ClientFields) (Request, error) {
	b, err := json.Marshal(wanted)
	if err != nil {
		return Request{}, err
	}
	row := store.AccountRequest{ID: id, Client: c.ID, Contract: c.Contract, Kind: kind, Wanted: b, State: store.RequestWaiting, Created: s.now()}
	shown, err := RequestOf(&row)
	if err != nil {
		return Request{}, err
	}
	return shown, s.store.AddAccountRequest(ctx, row, "request "+id+": "+shown.Line())
}
