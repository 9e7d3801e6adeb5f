package main

import (
	"context"
	"errors"
	"time"

	"github.com/dustin/go-humanize/english"
)

// serveCommand is ab2d serve.
type serveCommand struct {
	config
	Mirror      mirrorConfig `embed:"" prefix:"mirror-"`
	ClaimsFrom  string       `help:"Source of enrollment and claims: store: (what was imported) or synthetic: (computed from the seed)." name:"claims" default:"store:" placeholder:"ADDRESS"`
	Pages       bool         `help:"Also serve the web pages: tutorial, API reference, documents, and a page that runs an export in the browser."`
	CORS        []string     `help:"Origins whose web pages can use this API (CORS), as https://HOST; * for all. The default is none." name:"cors-origins" placeholder:"ORIGIN"`
	WorkersHere int          `help:"Number of workers in this process. With 0, ab2d worker processes do all exports. The default is one for each processor." name:"workers" default:"${processors}" placeholder:"N"`
}

// Run serves until it is stopped.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
	c.config.Claims, c.config.Workers = c.ClaimsFrom, c.WorkersHere
	c.CORSOrigins = c.CORS
	c.config.Mirror = &c.Mirror
	srv, err := openServer(ctx, &c.config, s)
	if err != nil {
		return err
	}
	if err := ignoredClients(ctx, srv); err != nil {
		return errors.Join(err, srv.abandon())
	}
	if c.Pages {
		if err := srv.addPages(&c.config, nil); err != nil {
			return errors.Join(err, srv.abandon())
		}
	}
	began := time.Now()
	startLine(srv.log, "serve", &c.workConfig, c.serverSettings(srv.url)...)
	c.announce(s, "The AB2D server is ready at %s, with %s\n", srv.url, english.Plural(c.Workers, "worker", ""))
	err = srv.run(ctx)
	stopLine(srv.log, began, err)
	return err
}

// serverSettings are the settings of a server for its start line.
func (c *serveCommand) serverSettings(url string) []any {
	return []any{"url", url, "publicURL", c.PublicURL, "tls", c.TLSCert != "", "issuer", c.Issuer, "pages", c.Pages, "adminAPI", c.AdminAPI, "v3", c.V3,
		"maxDownloads", c.MaxDownloads, "tokenLifetime", c.TokenLifetime.String(), "rotateKeys", c.RotateKeys.String(), "drain", c.Drain.String(),
		"trustedProxies", c.TrustedProxies}
}

// ignoredClients says which clients of the database the server does not accept.
func ignoredClients(ctx context.Context, srv *server) error {
	clients, err := srv.db.Clients(ctx, "")
	if err != nil {
		return err
	}
	ignored := 0
	for _, c := range clients {
		if c.Sandbox {
			ignored++
		}
	}
	if ignored > 0 {
		srv.log.Warn("clients of a sandbox are ignored: their secrets may be published", "clients", ignored)
	}
	return nil
}
