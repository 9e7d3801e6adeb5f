package api

import (
	"net/http"

	"ab2d/internal/export"
)

// deleteJob cancels a job under way, or deletes a completed one with its files
// (Bulk Data Access IG, "Bulk Data Delete Request"). Afterwards it is gone.
func deleteJob(a *API, w http.ResponseWriter, r *http.Request, c call) error {
	j, err := a.ownJob(r, c)
	if err != nil {
		return err
	}
	if j.State == export.Expired {
		return ended(j)
	}
	moved, err := a.Jobs.Delete(r.Context(), j.ID)
	if err != nil {
		return err
	}
	if !moved {
		j.State = export.Canceled // by now, by somebody else
		return ended(j)
	}
	a.Intake.Notifier.Notify() // for the sweep
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusAccepted)
	return nil
}
