package api

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

const (
	// watchEvery is how often a running download is checked: the client may be
	// disabled, the attestation withdrawn or the job canceled meanwhile.
	watchEvery = 2 * time.Second
	// deliveryTTL is how long a delivery stays reserved after its process died.
	deliveryTTL = time.Minute
	// extendEvery is how many checks are between two extensions of that.
	extendEvery = 10
)

// watch reserves the delivery of a file, and breaks it off when the client is
// not entitled to it any more.
type watch struct {
	api    *API
	r      *http.Request
	call   call
	file   *export.File
	sent   *delivery
	id     string // of the reservation; "" for none
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func (a *API) newWatch(r *http.Request, c call, f *export.File, d *delivery) *watch {
	return &watch{api: a, r: r, call: c, file: f, sent: d}
}

// begin reserves the delivery and starts watching it. HEAD delivers nothing.
func (w *watch) begin() (err error) {
	if w.r.Method == http.MethodHead {
		return nil
	}
	obs.CrashPoint("download begins")
	w.api.ranges.begin(w.key(), &w.sent.Delivery, w.api.Now())
	w.id, err = w.api.Deliveries.BeginDelivery(w.r.Context(), w.file, w.sent.Delivery, w.api.MaxDownloads, deliveryTTL)
	obs.CrashPoint("download recorded")
	switch {
	case errors.Is(err, export.ErrDownloadLimit):
		return w.api.downloadLimit(w.file)
	case errors.Is(err, export.ErrDownloading):
		return w.api.downloading(w.file)
	case err != nil:
		return err
	}
	rest.NoDeadline(w.r.Context())
	ctx, cancel := context.WithCancel(w.r.Context())
	w.cancel = cancel
	w.done.Go(func() { w.run(ctx) })
	return nil
}

// key names who downloads what.
func (w *watch) key() string { return w.call.client.ID + " " + w.file.Key }

// run checks the entitlement until ctx is done.
func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if why := w.api.revoked(ctx, w.call.client, w.file.Job); why != "" {
			w.api.Log.Warn("a download was cut off", "request", obs.RequestID(ctx), "job", w.file.Job, "file", w.file.Name, "reason", why)
			w.cut()
			return
		}
		if n%extendEvery == 0 {
			if err := w.api.Deliveries.ExtendDelivery(ctx, w.id, deliveryTTL); err != nil && ctx.Err() == nil {
				w.api.Log.Warn("extend a delivery", "request", obs.RequestID(ctx), "error", err)
			}
		}
	}
}

// cut lets the next write fail. A response that cannot have a deadline, as in a
// test without a network, is not cut.
func (w *watch) cut() {
	if err := http.NewResponseController(w.sent.ResponseWriter).SetWriteDeadline(time.Unix(1, 0)); err != nil {
		w.api.Log.Error("cut a download off", "request", obs.RequestID(w.r.Context()), "error", err)
	}
}

// revoked says why a client may not have a job's files any more; "" if it may.
// While the database does not answer, running downloads go on.
func (a *API) revoked(ctx context.Context, c *auth.Client, job string) string {
	now, err := a.Bearer.Clients.Client(ctx, c.ID)
	switch {
	case errors.Is(err, auth.ErrNoClient):
		return "the client was removed"
	case err == nil && now.ContractDisabled:
		return "the contract was disabled"
	case err == nil && !now.Enabled:
		return "the client was disabled"
	}
	if _, err := a.Intake.Entitled(ctx, c.Contract); errors.Is(err, export.ErrNotAttested) || errors.Is(err, export.ErrNoContract) {
		return "the contract has no attestation"
	}
	if j, err := a.Jobs.Job(ctx, job); errors.Is(err, export.ErrNoJob) || err == nil && !downloadable(j) {
		return "the job was deleted"
	}
	return ""
}

// downloadable tells whether files of a job can be downloaded.
func downloadable(j *export.Job) bool {
	return j.State == export.Completed || j.State == export.Running && j.Partial
}

// end notes what was delivered, so that the file counts as downloaded once all
// of it was. The response is out: the count must not depend on the client's
// patience.
func (w *watch) end() {
	if w.id == "" {
		return
	}
	d := w.sent
	if d.To > d.From && !d.arrived(w.r.Context()) {
		d.To = min(d.To, d.Size-1)
	}
	w.cancel()
	w.done.Wait()
	if d.status >= 400 {
		d.To = d.From
	}
	w.api.Metrics.FileDelivered(d.To - d.From)
	w.api.ranges.end(w.key(), &d.Delivery)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.r.Context()), requestTime)
	defer cancel()
	if err := w.api.Deliveries.EndDelivery(ctx, w.id, w.file, d.Delivery); err != nil {
		w.api.Log.Error("count a download", "request", obs.RequestID(w.r.Context()), "job", w.file.Job, "file", w.file.Name, "error", err)
	}
}
