package main

import (
	"context"
	"errors"
	"fmt"
)

// serveCommand is ab2d serve.
type serveCommand struct {
	config
	ClaimsFrom  string   `help:"Where enrollment and claims come from: store: (what was imported) or synthetic: (computed from the seed)." name:"claims" default:"store:" placeholder:"ADDRESS"`
	Pages       bool     `help:"Serve the pages for people, too: tutorial, API reference, documents, and a page that runs an export in the browser."`
	CORS        []string `help:"Web pages whose scripts may use this API, as https://HOST; * for all. The default is none: sponsors' clients are not web pages." name:"cors-origins" placeholder:"ORIGIN"`
	WorkersHere int      `help:"Parts of exports that this process works on at once. 0 leaves them to ab2d worker. The default is one for each processor." name:"workers" default:"${processors}" placeholder:"N"`
}

// Run serves until it is stopped.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
	c.config.Claims, c.config.Workers = c.ClaimsFrom, c.WorkersHere
	c.CORSOrigins = c.CORS
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
	fmt.Fprintf(s.out, "The AB2D server is ready at %s, with %d workers\n", srv.url, c.Workers)
	return srv.run(ctx)
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
