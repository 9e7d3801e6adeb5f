package api

import (
	"errors"
	"net/http"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// kickOff starts an export (Bulk Data Access IG, "Bulk Data Kick-off Request").
func kickOff(a *API, w http.ResponseWriter, r *http.Request, c call) error {
	if group := r.PathValue("contract"); group != "" && group != c.client.Contract {
		return refuse(http.StatusForbidden, fhir.CodeForbidden, "This client may export contract %s only: ask for Group/%s/$export or Patient/$export.",
			c.client.Contract, c.client.Contract)
	}
	contract, err := a.Intake.Entitled(r.Context(), c.client.Contract)
	if err != nil {
		return err
	}
	p, faults := parseParams(r.URL.RawQuery, r.Header.Values("Prefer"), c.version, a.Now())
	if len(faults) > 0 {
		return &refusal{status: http.StatusBadRequest, issues: faults}
	}
	j, err := a.Intake.Accept(r.Context(), export.Request{
		Contract: contract, Client: c.client.ID, MaxJobs: c.client.MaxJobs, Version: c.version,
		URL: a.origin(r) + r.URL.RequestURI(), Since: p.since, Until: p.until, Notes: p.notes,
	})
	var busy *export.Busy
	if errors.As(err, &busy) {
		return a.busy(r, c, busy)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Location", a.statusURL(r, c.version, j.ID))
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusAccepted)
	return nil
}
