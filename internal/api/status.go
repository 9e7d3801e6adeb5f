package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// ownJob finds the job that the path names, if it is one of the client's
// contract. Somebody else's is not there, as one that never was.
func (a *API) ownJob(r *http.Request, c call) (*export.Job, error) {
	id, err := uuid.Parse(r.PathValue("job"))
	if err != nil {
		return nil, noJob(r)
	}
	j, err := a.Jobs.Job(r.Context(), id.String())
	if errors.Is(err, export.ErrNoJob) || err == nil && (j.Contract != c.client.Contract || pathVersion(c.version, j.Version) != c.version) {
		return nil, noJob(r)
	}
	if err == nil {
		obs.LinkSpan(r.Context(), j.Trace)
	}
	if err == nil && j.State == export.Completed && !a.Now().Before(j.Expires) {
		j.State = export.Expired // a worker will say so in a moment
	}
	return j, err
}

// entitledJob finds the client's job, if its contract has its attestation
// still: it is asked for with every status and every file.
func (a *API) entitledJob(r *http.Request, c call) (*export.Job, error) {
	j, err := a.ownJob(r, c)
	if err != nil {
		return nil, err
	}
	_, err = a.Intake.Entitled(r.Context(), c.client.Contract)
	return j, err
}

func noJob(r *http.Request) *rest.Error {
	return rest.Errorf(http.StatusNotFound, fhir.CodeNotFound, "There is no job %s. Its id is in the Content-Location of the response to $export.",
		rest.Quoted(r.PathValue("job")))
}

// ended tells of a job that has no result any more, or never had one; nil for
// any other.
func ended(j *export.Job) *rest.Error {
	switch j.State {
	case export.Canceled:
		return rest.Errorf(http.StatusNotFound, fhir.CodeDeleted, "The job was deleted, and its files with it. To get the claims, start a new export.")
	case export.Expired:
		return rest.Errorf(http.StatusGone, fhir.CodeExpired, "The job expired on %s, and its files were deleted. To get the claims, start a new export.",
			j.Expires.Format(time.RFC1123))
	case export.Failed:
		return rest.Errorf(http.StatusInternalServerError, fhir.CodeException, "The export failed. %s", j.Reason)
	}
	return nil
}

// status tells how far a job is (Bulk Data Access IG, "Bulk Data Status Request").
func status(a *API, w http.ResponseWriter, r *http.Request, c call) error {
	j, err := a.entitledJob(r, c)
	if err != nil {
		return err
	}
	if e := ended(j); e != nil {
		return e
	}
	number, err := pageNumber(r, j)
	if err != nil {
		return err
	}
	if number == 1 { // the other pages are read one after the other, at once
		if wait, ok := a.polls.Take(j.ID, a.Now()); !ok {
			return tooOften(wait)
		}
	}
	switch page, there := j.Page(number); {
	case there:
		return a.page(w, r, c, j, number, page)
	case j.State == export.Completed && !j.Partial:
		return a.completed(w, r, c, j)
	case j.State == export.Completed:
		return noPage(strconv.Itoa(number))
	}
	if err := a.setProgress(w, r, j); err != nil {
		return err
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// setProgress sets the headers of a job under way.
func (a *API) setProgress(w http.ResponseWriter, r *http.Request, j *export.Job) error {
	progress, retry, err := a.progress(r.Context(), j)
	if err != nil {
		return err
	}
	w.Header().Set("X-Progress", progress)
	w.Header().Set("Retry-After", strconv.Itoa(retry))
	return nil
}

// The bounds of Retry-After, in seconds.
const (
	soonest = 1
	latest  = 30
)

// progress says how far a job under way is, and in how many seconds to look
// again: when about half of the remaining time has gone.
func (a *API) progress(ctx context.Context, j *export.Job) (string, int, error) {
	if j.State == export.Accepted {
		ahead, err := a.Jobs.Ahead(ctx, j.ID)
		if err != nil || ahead == 0 {
			return "0% complete", soonest, err
		}
		jobs := "jobs"
		if ahead == 1 {
			jobs = "job"
		}
		return fmt.Sprintf("0%% complete (queued, %d %s ahead)", ahead, jobs), min(soonest+ahead, latest), nil
	}
	percent := j.Percent()
	retry := soonest
	if percent > 0 {
		remaining := a.Now().Sub(j.Started) * time.Duration(100-percent) / time.Duration(percent)
		retry = min(max(int(remaining.Seconds()/2), soonest), latest)
	}
	return fmt.Sprintf("%d%% complete", percent), retry, nil
}

// completed answers with the manifest. Its Expires header is the real one.
func (a *API) completed(w http.ResponseWriter, r *http.Request, c call, j *export.Job) error {
	m, err := a.manifest(r, c, j)
	if err != nil {
		return err
	}
	w.Header().Set("Expires", j.Expires.UTC().Format(http.TimeFormat))
	return rest.WriteJSON(w, http.StatusOK, "application/json", m)
}

// manifest lists the files of a completed job.
func (a *API) manifest(r *http.Request, c call, j *export.Job) (fhir.Manifest, error) {
	files, err := a.List.ListFiles(r.Context(), j.ID)
	if err != nil {
		return fhir.Manifest{}, err
	}
	m, err := a.listing(r, c, j, files)
	m.Extension[fhir.ExtensionTotals] = totals(j)
	return m, err
}

// listing is a manifest of some files of a job. In version 3 it also has outcome, as
// later editions of Bulk Data do.
func (a *API) listing(r *http.Request, c call, j *export.Job, files []export.File) (fhir.Manifest, error) {
	m := fhir.Manifest{
		TransactionTime: fhir.FormatInstant(j.TransactionTime), Request: j.Request, RequiresAccessToken: true,
		Output: make([]fhir.ManifestFile, 0, len(files)), Deleted: []fhir.ManifestFile{}, Error: []fhir.ManifestFile{}, Extension: map[string]any{},
	}
	upstream, err := a.Fresh.ReadUpTo(r.Context(), j.Version, j.Snapshot)
	if err != nil && !errors.Is(err, export.ErrNoSnapshot) { // the job may be of another source
		return m, err
	}
	if !upstream.IsZero() {
		m.Extension[fhir.ExtensionUpstreamRead] = fhir.FormatInstant(upstream)
	}
	for _, f := range files {
		entry := fhir.ManifestFile{
			Type: resourceType, URL: a.fileURL(r, c.version, j.ID, f.Name), Count: f.Count, FileSize: f.Length,
			Extension: []fhir.Extension{fhir.Checksum(f.SHA256), fhir.Count(fhir.ExtensionFileLength, f.Length)},
		}
		switch f.Kind {
		case export.Errors:
			entry.Type = "OperationOutcome"
			m.Error = append(m.Error, entry)
		case export.Deleted:
			entry.Type = "Bundle"
			m.Deleted = append(m.Deleted, entry)
		default:
			m.Output = append(m.Output, entry)
		}
	}
	if c.version == fhir.V3 {
		m.Outcome = m.Error
	}
	return m, nil
}

// totals say how every enrollee of the job ended.
func totals(j *export.Job) fhir.Totals {
	t := j.Totals
	return fhir.Totals{
		Enrollees: t.Enrollees(), Delivered: t.Delivered, NoClaims: t.NoClaims, OptedOut: t.OptedOut, NoIdentifier: t.NoIdentifier, NotRead: t.NotRead,
		Claims: t.Claims, ClaimsWithoutDates: t.NoDates(),
	}
}
