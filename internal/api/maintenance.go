package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"ab2d/internal/fhir"
	"ab2d/internal/rest"
	"ab2d/internal/store"
)

// Maintenance tells whether new exports are taken.
type Maintenance interface {
	// Maintenance gives the one that is on, or nil. What others have set is
	// seen at once. Safe for concurrent use.
	Maintenance(ctx context.Context) (*store.Maintenance, error)
}

// retryMaintenance is how long to wait while nobody has said how long the
// maintenance takes, in seconds.
const retryMaintenance = 300

// longestRetry is as long as a client is ever told to wait.
const longestRetry = 24 * time.Hour

// whenOpen lets a request through that starts an export, unless there is
// maintenance. What was started goes on, and its files can be fetched.
func whenOpen(h handler) handler {
	return func(a *API, w http.ResponseWriter, r *http.Request, c call) error {
		m, err := a.Maintenance.Maintenance(r.Context())
		if err != nil {
			return err
		}
		if m == nil {
			return h(a, w, r, c)
		}
		retry, text := retryMaintenance, "This server is under maintenance and takes no new exports."
		if left := m.Until.Sub(a.Now()); left > 0 {
			retry = int((min(left, longestRetry) + time.Second - 1) / time.Second)
			text += " It is expected to take them again at " + fhir.FormatInstant(m.Until) + "."
		}
		if m.Message != "" {
			text += " " + m.Message
		}
		f := rest.Errorf(http.StatusServiceUnavailable, fhir.CodeTransient, "%s", text)
		f.Header = map[string]string{"Retry-After": strconv.Itoa(retry)}
		return f
	}
}

// serverStatus tells everybody whether new exports are taken. maintenanceMode is
// a string, as AB2D has it.
func serverStatus(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	m, err := a.Maintenance.Maintenance(r.Context())
	if err != nil {
		return err
	}
	answer := map[string]string{"maintenanceMode": "false"}
	if m != nil {
		answer["maintenanceMode"] = "true"
		if m.Message != "" {
			answer["message"] = m.Message
		}
		if !m.Until.IsZero() {
			answer["until"] = fhir.FormatInstant(m.Until)
		}
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	return rest.WriteJSON(w, http.StatusOK, "application/json", answer)
}
