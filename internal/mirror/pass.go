package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ab2d/internal/export"
	"ab2d/internal/store"
)

// pass begins a pass and works on it until its end. If another pass is open, that one
// is finished first.
func (m *Mirror) pass(ctx context.Context, p store.MirrorPlan, sum *Summary) error {
	p.Source, p.Overlap, p.Complete, p.People = m.Source, m.Overlap, m.Complete, m.People
	if err := m.DB.MirrorDue(ctx, p); err != nil {
		return err
	}
	if err := m.DB.EnsureAllowList(ctx); err != nil && !errors.As(err, new(*store.LoadInProgressError)) {
		return err
	}
	for {
		pass, err := m.DB.BeginMirrorPass(ctx, p)
		if err != nil {
			return err
		}
		if err := m.work(ctx, pass, sum); err != nil {
			return err
		}
		if pass.Version == p.Version {
			return nil
		}
	}
}

// finishOpen finishes a pass that was interrupted.
func (m *Mirror) finishOpen(ctx context.Context, sum *Summary) error {
	passes, err := m.DB.MirrorPasses(ctx, 1)
	if err != nil || len(passes) == 0 || !passes[0].Published.IsZero() {
		return err
	}
	return m.work(ctx, passes[0], sum)
}

// work takes parts of a pass until all are done, and publishes it.
func (m *Mirror) work(ctx context.Context, pass *store.MirrorPass, sum *Summary) error {
	m.Log.Info("a mirror pass", slog.Int64("pass", pass.ID), slog.String("version", pass.Version.String()), slog.Bool("complete", pass.Complete),
		slog.Int64("people", pass.People), slog.Int("parts", pass.Parts), slog.Int("done", pass.Done))
	var moved atomic.Int64 // when something was read last, in milliseconds
	moved.Store(m.DB.Now().UnixMilli())
	g, working := errgroup.WithContext(ctx)
	for i := range m.Workers {
		name := fmt.Sprintf("%s/mirror-%d", m.Name, i+1)
		g.Go(func() error { return m.takeParts(working, pass, name, &moved) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	ended, err := m.DB.MirrorPass(ctx, pass.ID)
	if err != nil {
		return err
	}
	var report Report
	if err := json.Unmarshal([]byte(ended.Report), &report); err != nil {
		return fmt.Errorf("read the report of mirror pass %d: %w", pass.ID, err)
	}
	published, err := m.DB.PublishMirrorPass(ctx, pass, report.auditText())
	if err != nil || !published {
		return err
	}
	took := m.DB.Now().Sub(pass.Started)
	m.Log.Info("a mirror pass has ended", append([]any{slog.Int64("pass", pass.ID), slog.String("version", pass.Version.String()),
		slog.Duration("took", took.Round(time.Millisecond))}, report.attributes()...)...)
	sum.Passes = append(sum.Passes, PassSummary{Version: pass.Version, Complete: pass.Complete, Report: report, Took: took})
	return nil
}

// takeParts takes one part after the other until none is left, its own or that of
// another worker.
func (m *Mirror) takeParts(ctx context.Context, pass *store.MirrorPass, name string, moved *atomic.Int64) error {
	merger, err := m.DB.NewMerger(pass.Load)
	if err != nil {
		return err
	}
	fault := "no part was free"
	for {
		part, err := m.DB.LeaseMirrorPart(ctx, pass.ID, name, m.Lease)
		switch {
		case err == nil:
			if fault, err = m.takePart(ctx, pass, part, merger, moved); err != nil {
				return err
			}
			continue
		case !errors.Is(err, export.ErrNoWork):
			return err
		}
		now, err := m.DB.MirrorPass(ctx, pass.ID)
		if err != nil {
			return err
		}
		if !now.Published.IsZero() || now.Done == now.Parts {
			return nil
		}
		if silent := m.DB.Now().Sub(time.UnixMilli(moved.Load())); silent > m.GiveUp {
			return unreachable(silent, fault)
		}
		if err := wait(ctx, partWait); err != nil {
			return err
		}
	}
}

// partWait is between two looks for a part that is free.
const partWait = 100 * time.Millisecond

// takePart reads a part under its lease. What fails is the part's and is returned as
// text; the error is one that ends the pass.
func (m *Mirror) takePart(ctx context.Context, pass *store.MirrorPass, part *store.MirrorPart, merger *store.Merger, moved *atomic.Int64) (fault string, err error) {
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := m.heartbeat(work, cancel, part)
	p := &partReader{m: m, pass: pass, part: part, merger: merger, moved: moved}
	err = p.run(work)
	stop()
	if errors.Is(context.Cause(work), export.ErrLeaseLost) {
		err = export.ErrLeaseLost
	}
	after := context.WithoutCancel(ctx)
	switch {
	case err == nil:
		err = m.DB.FinishMirrorPart(after, part)
	case ctx.Err() != nil:
		return "", errors.Join(context.Cause(ctx), ignoreLost(m.DB.ReleaseMirrorPart(after, part, "", time.Time{})))
	}
	switch {
	case err == nil || errors.Is(err, export.ErrLeaseLost):
		return "", nil // whoever has the part reads what is left of it
	case !isUpstream(err):
		return "", errors.Join(err, ignoreLost(m.DB.ReleaseMirrorPart(after, part, faultOf(err), m.DB.Now())))
	}
	fault = faultOf(err)
	m.Log.Warn("a part of a mirror pass waits for the upstream server", slog.Int64("pass", pass.ID), slog.Int("part", part.Number), slog.Any("error", err))
	return fault, ignoreLost(m.DB.ReleaseMirrorPart(after, part, fault, m.DB.Now().Add(m.pause(part.Failures, maxPartPause))))
}

// maxPartPause is the longest pause before a part is tried again.
const maxPartPause = 5 * time.Minute

// ignoreLost leaves out the error of a lease that somebody else has.
func ignoreLost(err error) error {
	if errors.Is(err, export.ErrLeaseLost) {
		return nil
	}
	return err
}

// heartbeat extends a lease until stop is called, and cancels the work when the lease
// is lost.
func (m *Mirror) heartbeat(ctx context.Context, cancel context.CancelCauseFunc, part *store.MirrorPart) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(m.Lease / 4)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := m.DB.ExtendMirrorPart(ctx, part, m.Lease)
			if errors.Is(err, export.ErrLeaseLost) {
				cancel(err)
				return
			}
			if err != nil && ctx.Err() == nil { // storing asks for the lease again
				m.Log.Warn("the lease of a part of a mirror pass was not extended", slog.Any("error", err))
			}
		}
	}()
	return func() { close(quit); <-done }
}
