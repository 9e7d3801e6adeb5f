package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"ab2d/internal/audit"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// route is one row of the table of routes: what a token needs to use it, and
// which method of Service answers.
type route struct {
	method string
	path   string
	scope  Scope
	handle func(http.ResponseWriter, *http.Request) error
}

// routes returns the table of routes, below Prefix.
func (h *handler) routes() []route {
	return []route{
		{"GET", "/openapi.yaml", ScopeRead, h.document},
		{"GET", "/sponsors", ScopeRead, list(h.Sponsors)},
		{"POST", "/sponsors/{name}/enable", ScopeContract, switched("name", true, h.SetSponsorEnabled)},
		{"POST", "/sponsors/{name}/disable", ScopeContract, switched("name", false, h.SetSponsorEnabled)},
		{"GET", "/contracts", ScopeRead, list(h.Contracts)},
		{"GET", "/contracts/{contract}", ScopeRead, one("contract", h.Contract)},
		{"PUT", "/contracts/{contract}", ScopeContract, change("contract", http.StatusOK, h.PutContract)},
		{"PATCH", "/contracts/{contract}", ScopeContract, change("contract", http.StatusOK, h.ChangeContract)},
		{"POST", "/contracts/{contract}/attest", ScopeContract, change("contract", http.StatusOK, h.Attest)},
		{"POST", "/contracts/{contract}/unattest", ScopeContract, removal("contract", h.Unattest)},
		{"POST", "/contracts/{contract}/enable", ScopeContract, switched("contract", true, h.SetContractEnabled)},
		{"POST", "/contracts/{contract}/disable", ScopeContract, switched("contract", false, h.SetContractEnabled)},
		{"GET", "/clients", ScopeRead, h.clients},
		{"POST", "/clients", ScopeClient, create(h.AddClient)},
		{"GET", "/clients/{client}", ScopeRead, one("client", h.Client)},
		{"PATCH", "/clients/{client}", ScopeClient, change("client", http.StatusOK, h.ChangeClient)},
		{"POST", "/clients/{client}/enable", ScopeClient, switched("client", true, h.SetClientEnabled)},
		{"POST", "/clients/{client}/disable", ScopeClient, switched("client", false, h.SetClientEnabled)},
		{"POST", "/clients/{client}/rotate", ScopeClient, change("client", http.StatusOK, h.RotateSecret)},
		{"DELETE", "/clients/{client}/secrets/{secret}", ScopeClient, h.revokeSecret},
		{"GET", "/requests", ScopeRead, h.requests},
		{"POST", "/requests/{request}/approve", ScopeClient, removal("request", h.ApproveRequest)},
		{"POST", "/requests/{request}/reject", ScopeClient, change("request", http.StatusOK, h.RejectRequest)},
		{"GET", "/jobs", ScopeRead, h.jobs},
		{"POST", "/jobs", ScopeJob, h.startJob},
		{"GET", "/jobs/{job}", ScopeRead, one("job", h.Job)},
		{"DELETE", "/jobs/{job}", ScopeJob, removal("job", h.CancelJob)},
		{"POST", "/jobs/{job}/extend", ScopeJob, change("job", http.StatusOK, h.ExtendJob)},
		{"POST", "/jobs/{job}/verify", ScopeJob, one("job", h.VerifyJob)},
		{"POST", "/files/verify", ScopeJob, list(h.VerifyFiles)},
		{"GET", "/workers", ScopeRead, h.workers},
		{"GET", "/failures", ScopeRead, limited(h.Failures)},
		{"GET", "/troubles", ScopeRead, limited(h.Failures)}, // deprecated: /failures
		{"GET", "/downloads", ScopeRead, limited(h.Downloads)},
		{"GET", "/audit", ScopeRead, h.audit},
		{"GET", "/keys", ScopeRead, list(h.Keys)},
		{"POST", "/keys", ScopeKey, h.rotateKey},
		{"DELETE", "/keys/{key}", ScopeKey, removal("key", h.RemoveKey)},
		{"GET", "/mirror", ScopeRead, list(h.Mirror)},
		{"GET", "/maintenance", ScopeRead, list(h.Maintenance)},
		{"PUT", "/maintenance", ScopeMaintenance, h.startMaintenance},
		{"DELETE", "/maintenance", ScopeMaintenance, list(h.EndMaintenance)},
		{"GET", "/tokens", scopeToken, list(h.Tokens)},
		{"POST", "/tokens", scopeToken, create(h.AddToken)},
		{"DELETE", "/tokens/{token}", scopeToken, removal("token", h.RemoveToken)},
	}
}

type handle = func(http.ResponseWriter, *http.Request) error

// list answers with what get returns.
func list[T any](get func(context.Context) (T, error)) handle {
	return func(w http.ResponseWriter, r *http.Request) error {
		result, err := get(r.Context())
		return respond(w, http.StatusOK, result, err)
	}
}

// limited answers with as many rows as the parameter limit says.
func limited[T any](get func(context.Context, int) (T, error)) handle {
	return func(w http.ResponseWriter, r *http.Request) error {
		n, err := limit(r)
		if err != nil {
			return err
		}
		result, err := get(r.Context(), n)
		return respond(w, http.StatusOK, result, err)
	}
}

