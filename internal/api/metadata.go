package api

import (
	"net/http"

	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// metadata answers with the CapabilityStatement.
func metadata(a *API, w http.ResponseWriter, r *http.Request, c call) error {
	statement := fhir.Capability{
		Version: c.version, BaseURL: a.baseURL(r, c.version), TokenURL: a.origin(r) + "/oauth2/" + a.AuthServer + "/v1/token",
		Software: a.Software.Version, Date: a.Software.Date, CORS: len(a.Origins) > 0,
	}.Statement()
	return rest.WriteJSON(w, http.StatusOK, fhir.TypeFHIR, statement)
}
