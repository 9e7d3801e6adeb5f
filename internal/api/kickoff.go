package api

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// kickOff starts an export (Bulk Data Access IG, "Bulk Data Kick-off Request").
func kickOff(a *API, w http.ResponseWriter, r *http.Request, c call) error {
	if group := r.PathValue("contract"); group != "" && group != c.client.Contract {
		return rest.Errorf(http.StatusForbidden, fhir.CodeForbidden, "This client can export only contract %s. Use Group/%s/$export or Patient/$export.",
			c.client.Contract, c.client.Contract)
	}
	contract, err := a.Intake.Entitled(r.Context(), c.client.Contract)
	if err != nil {
		return err
	}
	p, err := a.params(w, r, c)
	if err != nil {
		return err
	}
	j, err := a.Intake.Accept(r.Context(), export.Request{
		Contract: contract, Client: c.client.ID, MaxJobs: c.client.MaxJobs, Version: c.version, Key: p.key,
		URL: a.origin(r) + r.URL.RequestURI(), Since: p.since, Until: p.until, ServiceDates: p.filters, Elements: p.elements, Partial: p.partial,
		Patients: p.patients, Strict: p.strict, Nothing: p.nothing, Notes: p.notes,
	})
	var limit *export.JobLimitError
	if errors.As(err, &limit) {
		return a.jobLimitReached(r, c, limit)
	}
	var unknown *export.UnknownPatientsError
	if errors.As(err, &unknown) {
		return patientsRejected(contract.Number, unknown)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Location", a.statusURL(r, c.version, j.ID))
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// retryAtJobLimit is the Retry-After, in seconds, while the contract has as many
// running jobs as it may have.
const retryAtJobLimit = 5

// jobLimitReached names the running jobs.
func (a *API) jobLimitReached(r *http.Request, c call, limit *export.JobLimitError) *rest.Error {
	e := rest.Errorf(http.StatusTooManyRequests, fhir.CodeThrottled, "The contract has reached its limit of running exports (%d). "+
		"Wait until one completes, or cancel one. Content-Location names them.", len(limit.Running))
	var locations []string
	for _, j := range limit.Running {
		locations = append(locations, a.statusURL(r, pathVersion(c.version, j.Version), j.ID))
	}
	e.Header = map[string]string{"Retry-After": strconv.Itoa(retryAtJobLimit), "Content-Location": strings.Join(locations, ", ")}
	return e
}

// params reads all that a kick-off says of itself.
func (a *API) params(w http.ResponseWriter, r *http.Request, c call) (params, error) {
	values, faults, err := valuesOf(w, r)
	if err != nil {
		return params{}, err
	}
	p, more := parseParams(&reader{version: c.version, sinceV3: a.V3.EarliestSince, now: a.Now(), wanted: parseHandling(r.Header.Values("Prefer")),
		posted: r.Method == http.MethodPost, values: values})
	faults = append(faults, more...)
	if keys := r.Header.Values("Idempotency-Key"); len(keys) > 1 || len(keys) == 1 && !visible.MatchString(keys[0]) {
		faults = append(faults, fhir.ErrorIssue(fhir.CodeInvalid, fmt.Sprintf("The Idempotency-Key %s is not 1 to 255 visible ASCII characters. "+
			"Send a new UUID with each export that you start, and the same one only to ask again.", rest.Quoted(strings.Join(keys, ", ")))))
	} else if len(keys) == 1 {
		p.key = keys[0]
	}
	if len(faults) > 0 {
		return params{}, &rest.Error{Status: http.StatusBadRequest, Issues: faults}
	}
	return p, nil
}

// visible is what an Idempotency-Key consists of, by which a client says that it
// asks for the same thing again (draft-ietf-httpapi-idempotency-key-header).
var visible = regexp.MustCompile(`^[!-~]{1,255}$`)