// one answers with what the path names.
func one[T any](name string, get func(context.Context, string) (T, error)) handle {
	return func(w http.ResponseWriter, r *http.Request) error {
		result, err := get(r.Context(), r.PathValue(name))
		return respond(w, http.StatusOK, result, err)
	}
}

// create makes something from the body.
func create[In, Out any](put func(context.Context, In) (Out, error)) handle {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := readJSON[In](r)
		if err != nil {
			return err
		}
		out, err := put(r.Context(), in)
		return respond(w, http.StatusCreated, out, err)
	}
}

// change changes what the path names, by the body.
func change[In, Out any](name string, status int, do func(context.Context, string, In) (Out, error)) handle {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := readJSON[In](r)
		if err != nil {
			return err
		}
		out, err := do(r.Context(), r.PathValue(name), in)
		return respond(w, status, out, err)
	}
}

// removal takes something away from what the path names.
func removal(name string, do func(context.Context, string, bool) (Effect, error)) handle {
	return func(w http.ResponseWriter, r *http.Request) error {
		e, err := do(r.Context(), r.PathValue(name), dryRun(r))
		return respond(w, http.StatusOK, e, err)
	}
}

// switched enables or disables what the path names.
func switched(name string, enabled bool, do func(context.Context, string, bool, bool) (Effect, error)) handle {
	return func(w http.ResponseWriter, r *http.Request) error {
		e, err := do(r.Context(), r.PathValue(name), enabled, dryRun(r))
		return respond(w, http.StatusOK, e, err)
	}
}

func (h *handler) workers(w http.ResponseWriter, r *http.Request) error {
	steps, err := h.RunningSteps(r.Context())
	if err == nil && r.URL.Query().Get("idle") == "true" {
		steps = append(steps, h.idle(steps)...)
	}
	return respond(w, http.StatusOK, steps, err)
}

func (h *handler) clients(w http.ResponseWriter, r *http.Request) error {
	clients, err := h.Clients(r.Context(), r.URL.Query().Get("contract"))
	return respond(w, http.StatusOK, clients, err)
}

func (h *handler) requests(w http.ResponseWriter, r *http.Request) error {
	n, err := limit(r)
	if err != nil {
		return err
	}
	list, err := h.Requests(r.Context(), r.URL.Query().Get("client"), r.URL.Query().Get("state"), n)
	return respond(w, http.StatusOK, list, err)
}

func (h *handler) revokeSecret(w http.ResponseWriter, r *http.Request) error {
	e, err := h.RevokeSecret(r.Context(), r.PathValue("client"), r.PathValue("secret"), dryRun(r))
	return respond(w, http.StatusOK, e, err)
}

func (h *handler) jobs(w http.ResponseWriter, r *http.Request) error {
	n, err := limit(r)
	if err != nil {
		return err
	}
	jobs, err := h.Jobs(r.Context(), r.URL.Query().Get("contract"), n)
	return respond(w, http.StatusOK, jobs, err)
}

func (h *handler) startJob(w http.ResponseWriter, r *http.Request) error {
	n, err := readJSON[NewJob](r)
	if err != nil {
		return err
	}
	j, err := h.StartJob(r.Context(), n, actorOf(r.Context()), h.Origin(r))
	return respond(w, http.StatusCreated, j, err)
}

func (h *handler) audit(w http.ResponseWriter, r *http.Request) error {
	n, err := limit(r)
	if err != nil {
		return err
	}
	entries, err := h.AuditEntries(r.Context(), audit.Event(r.URL.Query().Get("event")), n)
	return respond(w, http.StatusOK, entries, err)
}

func (h *handler) rotateKey(w http.ResponseWriter, r *http.Request) error {
	k, err := h.RotateKey(r.Context())
	return respond(w, http.StatusCreated, k, err)
}

func (h *handler) startMaintenance(w http.ResponseWriter, r *http.Request) error {
	f, err := readJSON[MaintenanceFields](r)
	if err != nil {
		return err
	}
	m, err := h.StartMaintenance(r.Context(), f)
	return respond(w, http.StatusOK, m, err)
}

func respond(w http.ResponseWriter, status int, body any, err error) error {
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, status, "application/json", body)
}

// readJSON parses the body. An empty body is {}.
func readJSON[T any](r *http.Request) (body T, err error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return body, rest.Errorf(http.StatusBadRequest, fhir.CodeInvalid, "The body is too large, or ended before it was complete.")
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return body, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return body, rest.Errorf(http.StatusBadRequest, fhir.CodeInvalid, "The body cannot be used: %s.", strings.TrimPrefix(err.Error(), "json: "))
	}
	return body, nil
}

// limit returns how many rows are asked for.
func limit(r *http.Request) (int, error) {
	s := r.URL.Query().Get("limit")
	if s == "" {
		return 50, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxListed {
		return 0, rest.Errorf(http.StatusBadRequest, fhir.CodeInvalid, "limit=%s: give a number from 1 to %d.", rest.Quoted(s), maxListed)
	}
	return n, nil
}

// dryRun tells whether only to describe what would be done.
func dryRun(r *http.Request) bool { return r.URL.Query().Get("dryRun") == "true" }
