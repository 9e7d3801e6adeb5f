package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"ab2d/internal/api"
	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/obs"
	"ab2d/internal/store"
)

// server is a whole server: API and workers.
type server struct {
	db       *store.DB
	listener net.Listener
	http     *http.Server
	workers  []*export.Worker
	log      *slog.Logger
	url      string // where this machine reaches it
}

// openServer puts a server together. It listens, but does not answer yet.
func openServer(ctx context.Context, c *config, s streams, now func() time.Time) (_ *server, err error) {
	c.complete()
	if err := c.validate(); err != nil {
		return nil, err
	}
	srv := &server{}
	defer func() {
		if err != nil {
			srv.close()
		}
	}()
	if srv.log, err = obs.NewLogger(s.err, c.LogFormat, c.LogLevel); err != nil {
		return nil, &usageError{err}
	}
	if err := srv.listen(ctx, c); err != nil {
		return nil, err
	}
	if srv.db, err = openStore(ctx, c, now); err != nil {
		return nil, err
	}
	resultFiles, filesCheck, err := openFiles(c)
	if err != nil {
		return nil, err
	}
	claims, err := openClaims(c, now)
	if err != nil {
		return nil, err
	}
	if err := addSandboxClients(ctx, srv.db, c.MaxJobs); err != nil {
		return nil, err
	}
	intake := &export.Intake{Jobs: srv.db, Roster: claims, Bell: export.NewBell(), Now: now}
	srv.startWorkers(c, intake, claims, resultFiles)
	return srv, srv.serveAPI(ctx, c, intake, resultFiles, []api.Check{{Name: "database", Ping: srv.db.Ping}, filesCheck})
}

// listen takes the port, before anything is written.
func (s *server) listen(ctx context.Context, c *config) (err error) {
	s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (another server may have the port; --listen=localhost:0 takes a free one)", c.Listen, err)
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return err
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "localhost"
	}
	_, port, err := net.SplitHostPort(s.listener.Addr().String())
	s.url = "http://" + net.JoinHostPort(host, port)
	return err
}

// startWorkers makes the workers; run starts them.
func (s *server) startWorkers(c *config, intake *export.Intake, claims source, resultFiles export.Files) {
	settings := export.DefaultSettings()
	settings.Lease, settings.Retention = c.Lease, c.Keep
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	for i := range c.Workers {
		s.workers = append(s.workers, &export.Worker{
			Name: fmt.Sprintf("%s/%d/%d", host, os.Getpid(), i+1), Queue: s.db, Jobs: s.db, Roster: claims, Claims: claims,
			Files: resultFiles, Bell: intake.Bell, Now: intake.Now, Log: s.log, Settings: settings,
		})
	}
}

// serveAPI makes the HTTP side. Tokens name the public address as their
// issuer, or else this machine's.
func (s *server) serveAPI(ctx context.Context, c *config, intake *export.Intake, resultFiles export.Files, checks []api.Check) error {
	issuer := c.PublicURL
	if issuer == "" {
		issuer = s.url
	}
	issuer += "/oauth2/" + c.AuthServer
	keys, err := auth.OpenKeyRing(ctx, s.db, intake.Now)
	if err != nil {
		return err
	}
	a := &api.API{
		Intake: intake, Jobs: s.db, Files: resultFiles, AuthServer: c.AuthServer, PublicURL: c.PublicURL,
		Tokens: &auth.Server{Issuer: issuer, Realm: "ab2d", Lifetime: c.TokenLifetime, Clients: s.db, Keys: keys, Now: intake.Now,
			Fault: func(r *http.Request, err error) {
				s.log.Error("token endpoint", "request", obs.RequestID(r.Context()), "error", err)
			}},
		Bearer:       &auth.Checker{Issuer: issuer, Clients: s.db, Keys: keys, Now: intake.Now},
		MaxDownloads: c.MaxDownloads, Checks: checks, Software: api.Software{Version: version, Date: released},
		Now: intake.Now, Log: s.log,
	}
	s.http = &http.Server{
		Handler: a.Handler(), ConnContext: api.ConnContext, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	return nil
}

// stopPatience is how long answers under way may take when the server stops.
const stopPatience = 10 * time.Second

// run serves until ctx is done, then stops: no new requests, answers under way
// are finished, parts under way are handed back.
func (s *server) run(ctx context.Context) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var workers sync.WaitGroup
	for _, w := range s.workers {
		workers.Go(func() { w.Run(work) })
	}
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		err = s.shutdown()
	}
	stopWork()
	workers.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, s.db.Close())
}

func (s *server) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn("answers under way were cut off", "error", err)
		return s.http.Close()
	}
	return nil
}

// close gives up a server that was not run.
func (s *server) close() {
	if s.listener != nil {
		s.listener.Close()
	}
	if s.db != nil {
		s.db.Close()
	}
}
