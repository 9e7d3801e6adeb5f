package simulation_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/store"
)

// process is a process that can die. What it has in memory is lost then, and
// nothing that it has begun goes on.
type process struct {
	w      *world
	name   string
	steady bool // nothing happens to it

	dead        bool
	died        chan struct{}
	frozenUntil time.Time
	ctx         context.Context
	cancel      context.CancelFunc
	old         bool          // it is of an older release
	skew        time.Duration // how far its measured time is off
	start       func(p *process)
	api         *server
	db          *store.DB // of its own; nil: the world's
}

// caller is a part of a process that makes calls: a worker, or a request.
type caller struct {
	*process
	actor string
}

// launch starts a process, and starts it again some time after it died.
func (w *world) launch(name string, old bool, start func(p *process)) *process {
	p := &process{w: w, name: name, old: old, died: make(chan struct{}), start: start}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.skew = time.Duration(w.random("clock of "+w.number(name)).IntN(100)-50) * time.Millisecond
	w.mu.Lock()
	w.processes = append(w.processes, p)
	w.mu.Unlock()
	start(p)
	return p
}

// goes runs f in the process.
func (p *process) goes(f func()) {
	p.w.running.Go(f)
}

func (p *process) isDead() bool {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.dead
}

// frozen is how long the process stands still yet.
func (p *process) frozen() time.Duration {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.frozenUntil.Sub(p.w.now())
}

// freeze lets the process stand still.
func (p *process) freeze(d time.Duration) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.frozenUntil = p.w.now().Add(d)
}

// die kills the process. Whoever calls it as part of the process is held until the
// history is over.
func (p *process) die() error {
	p.kill()
	<-p.w.over
	return errOver
}

func (p *process) kill() {
	w := p.w
	w.mu.Lock()
	if p.dead || w.isOver {
		w.mu.Unlock()
		return
	}
	p.dead = true
	close(p.died)
	w.mu.Unlock()
	p.closeDB()
	again := w.number("restart of " + p.name)
	r := w.random(again)
	w.at(time.Duration(r.Int64N(int64(20*time.Second))), again, func() { w.launch(p.name, p.old, p.start) })
}

// closeDB lets nothing of the process reach the database any more.
func (p *process) closeDB() {
	if p.db != nil {
		if err := p.db.Close(); err != nil {
			p.w.judge.fail("close the database: %v", err)
		}
	}
}

// now is the process's time: the database's, as it has measured it.
func (p *process) now() time.Time { return p.w.now().Add(p.skew) }

// source names where enrollment and claims come from. An older release did not say.
func (p *process) source() string {
	if p.old {
		return ""
	}
	return p.w.db.Source()
}

// settings are small, so that few claims make parts and files.
func (w *world) settings() export.Settings {
	s := export.DefaultSettings()
	s.Lease, s.Idle, s.Retention = lease/w.scale, 5*time.Second/w.scale, w.retention()/w.scale
	s.PartEnrollees, s.FileBytes = w.plan.part, w.plan.file
	return s
}

// retention is how long completed jobs are kept: where calls take long, downloads do.
func (w *world) retention() time.Duration { return 2*time.Minute + 300*w.plan.latency }

// work starts the workers of a process.
func (w *world) work(p *process) {
	notifier := export.NewNotifier()
	for i := range w.plan.perWorker {
		name := fmt.Sprintf("%s.%d", p.name, i+1)
		e := &engine{caller: caller{p, name}}
		worker := &export.Worker{
			Name: name, Queue: e, Jobs: e, Ledgers: e, Roster: roster{e}, Claims: claims{e}, Source: w.db.Source(),
			Files: &processFiles{caller{p, name}}, Notifier: notifier, Now: p.now, Log: w.log.With(slog.String("worker", name)), Settings: w.settings(),
		}
		p.goes(func() { worker.Run(p.ctx) })
	}
}
