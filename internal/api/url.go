package api

import (
	"net/http"

	"ab2d/internal/fhir"
)

// origin is where the client reaches this server: scheme and host.
func (a *API) origin(r *http.Request) string {
	if a.PublicURL != "" {
		return a.PublicURL
	}
	return a.Proxies.Origin(r)
}

// baseURL is the FHIR base of a version.
func (a *API) baseURL(r *http.Request, v fhir.Version) string {
	return a.origin(r) + "/api/" + v.String() + "/fhir"
}

func (a *API) statusURL(r *http.Request, v fhir.Version, job string) string {
	return a.baseURL(r, v) + "/Job/" + job + "/$status"
}

func (a *API) fileURL(r *http.Request, v fhir.Version, job, name string) string {
	return a.baseURL(r, v) + "/Job/" + job + "/file/" + name
}
