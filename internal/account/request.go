package account

import (
	"net/http"
	"time"

	"ab2d/internal/admin"
)

// Request is what the client asks operators for.
type Request struct {
	ID      string             `json:"id"`
	Wanted  admin.ClientFields `json:"wanted"`           // the fields as they are to be
	State   string             `json:"state"`            // waiting, approved, rejected or withdrawn
	Reason  string             `json:"reason,omitempty"` // why it was rejected
	Created time.Time          `json:"created"`
	Decided *time.Time         `json:"decided,omitempty"`
}

func requestOf(r admin.Request) Request {
	return Request{ID: r.ID, Wanted: r.Wanted, State: r.State, Reason: r.Reason, Created: r.Created, Decided: r.Decided}
}

// ask stores a request, which takes the place of one that waits for the same.
func (h *handler) ask(c call, kind string, wanted admin.ClientFields) (int, any, error) {
	r, err := h.Admin.AddRequest(c.Context(), c.client, newID(), kind, wanted)
	if err != nil {
		return 0, nil, err
	}
	h.Warn("a client asks for a change that an operator decides", "client", c.client.ID, "contract", c.client.Contract, "request", r.ID, "wanted", r.Line())
	a, err := h.account(c, c.client)
	return http.StatusAccepted, a, err
}

// ofClient lists the client's newest requests, newest first, in a state or in all for "".
func (h *handler) ofClient(c call, state string, limit int) ([]Request, error) {
	rows, err := h.Admin.Requests(c.Context(), c.client.ID, state, limit)
	list := []Request{}
	for _, r := range rows {
		list = append(list, requestOf(r))
	}
	return list, err
}

// requests answers with the client's newest requests.
func (h *handler) requests(c call) (int, any, error) {
	n, err := c.limitOf()
	if err != nil {
		return 0, nil, err
	}
	list, err := h.ofClient(c, "", n)
	return http.StatusOK, list, err
}

// withdraw ends a request that waits.
func (h *handler) withdraw(c call) (int, any, error) {
	r, err := h.Admin.WithdrawRequest(c.Context(), c.client.ID, c.PathValue("request"))
	return http.StatusOK, requestOf(r), err
}
