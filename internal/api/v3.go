package api

import (
	"context"
	"net/http"
	"time"

	"ab2d/internal/fhir"
	"ab2d/internal/rest"
)

// V3 says who may use version 3 of the API.
type V3 struct {
	Disabled bool // for everybody
	// Contract tells whether version 3 is enabled for a contract. It is required
	// unless Disabled. Safe for concurrent use.
	Contract func(ctx context.Context, number string) (bool, error)
	// EarliestSince is the first _since that is accepted; zero for
	// DefaultEarliestSinceV3.
	EarliestSince time.Time
}

// DefaultEarliestSinceV3 returns the first _since that AB2D accepts in version 3:
// midnight of April 1, 2026 at UTC-5, as AB2D writes it.
func DefaultEarliestSinceV3() time.Time {
	return time.Date(2026, time.April, 1, 0, 0, 0, 0, time.FixedZone("", -5*60*60))
}

// whenV3 lets a request of version 3 through if its contract may use that version.
// It comes before everything else that a request is checked for.
func whenV3(h handler) handler {
	return func(a *API, w http.ResponseWriter, r *http.Request, c call) error {
		if c.version != fhir.V3 {
			return h(a, w, r, c)
		}
		if a.V3.Disabled {
			return rest.Errorf(http.StatusForbidden, fhir.CodeForbidden, "Version 3 of the API is switched off on this server. Use /api/v2/fhir, or ask the operator of the server.")
		}
		enabled, err := a.V3.Contract(r.Context(), c.client.Contract)
		if err != nil {
			return err
		}
		if !enabled {
			return rest.Errorf(http.StatusForbidden, fhir.CodeForbidden, "Version 3 of the API is not enabled for contract %s. Use /api/v2/fhir, or ask the operator of this server to enable it.", c.client.Contract)
		}
		return h(a, w, r, c)
	}
}
