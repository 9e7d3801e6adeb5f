package api

import (
	"fmt"
	"net/http"
	"strconv"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// pageNumber reads which page of the manifest is asked for: the first without a page.
func pageNumber(r *http.Request, j *export.Job) (int, error) {
	query := r.URL.Query()
	if !query.Has("page") || !j.Partial {
		return 1, nil
	}
	n, err := strconv.Atoi(query.Get("page"))
	if err != nil || n < 1 {
		return 0, noPage(rest.Quoted(query.Get("page")))
	}
	return n, nil
}

// noPage is the error for a page that a completed job does not have.
func noPage(number string) *rest.Error {
	return rest.Errorf(http.StatusNotFound, fhir.CodeNotFound, "The manifest has no page %s. Follow its links from the first page, at the address of the status without page.", number)
}

// page answers with a page of the manifest, of a job that may be under way (Bulk Data
// Access IG 3.0.0, "allowPartialManifests"). The status code is that of the job.
func (a *API) page(w http.ResponseWriter, r *http.Request, c call, j *export.Job, number int, page export.Page) error {
	files, err := a.List.ListPage(r.Context(), j.ID, page)
	if err != nil {
		return err
	}
	m, err := a.listing(r, c, j, files)
	if err != nil {
		return err
	}
	if page.Next {
		m.Link = []fhir.ManifestLink{{Relation: "next", URL: fmt.Sprintf("%s?page=%d", a.statusURL(r, c.version, j.ID), number+1)}}
	}
	if page.Final {
		m.Extension[fhir.ExtensionTotals] = totals(j)
	}
	code := http.StatusOK
	if j.State == export.Completed {
		w.Header().Set("Expires", j.Expires.UTC().Format(http.TimeFormat))
	} else {
		code = http.StatusAccepted
		if err := a.setProgress(w, r, j); err != nil {
			return err
		}
	}
	return rest.WriteJSON(w, code, "application/json", m)
}
