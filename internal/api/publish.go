package api

import (
	"net/http"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// bulkPublish answers with the manifest of the contract's latest full export whose
// files can still be had (Bulk Data Access IG, "$bulk-publish").
func bulkPublish(a *API, w http.ResponseWriter, r *http.Request, c call) error {
	if _, err := a.Intake.Entitled(r.Context(), c.client.Contract); err != nil {
		return err
	}
	jobs, err := a.List.List(r.Context(), c.client.Contract, maxListed)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.Version != c.version || !j.Full() || j.State != export.Completed || !a.Now().Before(j.Expires) {
			continue
		}
		m, err := a.manifest(r, c, j)
		if err != nil {
			return err
		}
		w.Header().Set("Expires", j.Expires.UTC().Format(http.TimeFormat))
		return rest.WriteJSON(w, http.StatusOK, "application/json", m)
	}
	return rest.Errorf(http.StatusNotFound, fhir.CodeNotFound, "There is no full export with files among the contract's newest %d jobs. Start one with %s/Patient/$export, without bounds.",
		maxListed, "/api/"+c.version.String()+"/fhir")
}
