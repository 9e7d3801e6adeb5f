package api

import (
	"context"
	"net/http"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// Freshness tells how fresh a contract's data is. Safe for concurrent use.
type Freshness interface {
	// Freshness is as of now, for one version of the API. What there is
	// nothing to tell of is zero.
	Freshness(ctx context.Context, contract string, v fhir.Version) (export.Freshness, error)
	// ReadUpTo is that of export.Claims.
	ReadUpTo(ctx context.Context, v fhir.Version, snapshot string) (time.Time, error)
}

// dataStatus tells how fresh the data is, so that a sponsor can see whether a
// new export is worth while, and how far what it gets reaches.
func dataStatus(a *API, w http.ResponseWriter, r *http.Request, c call) error {
	f, err := a.Fresh.Freshness(r.Context(), c.client.Contract, c.version)
	if err != nil {
		return err
	}
	p := fhir.Parameters{ResourceType: "Parameters", Parameter: []fhir.Parameter{{Name: "contract", ValueString: c.client.Contract}}}
	instant := func(name string, t time.Time) {
		if !t.IsZero() {
			p.Parameter = append(p.Parameter, fhir.Parameter{Name: name, ValueInstant: fhir.FormatInstant(t)})
		}
	}
	instant("enrollment", f.Enrollment)
	if !f.Enrollment.IsZero() {
		p.Parameter = append(p.Parameter, fhir.Parameter{Name: "enrollees", ValueInteger: &f.Enrollees})
	}
	instant("lastLoad", f.LastLoad)
	instant("newestClaim", f.NewestClaim)
	if instant("upstreamRead", f.UpstreamRead); !f.UpstreamRead.IsZero() {
		p.Parameter = append(p.Parameter, fhir.Parameter{Name: "unread", ValueInteger: &f.Unread})
	}
	return rest.WriteJSON(w, http.StatusOK, fhir.TypeFHIR, p)
}
