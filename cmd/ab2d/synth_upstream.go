package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"ab2d/internal/bfd/bfdtest"
	"ab2d/internal/fhir"
	"ab2d/internal/synth"
)

// synthUpstreamCommand is ab2d synth serve-upstream.
type synthUpstreamCommand struct {
	populationConfig
	Contract    string   `help:"Only this contract." placeholder:"NUMBER" env:"-"`
	FHIR        string   `help:"Versions of the claims: stu3, r4, v3 (the claims of AB2D v3), both (stu3 and r4) or all." name:"fhir" enum:"stu3,r4,v3,both,all" default:"all" placeholder:"VERSION" env:"-"`
	Listen      string   `help:"Address to listen on, as host:port. With port 0 the command chooses a free port and prints it. Without TLS, only an address of this machine is allowed." default:"localhost:8090" placeholder:"HOST:PORT" env:"AB2D_UPSTREAM_LISTEN"`
	TLSCert     string   `help:"Serve TLS with this certificate and its chain, in PEM. Also set --tls-key and --tls-client-ca." name:"tls-cert" type:"path" placeholder:"FILE" env:"AB2D_UPSTREAM_TLS_CERT"`
	TLSKey      string   `help:"Private key of the certificate, in PEM." name:"tls-key" type:"path" placeholder:"FILE" env:"AB2D_UPSTREAM_TLS_KEY"`
	TLSClientCA string   `help:"Require client certificates issued by one of these CA certificates, in PEM." name:"tls-client-ca" type:"path" placeholder:"FILE" env:"AB2D_UPSTREAM_TLS_CLIENT_CA"`
	Out         string   `help:"Also write contracts.csv and opt-outs.txt to this directory, for ab2d mirror. It is created if needed." short:"o" type:"path" placeholder:"DIR" env:"-"`
	FailEvery   int      `help:"Make one call in N fail. 0 is never. With 1 every call fails." default:"0" placeholder:"N" env:"-"`
	Faults      []string `help:"How calls fail, separated by commas. Each failure comes once before one comes again, in an order that the seed decides. The default is what a client must survive by itself. The names are: ${faults}." default:"${survivable}" placeholder:"NAMES" env:"-"`
	PageLimit   int      `help:"Claims on a page of version 3 when the client does not say how many it wants." default:"5000" placeholder:"N" env:"-"`
}

// Help is printed with the command's flags.
func (c *synthUpstreamCommand) Help() string {
	return "Answers as BFD does under /v1/fhir, /v2/fhir and /v3/fhir: searches of claims by patient, of people by contract and month (version 1), and of a person by MBI (version 3). " +
		"Claims are computed when they are asked for, so memory does not grow with their number: the enrollment takes about 1 KB for each person."
}

// Run serves until it is stopped.
func (c *synthUpstreamCommand) Run(ctx context.Context, s streams) error {
	faults, err := c.validate()
	if err != nil {
		return err
	}
	_, set, err := c.dataset(c.Contract)
	if err != nil {
		return err
	}
	stand, err := bfdtest.NewOnDemand(set, c.AsOf, c.versions()...)
	if err != nil {
		return err
	}
	stand.SetLimit(c.PageLimit)
	stand.SetPlan(bfdtest.Plan{Every: c.FailEvery, Faults: faults, Seed: c.Seed})
	if err := c.writeTables(set); err != nil {
		return err
	}
	listener, url, err := c.listen(ctx, s)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, c.welcome(url, set, stand))
	if err := serveUntil(ctx, listener, stand, s); err != nil {
		return err
	}
	n := stand.Counts()
	fmt.Fprintf(s.out, "Stopped after %d calls, of which %d were made to fail.\n", n.Calls, n.Failed)
	return nil
}

