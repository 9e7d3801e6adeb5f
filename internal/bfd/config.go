package bfd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ab2d/internal/fhir"
)

// Config says where BFD is and how to treat it. The zero value of a bound is its
// default.
type Config struct {
	// Bases are the base URLs, for example https://bfd.example/v2/fhir. Only https,
	// or http at a loopback address.
	Bases map[fhir.Version]string
	// LinkHosts are other hosts that links to next pages can name, for example hosts
	// behind a proxy. They are never called.
	LinkHosts []string
	// Certificate and Key are PEM files with the client's certificate. Authorities is a
	// PEM file with the certificate authorities of the server; if it is empty, those of
	// the system count. The files are read again when they change.
	Certificate, Key, Authorities string
	// PKCS12 is a file with the certificate and the key, in place of Certificate and
	// Key. PKCS12Password is a file whose first line is its password; the password is
	// empty if this is empty. Both are read again when they change.
	PKCS12, PKCS12Password string
	// ClientID and JobID are sent as BULK-CLIENTID and BULK-JOBID, which BFD logs.
	ClientID, JobID string

	PageSize     int           // claims of a page that the client asks for; 0 leaves it to the server
	PeoplePage   int           // people of a page; 4,000
	MaxPageBytes int64         // of a page, uncompressed; 256 MiB
	MaxPages     int           // of one search; 10,000
	InFlight     int           // calls to a host at the same time; 8
	PerSecond    float64       // calls to a host that begin in a second; 0 is without bound
	Deadline     time.Duration // of a call, with the time in which its resources are taken; 5 minutes
	Tries        int           // of a page; 6
	MinPause     time.Duration // after the first failure, doubled from one to the next; 1 s
	MaxPause     time.Duration // between tries; 1 minute
	RetryFor     time.Duration // after which a page is not tried again; 10 minutes
	BreakAfter   int           // failures in a row of a host, after which it is left alone; 10
	Cooldown     time.Duration // for which it is left alone; 30 s

	Log *slog.Logger // what is tried again, and files that cannot be read; nil for none

	// For tests; nil for the real ones. A Transport takes the place of the files.
	Transport http.RoundTripper
	Now       func() time.Time
	Sleep     func(context.Context, time.Duration) error
	Random    func() float64 // from 0 to 1
}

// Client calls BFD. It is safe for concurrent use.
type Client struct {
	config Config
	bases  map[fhir.Version]*base
	http   *http.Client
}

// base is where a version is.
type base struct {
	url   *url.URL // ends in a slash
	hosts []string // that its links may name
	gate  *gate    // one for each host
}

// New checks the configuration and reads the files that it names. It calls no server.
func New(c Config) (*Client, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("configuration of BFD: %w", err)
	}
	client := &Client{config: c, bases: map[fhir.Version]*base{}}
	gates := map[string]*gate{}
	for v, text := range c.Bases {
		u, err := parseBase(v, text)
		if err != nil {
			return nil, fmt.Errorf("configuration of BFD: base URL of %s: %w", v, err)
		}
		if gates[u.Host] == nil {
			gates[u.Host] = newGate(&client.config)
		}
		client.bases[v] = &base{url: u, hosts: append([]string{u.Host}, c.LinkHosts...), gate: gates[u.Host]}
	}
	transport := c.Transport
	if transport == nil {
		t, err := newTransport(&client.config)
		if err != nil {
			return nil, fmt.Errorf("configuration of BFD: %w", err)
		}
		transport = t
	}
	client.http = &http.Client{
		Transport: transport,
		// A redirect would lead a request with an identifier elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, nil
}

// Close closes the connections that no call uses. The client can still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// complete checks bounds, and puts defaults in.
func (c *Config) complete() error {
	if len(c.Bases) == 0 {
		return errors.New("no base URL")
	}
	if (c.Certificate == "") != (c.Key == "") {
		return errors.New("set Certificate and Key together")
	}
	switch {
	case c.PKCS12 != "" && c.Certificate != "":
		return errors.New("set a PKCS#12 file, or a certificate and a key, and not both")
	case c.PKCS12 == "" && c.PKCS12Password != "":
		return errors.New("a PKCS#12 password needs a PKCS#12 file")
	}
	bounds := []float64{
		float64(c.PageSize), float64(c.PeoplePage), float64(c.MaxPageBytes), float64(c.MaxPages), float64(c.InFlight), c.PerSecond, float64(c.Deadline),
		float64(c.Tries), float64(c.MinPause), float64(c.MaxPause), float64(c.RetryFor), float64(c.BreakAfter), float64(c.Cooldown),
	}
	if slices.Min(bounds) < 0 {
		return errors.New("a limit is negative")
	}
	for _, s := range []string{c.ClientID, c.JobID} {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
			return errors.New("ClientID and JobID may have printable ASCII only")
		}
	}
	c.MaxPageBytes, c.PeoplePage = cmp.Or(c.MaxPageBytes, 256<<20), cmp.Or(c.PeoplePage, 4000)
	c.MaxPages, c.InFlight = cmp.Or(c.MaxPages, 10_000), cmp.Or(c.InFlight, 8)
	c.Deadline, c.RetryFor = cmp.Or(c.Deadline, 5*time.Minute), cmp.Or(c.RetryFor, 10*time.Minute)
	c.Tries, c.BreakAfter = cmp.Or(c.Tries, 6), cmp.Or(c.BreakAfter, 10)
	c.MinPause, c.MaxPause = cmp.Or(c.MinPause, time.Second), cmp.Or(c.MaxPause, time.Minute)
	c.Cooldown = cmp.Or(c.Cooldown, 30*time.Second)
	if c.MaxPause < c.MinPause {
		return errors.New("the maximum pause is shorter than the minimum")
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	return nil
}

// parseBase checks a base URL.
func parseBase(v fhir.Version, text string) (*url.URL, error) {
	if v < fhir.V1 || v > fhir.V3 {
		return nil, errors.New("the API has no such version")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("it is not a URL with a host") // not quoted: it may hold a password
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("it must have only a host and a path")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, errors.New("it must be https")
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	u.RawPath = ""
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sleep waits for d, or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
