package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

// Check is something without which this server cannot work.
type Check struct {
	Name string // shown to everybody
	Ping func(context.Context) error
	// Always says that the check costs nothing, and is made anew for each request.
	Always bool
}

const (
	// healthTime bounds a check.
	healthTime = 3 * time.Second
	// healthFresh is how long the result of a check is used.
	healthFresh = 5 * time.Second
)

// checked is the result of a check, which is shared by all requests for a while, so
// that asking for it costs nothing. Safe for concurrent use.
type checked struct {
	busy chan struct{} // full while somebody checks

	mu   sync.Mutex
	at   time.Time
	text string // "ok", or why not
}

// healthOf makes a result for each check, and one for damaged files.
func healthOf(checks []Check) map[string]*checked {
	results := map[string]*checked{}
	for _, c := range checks {
		results[c.Name] = &checked{busy: make(chan struct{}, 1)}
	}
	results[damagedCheck] = &checked{busy: make(chan struct{}, 1)}
	return results
}

// damagedCheck counts damaged result files.
const damagedCheck = "results"

// result returns the result, made anew if it is old. While somebody makes it, the
// old one is used.
func (h *checked) result(ctx context.Context, now time.Time, always bool, check func(context.Context) string) string {
	text, age := h.last(now)
	if !always && text != "" && age < healthFresh {
		return text
	}
	select {
	case h.busy <- struct{}{}:
	default:
		if text != "" {
			return text
		}
		select {
		case h.busy <- struct{}{}: // the first result is there now
		case <-ctx.Done():
			return rest.Reason(ctx.Err())
		}
	}
	defer func() { <-h.busy }()
	if text, age := h.last(now); !always && text != "" && age < healthFresh {
		return text
	}
	text = check(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text, h.at = text, now
	return text
}

func (h *checked) last(now time.Time) (string, time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text, now.Sub(h.at)
}

// ping makes a check. It returns in time, whatever the check waits for.
func (a *API) ping(c Check) func(context.Context) string {
	return func(ctx context.Context) string {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthTime) // others use it, too
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- c.Ping(ctx) }()
		var err error
		select {
		case err = <-done:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err == nil {
			return "ok"
		}
		a.Log.Error("health", "request", obs.RequestID(ctx), "check", c.Name, "error", err)
		return rest.Reason(err)
	}
}

// health tells whether all checks pass, and why not those that do not. Damaged
// result files make the server degraded, which is 200: all others can be had.
func health(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	status, state, checks := http.StatusOK, "ok", map[string]string{}
	for _, c := range a.Checks {
		checks[c.Name] = a.health[c.Name].result(r.Context(), a.Now(), c.Always, a.ping(c))
		if checks[c.Name] != "ok" {
			status, state = http.StatusServiceUnavailable, "failing"
		}
	}
	if status == http.StatusOK {
		damaged := a.health[damagedCheck].result(r.Context(), a.Now(), false, a.damagedFiles)
		if damaged != "ok" {
			state, checks[damagedCheck] = "degraded", damaged
		}
	} else {
		w.Header().Set("Retry-After", strconv.Itoa(int(healthFresh/time.Second)))
	}
	return rest.WriteJSON(w, status, "application/json", map[string]any{"status": state, "checks": checks})
}

// damagedFiles counts the result files that are known to be damaged.
func (a *API) damagedFiles(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	n, err := a.Deliveries.DamagedFiles(ctx)
	if err != nil || n == 0 {
		return "ok"
	}
	return counted(n, "damaged file")
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
