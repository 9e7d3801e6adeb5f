package account

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"ab2d/internal/admin"
	"ab2d/internal/audit"
	"ab2d/internal/rest"
)

// activities are what was done for a contract.
type activities interface {
	// EntriesOf gives a contract's entries, newest first: those before a number, or with
	// 0 the newest; of one event, or of all for "".
	EntriesOf(ctx context.Context, contract string, event audit.Event, before int64, limit int) ([]audit.Link, error)
}

// Page is a part of a list, newest first.
type Page[T any] struct {
	Items []T `json:"items"`
	// Next is the parameter before of the next page. It is missing on the last one.
	Next string `json:"next,omitempty"`
}

// jobs answers with the contract's jobs.
func (h *handler) jobs(c call) (int, any, error) {
	limit, err := c.limitOf()
	if err != nil {
		return 0, nil, err
	}
	before := c.URL.Query().Get("before")
	if before != "" {
		id, err := uuid.Parse(before)
		if err != nil {
			return 0, nil, rest.InvalidField("before", "%s is not the id of a job.", rest.Quoted(before))
		}
		before = id.String()
	}
	list, err := h.Admin.JobsBefore(c.Context(), c.client.Contract, before, limit)
	if err != nil {
		return 0, nil, err
	}
	page := Page[admin.Job]{Items: list}
	for i := range page.Items {
		if who := page.Items[i].Client; strings.HasPrefix(who, "admin ") || strings.HasPrefix(who, "operator ") {
			page.Items[i].Client = operator
		}
	}
	if len(list) == limit {
		page.Next = list[limit-1].ID
	}
	return http.StatusOK, page, nil
}

// operator stands for the names of operators, which are not for sponsors.
const operator = "operator"

// cancel cancels a job of the contract, or deletes a completed one with its files.
func (h *handler) cancel(c call) (int, any, error) {
	id := c.PathValue("job")
	j, err := h.Admin.Job(c.Context(), id)
	if err == nil && j.Contract != c.client.Contract {
		err = rest.NotFound("There is no job %s.", j.ID)
	}
	if err != nil {
		return 0, nil, err
	}
	e, err := h.Admin.CancelJob(c.Context(), j.ID, false)
	return http.StatusOK, e, err
}

// Entry is an entry of the audit log as the sponsor sees it.
type Entry struct {
	Number  int64       `json:"number"`
	Time    string      `json:"time"` // RFC 3339 in UTC
	Event   audit.Event `json:"event"`
	Actor   string      `json:"actor,omitempty"` // "client ID", "operator", "worker"
	From    string      `json:"from,omitempty"`  // the address that a request of a client came from
	Client  string      `json:"client,omitempty"`
	Job     string      `json:"job,omitempty"`
	File    string      `json:"file,omitempty"`
	Bytes   int64       `json:"bytes,omitempty"`
	Status  int         `json:"status,omitempty"` // the HTTP status of a rejected request
	Detail  string      `json:"detail,omitempty"`
	Omitted int64       `json:"omitted,omitempty"` // entries of the same kind that are not in the log
}

// entryOf shows an entry. Names and addresses of operators are not for sponsors.
func entryOf(l audit.Link) (Entry, error) {
	var e audit.Entry
	if err := json.Unmarshal(l.Body, &e); err != nil {
		return Entry{}, fmt.Errorf("read an audit entry: %w", err)
	}
	shown := Entry{Number: e.Number, Time: e.Time, Event: e.Event, Actor: e.Actor, From: e.From, Client: e.Client, Job: e.Job, File: e.File,
		Bytes: e.Bytes, Status: e.Status, Detail: e.Detail, Omitted: e.Omitted}
	switch kind, _, named := strings.Cut(e.Actor, " "); {
	case kind == "client" || e.Actor == "": // "": nobody signed in, as with a wrong secret
	case named:
		shown.Actor, shown.From = operator, ""
	default:
		shown.From = ""
	}
	return shown, nil
}

// downloads answers with the contract's downloads.
func (h *handler) downloads(c call) (int, any, error) { return h.entries(c, audit.DownloadEnded) }

var eventForm = regexp.MustCompile(`^[a-z0-9.-]{0,40}$`)

// audit answers with the contract's part of the audit log.
func (h *handler) audit(c call) (int, any, error) {
	event := c.URL.Query().Get("event")
	if !eventForm.MatchString(event) {
		return 0, nil, rest.InvalidField("event", "%s is not an event, for example token.granted.", rest.Quoted(event))
	}
	return h.entries(c, audit.Event(event))
}

func (h *handler) entries(c call, event audit.Event) (int, any, error) {
	limit, err := c.limitOf()
	if err != nil {
		return 0, nil, err
	}
	var before int64
	if s := c.URL.Query().Get("before"); s != "" {
		if before, err = strconv.ParseInt(s, 10, 64); err != nil || before < 1 {
			return 0, nil, rest.InvalidField("before", "%s is not the number of an entry.", rest.Quoted(s))
		}
	}
	links, err := h.Store.EntriesOf(c.Context(), c.client.Contract, event, before, limit)
	if err != nil {
		return 0, nil, err
	}
	page := Page[Entry]{Items: []Entry{}}
	for _, l := range links {
		e, err := entryOf(l)
		if err != nil {
			return 0, nil, err
		}
		page.Items = append(page.Items, e)
	}
	if len(links) == limit {
		page.Next = strconv.FormatInt(page.Items[limit-1].Number, 10)
	}
	return http.StatusOK, page, nil
}
