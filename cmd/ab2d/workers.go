package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"ab2d/internal/api"
	"ab2d/internal/audit"
	"ab2d/internal/encryption"
	"ab2d/internal/export"
	"ab2d/internal/faultsim"
	"ab2d/internal/mirror"
	"ab2d/internal/obs"
	"ab2d/internal/store"
	"ab2d/internal/tracing"
)

// workers are what a process needs to work on exports: the back ends, and the
// workers on them.
type workers struct {
	db        *store.DB
	files     export.Files
	ring      *encryption.Ring // nil: nothing is encrypted
	source    source
	notifier  *export.Notifier
	checks    []api.Check
	workers   []*export.Worker
	now       func() time.Time // the database's clock
	clock     *export.ClockWatch
	mirror    *mirror.Mirror // nil for none
	log       *slog.Logger
	metrics   *obs.Metrics
	traces    *tracing.Sender // nil: none are sent
	retention retentionConfig
	profiled  func() error // writes the profiles; nil without --profiles
}

// openWorkers opens the back ends and makes the workers.
func openWorkers(ctx context.Context, c *workConfig, s streams) (*workers, error) {
	log, err := obs.NewLogger(s.err, c.LogFormat, c.LogLevel)
	if err != nil {
		return nil, &usageError{err}
	}
	w := &workers{notifier: export.NewNotifier(), log: log, metrics: obs.NewMetrics(), retention: c.retentionConfig}
	if c.Profiles != "" {
		if w.profiled, err = obs.Profile(c.Profiles); err != nil {
			return nil, fmt.Errorf("--profiles=%s: %w", c.Profiles, err)
		}
	}
	if w.traces, err = tracing.Open(ctx, log, version, processName()); err != nil {
		return nil, &usageError{err}
	}
	if w.db, err = openStore(ctx, &c.stateConfig); err != nil {
		return nil, err
	}
	if err := w.db.Attach(ctx); err != nil {
		return nil, errors.Join(err, w.db.Close())
	}
	w.now = w.db.Now
	w.clock = &export.ClockWatch{Clock: w.db, Limit: c.Lease, Log: log}
	if err := w.clock.Measure(ctx); err != nil {
		return nil, errors.Join(err, w.db.Close())
	}
	filesCheck, err := w.openFiles(ctx, c)
	if err != nil {
		return nil, errors.Join(err, w.db.Close())
	}
	w.source = openClaims(c, w.db, w.now)
	w.checks = []api.Check{{Name: "database", Ping: w.db.Ping}, filesCheck, {Name: "clock", Ping: w.clock.Check}, {Name: "audit", Ping: w.db.PingAudit}}
	if w.ring != nil {
		w.checks = append(w.checks, api.Check{Name: "encryption", Ping: w.ring.Check})
	}
	w.measure(c)
	w.makeWorkers(c)
	if c.mirrors() {
		if w.mirror, err = c.Mirror.open(w.db, log, nil); err != nil {
			return nil, errors.Join(err, w.db.Close())
		}
	}
	return w, nil
}

// openFiles opens the store of result files, and the keys that encrypt them.
func (w *workers) openFiles(ctx context.Context, c *workConfig) (check api.Check, err error) {
	if w.ring, err = openRing(audit.With(ctx, &audit.Facts{Actor: "schedule"}), &c.encryptionConfig, w.db); err != nil {
		return check, err
	}
	w.db.EncryptWith(w.ring)
	w.files, check, err = openFiles(c.Files, w.ring)
	return check, err
}

// measure lets the metrics tell of the back ends.
func (w *workers) measure(c *workConfig) {
	w.metrics.Build(version)
	w.metrics.Pools(w.db.Pools())
	w.metrics.Read(w.log, w.db.Readings)
	w.metrics.Disk("data", c.Data)
	if dir, ok := strings.CutPrefix(c.Files, "dir:"); ok {
		w.metrics.Disk("files", dir)
	}
}

func (w *workers) makeWorkers(c *workConfig) {
	settings := export.DefaultSettings()
	settings.Lease, settings.Retention = c.Lease, c.Retention
	claims := export.Claims(w.source)
	if c.Sandbox {
		claims = faultsim.Claims{Claims: claims}
	}
	for i := range c.Workers {
		w.workers = append(w.workers, &export.Worker{
			Name: fmt.Sprintf("%s/%d", processName(), i+1), Queue: w.db, Jobs: w.db, Ledgers: w.db, Roster: w.source, Claims: claims, Source: w.source.Source(),
			Files: w.files, Notifier: w.notifier, Now: w.now, Log: w.log, Metrics: w.metrics, Tracer: w.traces.Tracer(), Settings: settings, Ready: w.clock.Check,
		})
	}
}

// clockEvery is between two comparisons of this machine's clock with the
// database's.
const clockEvery = 10 * time.Second

// sourcesEvery is between two looks for jobs that wait for another source.
const sourcesEvery = 10 * time.Second

// orphansEvery is between two looks for files that belong to no job.
const orphansEvery = 10 * time.Minute

// close closes what was opened.
func (w *workers) close() error {
	var err error
	if w.profiled != nil {
		err = w.profiled()
	}
	w.traces.Close()
	return errors.Join(err, w.db.Close())
}

// start starts the workers, and returns how to wait for their end.
func (w *workers) start(ctx context.Context) (wait func()) {
	var all sync.WaitGroup
	for _, worker := range w.workers {
		all.Go(func() { worker.Run(ctx) })
	}
	all.Go(func() { w.clock.Run(ctx, clockEvery) })
	if w.mirror != nil {
		all.Go(func() { w.mirror.Run(ctx) })
	}
	if len(w.workers) > 0 {
		all.Go(func() { w.removeOld(ctx, w.retention) })
		watch := export.SourceWatch{Jobs: w.db, Source: w.source.Source(), Log: w.log}
		all.Go(func() { watch.Run(ctx, sourcesEvery) })
	}
	if stored, ok := w.files.(export.StoredJobs); ok && len(w.workers) > 0 {
		orphans := export.Orphans{Jobs: w.db, Files: stored, Queue: w.db, Log: w.log}
		all.Go(func() { orphans.Run(ctx, orphansEvery) })
	}
	return all.Wait
}
