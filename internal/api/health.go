package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// Check is something without which this server cannot work.
type Check struct {
	Name string // shown to everybody
	Ping func(context.Context) error
}

// healthTime bounds a check.
const healthTime = 5 * time.Second

// health tells whether all checks pass, and names those that do not. Damaged
// result files make the server degraded, which is 200: all others can be had.
func health(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	ctx, cancel := context.WithTimeout(r.Context(), healthTime)
	defer cancel()
	status, checks := http.StatusOK, map[string]string{}
	for _, c := range a.Checks {
		checks[c.Name] = "ok"
		if err := c.Ping(ctx); err != nil {
			a.Log.Error("health", "request", obs.RequestID(ctx), "check", c.Name, "error", err)
			status, checks[c.Name] = http.StatusServiceUnavailable, "failing"
		}
	}
	state := "ok"
	switch damaged, err := a.Deliveries.DamagedFiles(ctx); {
	case status != http.StatusOK:
		state = "failing"
	case err == nil && damaged > 0:
		state, checks["results"] = "degraded", counted(damaged, "damaged file")
	}
	return rest.WriteJSON(w, status, "application/json", map[string]any{"status": state, "checks": checks})
}

// metrics are for Prometheus. They say nothing of contracts, clients or people.
func metrics(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	a.Metrics.ServeHTTP(w, r)
	return nil
}

// live tells that the process answers.
func live(_ *API, w http.ResponseWriter, _ *http.Request, _ call) error {
	return rest.WriteJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ok"})
}

// counted is "1 damaged file" or "3 damaged files".
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
