package main

import (
	"context"
	"errors"
	"time"
)

// workerCommand is ab2d worker.
type workerCommand struct {
	workConfig
	Mirror      mirrorConfig `embed:"" prefix:"mirror-"`
	ClaimsFrom  string       `help:"Source of enrollment and claims: store: (what was imported) or synthetic: (computed from the seed)." name:"claims" default:"store:" placeholder:"ADDRESS"`
	Monitor     string       `help:"Address on which the process answers GET /health, /health/live and /metrics, as host:port. The default is none." placeholder:"HOST:PORT"`
	WorkersHere int          `help:"Number of workers in this process. The default is one for each processor." name:"workers" default:"${processors}" placeholder:"N"`
}

// Run works until it is stopped; parts under way are handed back.
func (c *workerCommand) Run(ctx context.Context, s streams) error {
	c.Claims, c.Workers = c.ClaimsFrom, c.WorkersHere
	c.workConfig.Mirror = &c.Mirror
	c.complete()
	var f faults
	c.validate(&f)
	f.add(c.Workers == 0, "--workers=0: must be 1 or more")
	f.add(c.local() != "", "%s cannot be shared with the server's process: set --database=postgres://... and --files=s3://...", c.local())
	if err := f.err(); err != nil {
		return err
	}
	w, err := openWorkers(ctx, &c.workConfig, s)
	if err != nil {
		return err
	}
	began := time.Now()
	stopMonitor := func() {}
	if c.Monitor != "" {
		m, err := openMonitor(ctx, c.Monitor, w)
		if err != nil {
			return errors.Join(err, w.close())
		}
		stopMonitor = m.start(w.log)
	}
	startLine(w.log, "worker", &c.workConfig, "monitor", c.Monitor)
	c.announce(s, "%d AB2D workers are running\n", c.Workers)
	w.start(ctx)()
	stopMonitor()
	err = w.close()
	stopLine(w.log, began, err)
	return err
}
