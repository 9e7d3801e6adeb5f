package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// AdminJob is a row of the list of jobs.
type AdminJob struct {
	ID        string       `json:"id"`
	Contract  string       `json:"contract"`
	Client    string       `json:"client"` // or who started it
	Version   string       `json:"version"`
	State     export.State `json:"state"`
	Accepted  time.Time    `json:"accepted"`
	Finished  *time.Time   `json:"finished,omitempty"`
	Expires   *time.Time   `json:"expires,omitempty"`
	Percent   int          `json:"percent"`
	Parts     int          `json:"parts"`
	PartsDone int          `json:"partsDone"`
	Enrollees int64        `json:"enrollees"`
	Claims    int64        `json:"claims"`
	Files     int          `json:"files"`
	Bytes     int64        `json:"bytes"`  // uncompressed
	Stored    int64        `json:"stored"` // bytes as they are kept
	Downloads int          `json:"downloads"`
	Reason    string       `json:"reason,omitempty"` // why it failed
}

// JobDetail is all there is to know of a job.
type JobDetail struct {
	*export.Job
	Files    []export.File
	Troubles []store.Trouble
}

// NewJob asks for an export on behalf of a contract.
type NewJob struct {
	Contract string `json:"contract"`
	Version  string `json:"version,omitempty"` // v1 or v2, which is the default
	Since    string `json:"since,omitempty"`   // FHIR instants
	Until    string `json:"until,omitempty"`
}

// Extension asks to keep a completed job longer.
type Extension struct {
	By string `json:"by"` // a duration
}

// AdminTrouble is a step that failed.
type AdminTrouble struct {
	Job      string `json:"job"`
	Step     string `json:"step"`
	Part     int    `json:"part,omitempty"`
	Failures int    `json:"failures"`
	Fault    string `json:"fault"`
}

// AdminLease is a step that a worker works on.
type AdminLease struct {
	Worker string    `json:"worker"`
	Job    string    `json:"job"`
	Part   int       `json:"part,omitempty"`
	Until  time.Time `json:"until"`
}

func adminJobs(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	contract := r.URL.Query().Get("contract")
	if contract != "" && !coverage.ValidContractNumber(contract) {
		return notContract(contract)
	}
	n, err := limit(r)
	if err != nil {
		return err
	}
	jobs, err := a.Admin.DB.List(r.Context(), contract, n)
	if err != nil {
		return err
	}
	var ids []string
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	volumes, err := a.Admin.DB.Volumes(r.Context(), ids)
	if err != nil {
		return err
	}
	list := []AdminJob{}
	for _, j := range jobs {
		list = append(list, adminJobOf(j, volumes[j.ID]))
	}
	return answer(w, http.StatusOK, list)
}

func adminJobOf(j *export.Job, v store.Volume) AdminJob {
	set := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return AdminJob{
		ID: j.ID, Contract: j.Contract, Client: j.Client, Version: j.Version.String(), State: j.State, Accepted: j.TransactionTime,
		Finished: set(j.Finished), Expires: set(j.Expires), Percent: j.Percent(), Parts: j.Parts, PartsDone: j.PartsDone, Enrollees: j.Expected,
		Claims: j.Totals.Claims, Files: v.Files, Bytes: v.Bytes, Stored: v.Stored, Downloads: v.Downloads, Reason: j.Reason,
	}
}

// findJob finds the job that the path names.
func (a *API) findJob(r *http.Request) (*export.Job, error) {
	id, err := uuid.Parse(r.PathValue("job"))
	if err != nil {
		return nil, notFound("There is no job %s.", shown(r.PathValue("job")))
	}
	j, err := a.Admin.DB.Job(r.Context(), id.String())
	if errors.Is(err, export.ErrNoJob) {
		return nil, notFound("There is no job %s.", id)
	}
	return j, err
}

func adminJob(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	j, err := a.findJob(r)
	if err != nil {
		return err
	}
	d := JobDetail{Job: j}
	if d.Files, err = a.Admin.DB.Files(r.Context(), j.ID); err != nil {
		return err
	}
	if d.Troubles, err = a.Admin.DB.Troubles(r.Context(), j.ID); err != nil {
		return err
	}
	return answer(w, http.StatusOK, d)
}

