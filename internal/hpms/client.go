package hpms

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/obs"
)

// DefaultUser is the name with which AB2D asks for a token.
const DefaultUser = "CDA-AB2D-API"

// Config says where HPMS is and how to treat it. The zero value of a bound is its
// default.
type Config struct {
	// Base is the URL of HPMS, for example https://hpms.example. Only https, or http at a
	// loopback address.
	Base      string
	User      string // DefaultUser
	KeyID     string
	KeySecret string

	Deadline       time.Duration // of a call with its answer; 1 minute
	Tries          int           // of a call; 5
	MinPause       time.Duration // after the first failure, doubled from one to the next; 1 s
	MaxPause       time.Duration // between tries; 1 minute
	RetryFor       time.Duration // after which a call is not tried again; 5 minutes
	MaxBytes       int64         // of the organizations; 64 MiB
	MaxStatusBytes int64         // of the status of a contract; 1 MiB
	MaxFailures    int           // statuses that may fail for good before all of it fails; 10

	Log *slog.Logger // what is tried again; nil for none

	// For tests; nil for the real ones.
	Transport http.RoundTripper
	Now       func() time.Time
	Sleep     func(context.Context, time.Duration) error
}

// Client reads contracts from HPMS. Safe for concurrent use; one call is made at a time.
type Client struct {
	config Config
	base   *url.URL
	http   *http.Client

	mu    sync.Mutex // held for as long as the contracts are read
	token token
}

// New checks the configuration. It calls nobody.
func New(c Config) (*Client, error) {
	base, err := c.complete()
	if err != nil {
		return nil, fmt.Errorf("configuration of HPMS: %w", err)
	}
	transport := c.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy:               obs.Proxy,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 10 * time.Second,
			ForceAttemptHTTP2:   true,
			IdleConnTimeout:     30 * time.Second,
		}
	}
	return &Client{config: c, base: base, http: &http.Client{
		Transport: transport,
		// A redirect would lead the secret or the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// complete checks the configuration, and puts defaults in.
func (c *Config) complete() (*url.URL, error) {
	base, err := parseBase(c.Base)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	bounds := []int64{int64(c.Deadline), int64(c.Tries), int64(c.MinPause), int64(c.MaxPause), int64(c.RetryFor), c.MaxBytes, c.MaxStatusBytes, int64(c.MaxFailures)}
	printable := func(s string) bool {
		return s != "" && len(s) <= 1024 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
	}
	c.User = cmp.Or(c.User, DefaultUser)
	switch {
	case slices.Min(bounds) < 0:
		return nil, errors.New("a bound is negative")
	case !printable(c.KeyID):
		return nil, errors.New("the id of the key is missing, or has other characters than printable ASCII")
	case c.KeySecret == "":
		return nil, errors.New("the secret of the key is missing")
	}
	c.Deadline, c.RetryFor = cmp.Or(c.Deadline, time.Minute), cmp.Or(c.RetryFor, 5*time.Minute)
	c.Tries, c.MaxFailures = cmp.Or(c.Tries, 5), cmp.Or(c.MaxFailures, 10)
	c.MinPause, c.MaxPause = cmp.Or(c.MinPause, time.Second), cmp.Or(c.MaxPause, time.Minute)
	c.MaxBytes, c.MaxStatusBytes = cmp.Or(c.MaxBytes, 64<<20), cmp.Or(c.MaxStatusBytes, 1<<20)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	return base, nil
}

// parseBase checks a base URL.
func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("it is not a URL with a host") // not quoted: it may hold a password
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("it may have a host and a path only")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, errors.New("it must begin with https://")
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Read reads all organizations, and then the status of each contract. A status that
// cannot be read sets its contract aside; more than MaxFailures of them are an error, and
// so is a key that HPMS denies.
func (c *Client) Read(ctx context.Context, today coverage.Date) (Answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := newBuilder(c.base.String())
	err := c.get(ctx, organizationsPath, nil, c.config.MaxBytes, func(body []byte) error {
		list, faults, err := ReadOrganizations(body)
		if err == nil {
			b.organizations(body, list, faults)
		}
		return err
	})
	if err != nil {
		return Answer{}, err
	}
	failures := 0
	for _, contract := range slices.Sorted(maps.Keys(b.names)) {
		err := c.status(ctx, b, contract)
		var e *Error
		switch {
		case err == nil:
		case ctx.Err() != nil || !errors.As(err, &e) || e.Kind == Denied || failures >= c.config.MaxFailures:
			return Answer{}, fmt.Errorf("status of contract %s, after %d that failed: %w", contract, failures, err)
		default:
			failures++
			b.setAside(contract, err.Error())
		}
	}
	return b.finish(today), nil
}

// status reads the status of one contract. A record of another contract is rejected.
func (c *Client) status(ctx context.Context, b *builder, contract string) error {
	return c.get(ctx, statusPath, url.Values{"contractId": {contract}}, c.config.MaxStatusBytes, func(body []byte) error {
		list, faults, err := ReadStatuses(body)
		if err != nil {
			return err
		}
		for i := range faults {
			faults[i].Place, faults[i].Contract = "contract "+contract+", "+faults[i].Place, contract
		}
		own := list[:0:0]
		for _, s := range list {
			if s.Contract != contract {
				faults = append(faults, Fault{Place: "contract " + contract, Contract: contract, Reason: "HPMS answers with the status of contract " + s.Contract})
				continue
			}
			own = append(own, s)
		}
		b.add(body, own, faults)
		return nil
	})
}
