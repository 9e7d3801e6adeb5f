package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// JobList lists jobs and their files. Safe for concurrent use.
type JobList interface {
	// List gives the newest jobs of a contract, newest first, at most limit.
	List(ctx context.Context, contract string, limit int) ([]*export.Job, error)
	// ListFiles gives what a manifest has of the files of a completed job: kind,
	// number, name, count, length and SHA-256, by kind and number.
	ListFiles(ctx context.Context, id string) ([]export.File, error)
	// ListPage gives the same of the files of a page: claim files by number, and on
	// the final page the others by kind and number.
	ListPage(ctx context.Context, id string, p export.Page) ([]export.File, error)
}

// The bounds of _count, and what it is when it is not given.
const (
	maxListed = 200
	listed    = 50
)

// jobList lists the contract's jobs, newest first, as a Bundle of Tasks.
func jobList(a *API, w http.ResponseWriter, r *http.Request, c call) error {
	limit, err := countParam(r, maxListed, listed)
	if err != nil {
		return err
	}
	jobs, err := a.List.List(r.Context(), c.client.Contract, limit)
	if err != nil {
		return err
	}
	b := fhir.Bundle{ResourceType: "Bundle", Type: "searchset", Entry: make([]fhir.BundleEntry, 0, len(jobs))}
	if len(jobs) < limit {
		n := len(jobs)
		b.Total = &n
	}
	for _, j := range jobs {
		b.Entry = append(b.Entry, fhir.BundleEntry{FullURL: "urn:uuid:" + j.ID, Resource: a.task(r, c, j)})
	}
	return rest.WriteJSON(w, http.StatusOK, fhir.TypeFHIR, b)
}

// countParam reads _count, which may be up to most and is usual when it is not given.
func countParam(r *http.Request, most, usual int) (int, error) {
	s := r.URL.Query().Get("_count")
	if s == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		return 0, rest.Errorf(http.StatusBadRequest, fhir.CodeValue, "The _count %s is not a number from 1 to %d. Write for example _count=10, or leave it out for %d.",
			rest.Quoted(s), most, usual)
	}
	return n, nil
}

// task is a job as FHIR's Task. Its URLs are of the version that has the job.
func (a *API) task(r *http.Request, c call, j *export.Job) fhir.Task {
	if j.State == export.Completed && !a.Now().Before(j.Expires) {
		j.State = export.Expired // a worker will say so in a moment
	}
	t := fhir.Task{
		Version: c.version, ID: j.ID, Authored: j.TransactionTime, Modified: latestOf(j.TransactionTime, j.Started, j.Finished), Started: j.Started, Ended: j.Finished,
		Request: j.Request, StatusURL: a.statusURL(r, pathVersion(c.version, j.Version), j.ID), Reason: j.Reason,
	}
	switch j.State {
	case export.Accepted:
		t.Status, t.Business = "requested", "queued"
	case export.Running:
		t.Status, t.Business = "in-progress", fmt.Sprintf("%d%% complete", j.Percent())
	case export.Completed, export.Expired:
		t.Status, t.Business = "completed", string(j.State)
	case export.Failed:
		t.Status, t.Business = "failed", "failed"
	case export.Canceled:
		t.Status, t.Business = "cancelled", "deleted"
	}
	return t
}

func latestOf(times ...time.Time) (latest time.Time) {
	for _, t := range times {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}
