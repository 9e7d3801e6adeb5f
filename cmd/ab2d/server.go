package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"ab2d/docs"
	"ab2d/internal/api"
	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/obs"
	"ab2d/internal/synth"
	"ab2d/internal/web"
)

// server is an API with any number of workers.
type server struct {
	*works
	listener net.Listener
	http     *http.Server
	url      string // where this machine reaches it
	drain    time.Duration
	stopping atomic.Bool
	metrics  *obs.Metrics
}

// openServer puts a server together. It listens, but does not answer yet.
func openServer(ctx context.Context, c *config, s streams, now func() time.Time) (_ *server, err error) {
	c.complete()
	if err := c.validate(); err != nil {
		return nil, err
	}
	srv := &server{drain: c.Drain}
	if err := srv.listen(ctx, c); err != nil {
		return nil, err
	}
	if srv.works, err = openWorks(ctx, &c.workConfig, s, now); err != nil {
		srv.listener.Close()
		return nil, err
	}
	if err := srv.serveAPI(ctx, c); err != nil {
		srv.listener.Close()
		srv.db.Close()
		return nil, err
	}
	return srv, nil
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

// serveAPI makes the HTTP side. Tokens name the public address as their
// issuer, or else this machine's.
func (s *server) serveAPI(ctx context.Context, c *config) error {
	issuer := c.PublicURL
	if issuer == "" {
		issuer = s.url
	}
	issuer += "/oauth2/" + c.AuthServer
	keys, err := auth.OpenKeyRing(ctx, s.db, s.now)
	if err != nil {
		return err
	}
	proxies, err := obs.ParseProxies(c.TrustedProxies)
	if err != nil {
		return err
	}
	a := &api.API{
		Proxies: proxies, Origins: c.CORSOrigins,
		Intake: &export.Intake{Jobs: s.db, Roster: s.source, Bell: s.bell, Now: s.now}, Jobs: s.db, List: s.db, Fresh: s.source, Files: s.files, AuthServer: c.AuthServer, PublicURL: c.PublicURL,
		Tokens: &auth.Server{Issuer: issuer, Realm: "ab2d", Lifetime: c.TokenLifetime, Clients: s.db, Keys: keys, Now: s.now,
			Fault: func(r *http.Request, err error) {
				s.log.Error("token endpoint", "request", obs.RequestID(r.Context()), "error", err)
			}},
		Bearer:       &auth.Checker{Issuer: issuer, Clients: s.db, Keys: keys, Now: s.now},
		MaxDownloads: c.MaxDownloads, MaxPolls: c.MaxPolls, Checks: append(s.checks, api.Check{Name: "serving", Ping: s.serving}), Software: api.Software{Version: version, Date: released},
		Now: s.now, Log: s.log, Metrics: obs.NewMetrics(),
	}
	if c.Practice {
		a.Practise()
	}
	s.metrics = a.Metrics
	s.metrics.Jobs(s.log, s.db.CountJobs)
	s.http = &http.Server{
		Handler: a.Handler(), ConnContext: api.ConnContext, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	return nil
}

// addPages lets the server answer with the pages for people, too. sponsors are
// those whose credentials they show; nil outside of the sandbox.
func (s *server) addPages(c *config, sponsors []synth.Sponsor) error {
	proxies, err := obs.ParseProxies(c.TrustedProxies)
	if err != nil {
		return err
	}
	document, err := api.OpenAPI()
	if err != nil {
		return err
	}
	site, err := web.New(web.Settings{
		Sponsors: sponsors, AuthServer: c.AuthServer, PublicURL: c.PublicURL, Proxies: proxies, OpenAPI: document, Docs: docs.Files, Version: version,
		Log: s.log, Metrics: s.metrics,
	})
	if err != nil {
		return err
	}
	s.http.Handler = site.Handler(s.http.Handler)
	return nil
}

// abandon closes a server that has not run.
func (s *server) abandon() error {
	return errors.Join(s.listener.Close(), s.db.Close())
}

// errStopping is why a server that stops is not healthy.
var errStopping = errors.New("the server is stopping")

// serving is the check that fails when the server begins to stop, so that
// nobody sends it new requests.
func (s *server) serving(context.Context) error {
	if s.stopping.Load() {
		return errStopping
	}
	return nil
}

// stopPatience is how long answers under way may take when the server stops.
const stopPatience = 10 * time.Second

// run serves until ctx is done, then stops: first it says so, then it takes no
// new requests and finishes the answers under way; parts under way are handed
// back.
func (s *server) run(ctx context.Context) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	wait := s.start(work)
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		s.stopping.Store(true)
		time.Sleep(s.drain)
		err = s.shutdown()
	}
	stopWork()
	wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, s.close())
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
