package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"ab2d/internal/obs"
)

// Fetcher reads keys and metadata of others over https. An address that is to
// be fetched came from outside, so: no other scheme, no redirect, no proxy, no
// address of this machine's own networks, and bounds for time and size. What it
// read is kept for a while. Safe for concurrent use.
type Fetcher struct {
	client *http.Client
	now    func() time.Time
	mu     sync.Mutex
	sets   map[string]*remoteKeys // by URL
}

const (
	fetchTime     = 5 * time.Second
	maxFetchBytes = 256 << 10
	// maxSets bounds the sets that are kept. Addresses are registered by
	// operators, so that there are not many.
	maxSets = 10_000
)

// NewFetcher makes a fetcher. With private it also connects to private and
// local addresses.
func NewFetcher(private bool, now func() time.Time) *Fetcher {
	dialer := &net.Dialer{Timeout: fetchTime}
	if !private {
		// Looked at when the connection is made, after names were resolved: a
		// name that resolves to something else the second time does not help.
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return checkPublic(address) }
	}
	return &Fetcher{now: now, sets: map[string]*remoteKeys{}, client: &http.Client{
		Timeout: fetchTime,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: fetchTime, MaxResponseHeaderBytes: 64 << 10,
			DisableCompression: true, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirects are not followed") },
	}}
}

// reserved are the networks within 0.0.0.0/0 and 2000::/3 that are not of the public
// internet, or through which others are reached (IANA's registries of special-purpose
// addresses, RFC 6890).
var reserved = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")

// globalUnicast is what of IPv6 is given out as public addresses.
var globalUnicast = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) (all []netip.Prefix) {
	for _, s := range list {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// errPrivate says that an address is not of the public internet.
var errPrivate = errors.New("it leads to a private address")

func checkPublic(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	a := at.Addr().Unmap()
	if a.Zone() != "" || a.Is6() && !globalUnicast.Contains(a) {
		return errPrivate
	}
	for _, n := range reserved {
		if n.Contains(a) {
			return errPrivate
		}
	}
	return nil
}

// CheckURL tells whether an address may be fetched at all.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("write https://, a host and a path")
	}
	return nil
}

// get reads a document.
func (f *Fetcher) get(ctx context.Context, address string) ([]byte, error) {
	if err := CheckURL(address); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	resp, err := f.client.Do(r)
	if err != nil {
		if named, ok := errors.AsType[*url.Error](err); ok {
			err = named.Err // without the address, whose parameters may be secrets
		}
		return nil, fmt.Errorf("fetch %s: %w", obs.HideSecrets(address), err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch %s: the answer is %s", obs.HideSecrets(address), resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxFetchBytes+1))
	if err == nil && len(b) > maxFetchBytes {
		err = fmt.Errorf("it has more than %d bytes", maxFetchBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", obs.HideSecrets(address), err)
	}
	return b, nil
}
