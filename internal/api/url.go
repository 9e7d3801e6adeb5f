package api

import (
	"net/http"

	"ab2d/internal/fhir"
)

func (a *API) origin(r *http.Request) string { return a.Address.Origin(r) }

// baseURL is the FHIR base of a version.
func (a *API) baseURL(r *http.Request, v fhir.Version) string {
	return a.origin(r) + "/api/" + v.String() + "/fhir"
}

// pathVersion is the version in the address of a job: jobs of version 3 are at
// version 3 only, and those of versions 1 and 2 at both of these, at which they
// are asked for.
func pathVersion(asked, job fhir.Version) fhir.Version {
	if asked == fhir.V3 || job == fhir.V3 {
		return job
	}
	return asked
}

func (a *API) statusURL(r *http.Request, v fhir.Version, job string) string {
	return a.baseURL(r, v) + "/Job/" + job + "/$status"
}

func (a *API) fileURL(r *http.Request, v fhir.Version, job, name string) string {
	return a.baseURL(r, v) + "/Job/" + job + "/file/" + name
}
