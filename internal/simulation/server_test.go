package simulation_test

import (
	"context"
	"net/http"
	"time"

	"ab2d/internal/api"
	"ab2d/internal/auth"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
)

const (
	origin     = "http://127.0.0.1:8080"
	authServer = "aus2r7y3gdaFMKBol297"
	baseURL    = origin + "/api/v2/fhir"
	tokenURL   = origin + "/oauth2/" + authServer + "/v1/token"
)

// server is the API in a process.
type server struct{ handler http.Handler }

// callers names the caller of each call of a server: the request it is for.
func (p *process) of(ctx context.Context) *engine {
	actor, _ := ctx.Value(actorKey{}).(string)
	if actor == "" {
		actor = p.name
	}
	return &engine{caller{p, actor}}
}

// serveAPI starts the API in a process.
func (w *world) serveAPI(p *process) {
	keys, err := auth.OpenKeyRing(context.Background(), w.db, w.seal(), p.now)
	if err != nil {
		w.judge.fail("open the signing keys: %v", err)
		return
	}
	issuer := origin + "/oauth2/" + authServer
	responder := rest.NewResponder(w.log, p.now, w.db)
	jobs := requestJobs{p}
	c := api.Config{
		Intake: &export.Intake{Jobs: jobs, Roster: requestRoster{p}, Source: p.source(), Notifier: export.NewNotifier(), Now: p.now}, Jobs: jobs,
		Deliveries: requestDeliveries{p}, List: w.db, Fresh: w.db, Files: &processFiles{caller{p, p.name}},
		Bearer: &auth.Checker{Issuer: issuer, Clients: w.db, Keys: keys, Now: p.now}, Maintenance: w.db, Audit: w.db, Responder: responder, Metrics: obs.NewMetrics(),
		Now: p.now, Log: w.log, AuthServer: authServer, MaxDownloads: w.plan.downloads, Software: api.Software{Version: "1.2.3", Date: "2026-01-15"}, V3: api.V3{Disabled: true},
	}
	c.Tokens = &auth.Server{Issuer: issuer, Realm: "ab2d", Clients: w.db, Keys: keys, Now: p.now, Guard: auth.NewGuard(p.now), Assertions: w.db,
		Fetch: auth.NewFetcher(true, p.now), Audit: w.db, Warn: w.log.Warn, Transient: rest.IsTransient,
		Refused: func(*http.Request, *auth.Error) {}, Fault: func(*http.Request, error) {}}
	handler, err := api.New(c)
	if err != nil {
		w.judge.fail("make the API: %v", err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p.api = &server{handler}
}

func (w *world) seal() *auth.Seal {
	s, err := auth.NewSeal(make([]byte, 32))
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// requestJobs are the jobs as requests call them: each by its own name.
type requestJobs struct{ p *process }

func (r requestJobs) of(ctx context.Context) export.Jobs { return r.p.of(ctx) }

func (r requestJobs) Accept(ctx context.Context, j *export.Job, limit int) error {
	return r.of(ctx).Accept(ctx, j, limit)
}
func (r requestJobs) Job(ctx context.Context, id string) (*export.Job, error) {
	return r.of(ctx).Job(ctx, id)
}
func (r requestJobs) Patients(ctx context.Context, id string) ([]coverage.EnrolleeID, error) {
	return r.of(ctx).Patients(ctx, id)
}
func (r requestJobs) Ahead(ctx context.Context, id string) (int, error) {
	return r.of(ctx).Ahead(ctx, id)
}
func (r requestJobs) Base(ctx context.Context, contract string, v fhir.Version) (*export.Job, error) {
	return r.of(ctx).Base(ctx, contract, v)
}
func (r requestJobs) Ended(ctx context.Context, contract string, v fhir.Version, at time.Time) (*export.Job, error) {
	return r.of(ctx).Ended(ctx, contract, v, at)
}
func (r requestJobs) Delete(ctx context.Context, id string) (bool, error) {
	return r.of(ctx).Delete(ctx, id)
}
func (r requestJobs) Files(ctx context.Context, id string) ([]export.File, error) {
	return r.of(ctx).Files(ctx, id)
}
func (r requestJobs) File(ctx context.Context, id, name string) (*export.File, error) {
	return r.of(ctx).File(ctx, id, name)
}

// requestRoster is the roster as requests call it.
type requestRoster struct{ p *process }

func (r requestRoster) of(ctx context.Context) export.Roster { return roster{r.p.of(ctx)} }

func (r requestRoster) Contract(ctx context.Context, number string) (coverage.Contract, error) {
	return r.of(ctx).Contract(ctx, number)
}
func (r requestRoster) Snapshot(ctx context.Context, contract string) (string, error) {
	return r.of(ctx).Snapshot(ctx, contract)
}
func (r requestRoster) Enrollees(ctx context.Context, contract, snapshot string, from coverage.EnrolleeID, limit int) ([]coverage.Enrollee, error) {
	return r.of(ctx).Enrollees(ctx, contract, snapshot, from, limit)
}
func (r requestRoster) Members(ctx context.Context, contract, snapshot string, v fhir.Version, patients []coverage.EnrolleeID) ([]coverage.Enrollee, error) {
	return r.of(ctx).Members(ctx, contract, snapshot, v, patients)
}

// requestDeliveries count downloads.
type requestDeliveries struct{ p *process }

func (r requestDeliveries) BeginDelivery(ctx context.Context, f *export.File, d export.Delivery, limit int, ttl time.Duration) (string, error) {
	e := r.p.of(ctx)
	return do(ctx, e.caller, "BeginDelivery", writes, func(ctx context.Context) (string, error) {
		id, err := e.w.store.BeginDelivery(ctx, f, d, limit, ttl/e.w.scale)
		if err == nil {
			e.w.judge.begun(f, d)
		}
		return id, err
	})
}

func (r requestDeliveries) ExtendDelivery(ctx context.Context, id string, ttl time.Duration) error {
	e := r.p.of(ctx)
	return doing(ctx, e.caller, "ExtendDelivery", writes, func(ctx context.Context) error { return e.w.store.ExtendDelivery(ctx, id, ttl/e.w.scale) })
}

func (r requestDeliveries) EndDelivery(ctx context.Context, id string, f *export.File, d export.Delivery) error {
	e := r.p.of(ctx)
	return doing(ctx, e.caller, "EndDelivery", writes, func(ctx context.Context) error {
		err := e.w.store.EndDelivery(ctx, id, f, d)
		if err == nil {
			e.w.judge.counted(f, d)
		}
		return err
	})
}

func (r requestDeliveries) MarkDamaged(ctx context.Context, f *export.File, damaged bool) error {
	e := r.p.of(ctx)
	if damaged {
		e.w.judge.fail("file %s of job %s is damaged or gone", f.Name, f.Job)
	}
	return doing(ctx, e.caller, "MarkDamaged", writes, func(ctx context.Context) error { return e.w.db.MarkDamaged(ctx, f, damaged) })
}

func (r requestDeliveries) DamagedFiles(ctx context.Context) (int64, error) {
	return r.p.w.db.DamagedFiles(ctx)
}