// validate reports all faults of the arguments at once.
func (c *synthUpstreamCommand) validate() ([]bfdtest.Fault, error) {
	var wrong []error
	add := func(is bool, format string, args ...any) {
		if is {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	host, err := listenHost(c.Listen)
	add(err != nil, "%w", err)
	plain := c.TLSCert == "" && c.TLSKey == "" && c.TLSClientCA == ""
	add(!plain && (c.TLSCert == "" || c.TLSKey == "" || c.TLSClientCA == ""), "--tls-cert, --tls-key and --tls-client-ca: set all three or none")
	ip := net.ParseIP(host)
	add(err == nil && plain && host != "localhost" && (ip == nil || !ip.IsLoopback()),
		"--listen=%s: without TLS it must be an address of this machine, for example localhost:8090; for others set --tls-cert, --tls-key and --tls-client-ca", c.Listen)
	add(c.FailEvery < 0, "--fail-every=%d: must be 0 or more", c.FailEvery)
	add(c.PageLimit < 1, "--page-limit=%d: must be 1 or more", c.PageLimit)
	faults, err := bfdtest.ParseFaults(c.Faults...)
	add(err != nil, "--faults: %w", err)
	if len(wrong) > 0 {
		return nil, &usageError{errors.Join(wrong...)}
	}
	return faults, nil
}

// versions are those whose claims are wanted.
func (c *synthUpstreamCommand) versions() (list []fhir.Version) {
	for _, v := range fhir.Versions() {
		if wantsClaims(c.FHIR, v) {
			list = append(list, v)
		}
	}
	return list
}

// listen opens the port, with TLS if it is asked for.
func (c *synthUpstreamCommand) listen(ctx context.Context, s streams) (net.Listener, string, error) {
	var settings *tls.Config
	scheme := "http"
	if c.TLSCert != "" {
		files := tlsConfig{TLSCert: c.TLSCert, TLSKey: c.TLSKey, TLSClientCA: c.TLSClientCA}
		var err error
		if settings, err = files.settings(slog.New(slog.NewTextHandler(s.err, nil))); err != nil {
			return nil, "", err
		}
		settings.NextProtos = []string{"http/1.1"}
		scheme = "https"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, "", fmt.Errorf("listen on %s: %w (another server may use the port; --listen=localhost:0 chooses a free one)", c.Listen, err)
	}
	host, _, _ := net.SplitHostPort(c.Listen) // validate has checked it
	if host == "" {
		host = "localhost"
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String()) // it is one of this machine
	if settings != nil {
		listener = tls.NewListener(listener, settings)
	}
	return listener, scheme + "://" + net.JoinHostPort(host, port), nil
}

// welcome tells what is served, and how to mirror it.
func (c *synthUpstreamCommand) welcome(url string, set *synth.Dataset, stand *bfdtest.Server) string {
	people := 0
	for _, number := range set.Contracts() {
		people += len(stand.People(number))
	}
	var names []string
	for _, v := range c.versions() {
		names = append(names, v.String())
	}
	tables := "--contracts=FILE (--out=DIR writes the file)"
	if c.Out != "" {
		tables = fmt.Sprintf("--contracts=%s --opt-outs=%s", filepath.Join(c.Out, contractsFile), filepath.Join(c.Out, optOutsFile))
	}
	return fmt.Sprintf("The stand-in for BFD is ready at %s, with %s of %s in %s as of %s. Mirror it with: ab2d mirror --source=%s --versions=%s %s",
		url, english.Plural(people, "enrollee", ""), strings.Join(set.Contracts(), ", "), strings.Join(names, ", "), moment(c.AsOf), url, strings.Join(names, ","), tables)
}

// The files that BFD does not serve, as ab2d synth names them.
const (
	contractsFile = "contracts.csv"
	optOutsFile   = "opt-outs.txt"
)

// writeTables writes what BFD does not serve, if it is asked for.
func (c *synthUpstreamCommand) writeTables(set *synth.Dataset) error {
	if c.Out == "" {
		return nil
	}
	if err := os.MkdirAll(c.Out, 0o777); err != nil {
		return fmt.Errorf("create the directory (--out=%s): %w", c.Out, err)
	}
	return errors.Join(createFile(filepath.Join(c.Out, contractsFile), false, set.WriteContracts),
		createFile(filepath.Join(c.Out, optOutsFile), false, set.WriteOptOuts))
}

// serveUntil serves until ctx is done. Answers under way may take some seconds more.
func serveUntil(ctx context.Context, listener net.Listener, h http.Handler, s streams) error {
	const patience = 3 * time.Second
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(s.err, "ab2d: ", 0), BaseContext: func(net.Listener) context.Context { return calls },
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if srv.Shutdown(grace) == nil {
		return nil
	}
	cut() // answers that wait for the client to give up
	return srv.Close()
}