// adminStartJob starts an export for a contract. Its clients find it by its id.
func adminStartJob(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	var n NewJob
	if err := readJSON(r, &n); err != nil {
		return err
	}
	if !coverage.ValidContractNumber(n.Contract) {
		return notContract(n.Contract)
	}
	request, err := a.exportRequest(r, n)
	if err != nil {
		return err
	}
	contract, err := a.Admin.Intake.Entitled(r.Context(), n.Contract)
	if errors.Is(err, export.ErrNoContract) || errors.Is(err, export.ErrNotAttested) {
		return conflict("Contract %s does not exist or has no attestation, and without one there is no data.", n.Contract)
	}
	if err != nil {
		return err
	}
	request.Contract = contract
	clients, err := a.Admin.DB.Clients(r.Context(), n.Contract)
	if err != nil {
		return err
	}
	request.MaxJobs = 1
	for _, c := range clients {
		request.MaxJobs = max(request.MaxJobs, c.MaxJobs)
	}
	j, err := a.Admin.Intake.Accept(r.Context(), request)
	var busy *export.Busy
	if errors.As(err, &busy) {
		return conflict("Contract %s has %d exports under way, and may have no more: %v.", n.Contract, len(busy.Running), busy.Running)
	}
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, adminJobOf(j, store.Volume{}))
}

// exportRequest reads what is asked for. Its URL is the one by which a client
// would have asked.
func (a *API) exportRequest(r *http.Request, n NewJob) (export.Request, error) {
	request := export.Request{Version: fhir.V2, Client: actorOf(r)}
	switch n.Version {
	case "", "v2":
	case "v1":
		request.Version = fhir.V1
	default:
		return request, invalidField("version", "%s is neither v1 nor v2.", shown(n.Version))
	}
	query := url.Values{}
	for _, bound := range []struct {
		name, text string
		to         *time.Time
	}{{"since", n.Since, &request.Since}, {"until", n.Until, &request.Until}} {
		if bound.text == "" {
			continue
		}
		at, err := fhir.ParseInstant(bound.text)
		if err != nil || at.After(a.Now()) || at.Before(export.EarliestSince) {
			return request, invalidField(bound.name, "%s is not a past FHIR instant with a zone from %s on, for example 2025-01-31T00:00:00Z.",
				shown(bound.text), export.EarliestSince.Format(time.DateOnly))
		}
		*bound.to = at
		query.Set("_"+bound.name, bound.text)
	}
	if !request.Since.IsZero() && !request.Until.IsZero() && request.Until.Before(request.Since) {
		return request, invalidField("until", "it is before since.")
	}
	request.URL = a.baseURL(r, request.Version) + "/Patient/$export"
	if len(query) > 0 {
		request.URL += "?" + query.Encode()
	}
	return request, nil
}

func adminCancelJob(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	j, err := a.findJob(r)
	if err != nil {
		return err
	}
	if j.State == export.Cancelled || j.State == export.Expired {
		return conflict("The job is %s already.", j.State)
	}
	volumes, err := a.Admin.DB.Volumes(r.Context(), []string{j.ID})
	if err != nil {
		return err
	}
	v := volumes[j.ID]
	text := fmt.Sprintf("cancel job %s of contract %s, which is %s, and delete its %d files", j.ID, j.Contract, j.State, v.Files)
	return effect(w, r, text, func() error {
		if moved, err := a.Admin.DB.Delete(r.Context(), j.ID); err != nil || moved {
			a.Admin.Intake.Bell.Ring() // for the sweep
			return err
		}
		return conflict("The job ended meanwhile.")
	})
}

func adminExtendJob(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	var e Extension
	if err := readJSON(r, &e); err != nil {
		return err
	}
	by, err := duration("by", e.By, 0)
	if err != nil {
		return err
	}
	if by < time.Second || by > 90*24*time.Hour {
		return invalidField("by", "give a duration of up to 90 days, for example 72h.")
	}
	j, err := a.findJob(r)
	if err != nil {
		return err
	}
	if _, err := a.Admin.DB.KeepLonger(r.Context(), j.ID, by); errors.Is(err, store.ErrNotCompleted) {
		return conflict("The job is %s: only one that is completed has something to keep.", j.State)
	} else if err != nil {
		return err
	}
	return adminJob(a, w, r, call{})
}

func adminWorkers(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	leases, err := a.Admin.DB.Leases(r.Context())
	if err != nil {
		return err
	}
	list := []AdminLease{}
	for _, l := range leases {
		list = append(list, AdminLease{Worker: l.Worker, Job: l.Job, Part: l.Part, Until: l.Until})
	}
	return answer(w, http.StatusOK, list)
}

func adminTroubles(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	n, err := limit(r)
	if err != nil {
		return err
	}
	troubles, jobs, err := a.Admin.DB.RecentTroubles(r.Context(), n)
	if err != nil {
		return err
	}
	list := []AdminTrouble{}
	for _, job := range jobs {
		for _, t := range troubles[job] {
			list = append(list, AdminTrouble{Job: job, Step: string(t.Step), Part: t.Part, Failures: t.Failures, Fault: t.Fault})
		}
	}
	return answer(w, http.StatusOK, list)
}
