package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"ab2d"

	"ab2d/docs"
	"ab2d/internal/account"
	"ab2d/internal/admin"
	"ab2d/internal/api"
	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/export"
	"ab2d/internal/obs"
	"ab2d/internal/rest"
	"ab2d/internal/synth"
	"ab2d/internal/web"
)

// server is an API with any number of workers.
type server struct {
	*workers
	listener net.Listener
	http     *http.Server
	hosts    func(http.Handler) http.Handler // rejects other hosts than the server's
	url      string                          // where this machine reaches it
	drain    time.Duration
	stopping atomic.Bool
	keys     *auth.KeyRing
	tokens   *auth.Server
	rotate   time.Duration   // how old the signing key may become
	lifetime time.Duration   // of tokens
	sponsors []synth.Sponsor // whose published credentials the pages show
}

// openServer puts a server together. It listens, but does not answer yet.
func openServer(ctx context.Context, c *config, s streams) (_ *server, err error) {
	c.complete()
	if err := c.validate(); err != nil {
		return nil, err
	}
	srv := &server{drain: c.Drain, rotate: c.RotateKeys, lifetime: c.TokenLifetime}
	if err := srv.listen(ctx, c); err != nil {
		return nil, err
	}
	if srv.workers, err = openWorkers(ctx, &c.workConfig, s); err != nil {
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
		return fmt.Errorf("listen on %s: %w (another server may use the port; --listen=localhost:0 chooses a free one)", c.Listen, err)
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
	if c.TLSCert != "" {
		s.url = "https" + strings.TrimPrefix(s.url, "http")
	}
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
	seal, err := openSeal(&c.stateConfig, &c.keyConfig)
	if err != nil {
		return err
	}
	if s.keys, err = auth.OpenKeyRing(audit.With(ctx, &audit.Facts{Actor: "schedule"}), s.db, seal, s.now); err != nil {
		return err
	}
	proxies, err := obs.ParseProxies(c.TrustedProxies)
	if err != nil {
		return err
	}
	fetch := auth.NewFetcher(c.FetchPrivate, s.now)
	responder := rest.NewResponder(s.log, s.now, s.db)
	clients := auth.Clients(productionClients{s.db})
	if c.Sandbox {
		clients = sandboxClients{s.db}
	}
	s.tokens = s.tokenServer(c, issuer, clients, fetch, responder)
	config := api.Config{
		Intake: &export.Intake{Jobs: s.db, Roster: s.source, Source: s.source.Source(), Notifier: s.notifier, Now: s.now, Removed: s.db}, Jobs: s.db, Deliveries: s.db, List: s.db, Fresh: s.source, Files: s.files,
		Tokens: s.tokens, Maintenance: s.db, Audit: s.db, Responder: responder, Metrics: s.metrics, Tracer: s.traces.Tracer(), Now: s.now, Log: s.log,
		Bearer:     &auth.Checker{Issuer: issuer, Clients: clients, Keys: s.keys, Now: s.now, Outside: s.outside(c, fetch)},
		AuthServer: c.AuthServer, Address: rest.Address{PublicURL: c.PublicURL, Proxies: proxies}, Origins: c.CORSOrigins,
		MaxDownloads: c.MaxDownloads, MaxPolls: c.MaxPolls, RateFactor: c.ClientRateFactor, Checks: append(s.checks, api.Check{Name: "serving", Ping: s.serving, Always: true}),
		Software: api.Software{Version: version, Date: released},
		V3: api.V3{Disabled: !c.V3, EarliestSince: c.V3EarliestSince, Contract: func(ctx context.Context, number string) (bool, error) {
			return s.db.V3(ctx, number, c.Sandbox)
		}},
	}
	if err := s.addAdministration(c, &config, fetch); err != nil {
		return err
	}
	if c.Sandbox {
		simulateFailures(&config, c.DefaultSince)
	}
	a, err := api.New(config)
	if err != nil {
		return err
	}
	s.http = &http.Server{
		Handler: a, ConnContext: api.ConnContext, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
	}
	s.limitConnections(c, proxies)
	s.hosts = func(next http.Handler) http.Handler { return knownHosts(c, proxies, next) }
	if c.TLSCert != "" {
		return s.serveTLS(&c.tlsConfig)
	}
	return nil
}

// tokenServer makes the token endpoint.
func (s *server) tokenServer(c *config, issuer string, clients auth.Clients, fetch *auth.Fetcher, responder *rest.Responder) *auth.Server {
	return &auth.Server{
		Issuer: issuer, Realm: "ab2d", Lifetime: c.TokenLifetime, Clients: clients, Keys: s.keys, Now: s.now,
		Guard: auth.NewGuard(s.now), Assertions: s.db, Fetch: fetch, Audit: countedTokens{s.db, s.metrics}, Warn: s.log.Warn, Transient: rest.IsTransient, Rate: api.TokenRate(c.ClientRateFactor, s.now),
		Refused: func(r *http.Request, e *auth.Error) {
			s.metrics.TokenAnswered(e.Code)
			responder.AuditRejection(r, e.Status, e.Code)
		},
		Fault: func(r *http.Request, err error) {
			s.log.Error("token endpoint", "request", obs.RequestID(r.Context()), "error", err)
		},
	}
}

// countedTokens counts the tokens whose audit entries pass through it.
type countedTokens struct {
	audit.Log
	metrics *obs.Metrics
}

// Record counts a token once its entry is durable.
func (c countedTokens) Record(ctx context.Context, e audit.Entry) error {
	err := c.Log.Record(ctx, e)
	if err == nil && e.Event == audit.TokenGranted {
		c.metrics.TokenAnswered("granted")
	}
	return err
}

// addAdministration makes the administration and the account of sponsors over HTTP.
func (s *server) addAdministration(c *config, to *api.Config, fetch *auth.Fetcher) error {
	var names []string
	for _, w := range s.workers.workers {
		names = append(names, w.Name)
	}
	service, err := admin.New(admin.Config{Store: s.db, Intake: to.Intake, Files: s.files, Now: s.now, Workers: names,
		KeyRing: func(context.Context) (*auth.KeyRing, error) { return s.keys, nil }})
	if err != nil {
		return err
	}
	if c.AdminAPI {
		to.Admin = admin.Handler(service, admin.HandlerConfig{Responder: to.Responder, Origin: to.Address.Origin})
	}
	if !c.Account {
		return nil
	}
	to.Account, err = account.Handler(account.Config{
		Admin: service, Store: s.db, Intake: to.Intake, Bearer: to.Bearer, Proofs: s.tokens, Fetch: fetch, Now: s.now, Warn: s.log.Warn,
		Responder: to.Responder, Origin: to.Address.Origin, Issuer: c.Issuer, Rate: api.AccountRate(c.ClientRateFactor, s.now),
	})
	return err
}

// addPages lets the server answer with the pages for people, too. sponsors are
// those whose credentials they show; nil outside of the sandbox.
func (s *server) addPages(c *config, sponsors []synth.Sponsor) error {
	s.sponsors = sponsors
	proxies, err := obs.ParseProxies(c.TrustedProxies)
	if err != nil {
		return err
	}
	here := "" // where the data of a server is, is for its operator only
	if sponsors != nil {
		here = "--data " + filepath.Base(c.Data)
	}
	s.http.Handler = web.Handler(s.log, func() (web.Settings, error) {
		document, err := api.OpenAPI()
		adminDocument, adminErr := admin.OpenAPI()
		var accountDocument []byte
		var accountErr error
		if c.Account {
			accountDocument, accountErr = account.OpenAPI()
		}
		return web.Settings{
			Sponsors: sponsors, AuthServer: c.AuthServer, PublicURL: c.PublicURL, Proxies: proxies, OpenAPI: document, AdminAPI: adminDocument, AccountAPI: accountDocument, TokenHere: here, Docs: docs.Files, Changelog: ab2d.Changelog, Version: version,
			Log: s.log, Metrics: s.metrics,
		}, errors.Join(err, adminErr, accountErr)
	}, s.http.Handler)
	return nil
}

// abandon closes a server that has not run.
func (s *server) abandon() error {
	return errors.Join(s.listener.Close(), s.db.Close())
}

// outside is the authorization server of somebody else, if there is one.
func (s *server) outside(c *config, fetch *auth.Fetcher) *auth.Outside {
	if c.Issuer == "" {
		return nil
	}
	return &auth.Outside{Issuer: c.Issuer, Audience: c.IssuerAudience, ClientClaim: c.IssuerClient, Leeway: c.IssuerLeeway, Fetch: fetch, Now: s.now}
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
	go s.tendKeys(work)
	s.http.Handler = timelyBodies(s.hosts(s.http.Handler))
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
		s.log.Warn("running responses were cut off", "error", err)
		return s.http.Close()
	}
	return nil
}

// tendKeysEvery is between two looks at the signing keys.
const tendKeysEvery = time.Minute

// tendKeys has new signing keys take the place of old ones, until ctx is done.
func (s *server) tendKeys(ctx context.Context) {
	ctx = audit.With(ctx, &audit.Facts{Actor: "schedule"})
	look := time.NewTicker(tendKeysEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		added, removed, err := s.keys.Tend(ctx, s.rotate, s.lifetime)
		switch {
		case err != nil && ctx.Err() == nil:
			s.log.Error("the signing keys", "error", err)
		case added != "" || len(removed) > 0:
			s.log.Info("the signing keys changed", "added", added, "removed", removed)
		}
	}
}
