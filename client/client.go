package client

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says which server to speak to, and as whom. Formatted with package
// fmt it does not show the secret.
type Config struct {
	// BaseURL is the FHIR API, for example http://localhost:8080/api/v1/fhir.
	BaseURL string
	// TokenURL is the OAuth2 token endpoint. Empty for a server that asks for
	// no token.
	TokenURL     string
	ClientID     string
	ClientSecret string `json:"-"`
	// Key proves the client instead of ClientSecret.
	Key *Key `json:"-"`
	// Scope is what the token is asked for: clientCreds when empty, which is
	// AB2D's, or with a Key system/ExplanationOfBenefit.rs.
	Scope string

	// AllowHosts are other hosts that may get the token for a file, as host or
	// host:port. Without them a file that wants the token must be at the API's
	// own address. Only https, or http at a loopback address, counts.
	AllowHosts []string
	// IdleTimeout is how long a response may bring nothing, or less than 16 KiB
	// without ending; zero for a minute.
	IdleTimeout time.Duration
	// MaxFileBytes bounds a file whose length the manifest does not tell; zero for
	// 64 GiB. Without a bound a server could fill the disk.
	MaxFileBytes int64

	// HTTP makes the requests; nil for a client with sensible time limits. It
	// must not have a Timeout, which would cut long downloads. Its redirects
	// are followed, but never with the token to another origin.
	HTTP *http.Client
	// Now tells the time; nil for time.Now.
	Now func() time.Time
	// Sleep waits, or returns the context's error when that ends first; nil
	// for a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Format shows the configuration without its secret.
func (c Config) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "client %q at %s", c.ClientID, shown(c.BaseURL))
}

// Client speaks to one server as one OAuth2 client. Safe for concurrent use.
type Client struct {
	address  string // Config.BaseURL, as a Folder notes it
	base     *url.URL
	tokenURL *url.URL // nil when the server asks for no token
	id       string
	secret   string
	key      *Key
	scope    string
	allowed  map[string]bool // hosts that may get the token, too
	idle     time.Duration   // how long a response may bring next to nothing
	maxFile  int64           // bytes of a file whose length is not told
	http     *http.Client    // follows redirects as redirect says
	direct   *http.Client    // follows none
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	random   func() float64 // from 0 to 1, for the length of waits
	token    token
}

// New makes a Client. It makes no request. Its error lists all faults of the
// configuration at once.
func New(cfg Config) (*Client, error) {
	base, err := endpoint("BaseURL", strings.TrimRight(cfg.BaseURL, "/"))
	faults := []error{err}
	c := &Client{address: cfg.BaseURL, base: base, id: cfg.ClientID, secret: cfg.ClientSecret, key: cfg.Key, scope: cfg.Scope, now: cfg.Now, sleep: cfg.Sleep,
		random: rand.Float64, token: newToken(), allowed: map[string]bool{}, idle: cmp.Or(cfg.IdleTimeout, defaultIdle), maxFile: cmp.Or(cfg.MaxFileBytes, defaultMaxFile)}
	for _, host := range cfg.AllowHosts {
		c.allowed[strings.ToLower(host)] = true
	}
	if cfg.MaxFileBytes < 0 {
		faults = append(faults, errors.New("MaxFileBytes must not be negative"))
	}
	if cfg.TokenURL != "" {
		c.tokenURL, err = endpoint("TokenURL", cfg.TokenURL)
		faults = append(faults, err)
		if cfg.ClientID == "" || (cfg.ClientSecret == "") == (cfg.Key == nil) {
			faults = append(faults, errors.New("ClientID must be set, and either ClientSecret or Key"))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("configuring the client: %w", err)
	}
	switch {
	case c.scope != "":
	case c.key != nil:
		c.scope = "system/ExplanationOfBenefit.rs"
	default:
		c.scope = "clientCreds"
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = sleep
	}
	c.prepareHTTP(cfg.HTTP)
	return c, nil
}

// Format shows which client of which server this is, and no secret.
func (c *Client) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "client %q at %s", c.id, shown(c.address))
}

// shown is an address for people: without user, password and query, which may hold
// secrets.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that is not a URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// errProxy does not quote the address, which may hold a password.
var errProxy = errors.New("the address of the proxy in HTTPS_PROXY or HTTP_PROXY is not a URL. Write http://HOST:PORT; in a password, write other characters than letters and digits as %XX")

// proxy is the one of the environment.
func proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, errProxy
	}
	return u, nil
}

// endpoint reads an absolute http or https URL.
func endpoint(name, s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is not a URL", name)
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("%s must begin with http:// or https:// and a host", name)
	case u.User != nil:
		return nil, fmt.Errorf("%s must not contain a user or password", name)
	case u.Fragment != "":
		return nil, fmt.Errorf("%s must not contain a fragment", name)
	}
	return u, nil
}

// prepareHTTP derives the two HTTP clients from the configured one, which
// stays as it is.
func (c *Client) prepareHTTP(h *http.Client) {
	if h == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.Proxy = proxy
		t.ResponseHeaderTimeout, t.MaxResponseHeaderBytes = time.Minute, 1<<20
		h = &http.Client{Transport: t}
	}
	follow, direct := *h, *h
	follow.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		return c.redirect(req, via, h.CheckRedirect)
	}
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http, c.direct = &follow, &direct
}

// redirect decides about one redirect. net/http itself keeps the Authorization
// header for other ports, other schemes and subdomains; we do not.
func (c *Client) redirect(req *http.Request, via []*http.Request, also func(*http.Request, []*http.Request) error) error {
	if !c.trusted(req.URL) {
		req.Header.Del("Authorization")
	}
	switch {
	case req.Method != via[0].Method: // a DELETE must not end as a GET
		return http.ErrUseLastResponse
	case also != nil:
		return also(req, via)
	case len(via) >= 10:
		return errors.New("stopped after 10 redirects")
	}
	return nil
}

// origin is a URL's scheme, host and port (RFC 6454 §4).
func origin(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// own tells whether a URL is at the API's own address.
func (c *Client) own(u *url.URL) bool { return origin(u) == origin(c.base) }

// trusted tells whether the token may go to a URL: to the API's own address, and
// to the hosts that were allowed.
func (c *Client) trusted(u *url.URL) bool {
	if c.own(u) {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	private := u.Scheme == "https" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return private && (c.allowed[strings.ToLower(u.Host)] || c.allowed[strings.ToLower(u.Hostname())])
}

// resolve reads a URL the server sent, which may be relative to the one it
// was sent from. Servers behind a proxy that ends TLS often write http:// for
// their own address: that is put right.
func (c *Client) resolve(s string, from *url.URL) (*url.URL, error) {
	ref, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("the server sent something that is not a URL")
	}
	u := from.ResolveReference(ref)
	if c.base.Scheme == "https" && u.Scheme == "http" && strings.EqualFold(u.Host, c.base.Host) {
		u.Scheme = "https"
	}
	return endpoint("the URL the server sent", u.String())
}

// send makes a request, with the token when authorized is set. A token that
// was kept from before and is refused is fetched anew, once: AB2D answers 403
// to an expired token, others 401 (RFC 6750 §3.1).
func (c *Client) send(ctx context.Context, method string, u *url.URL, header http.Header, authorized bool) (*http.Response, error) {
	return c.sendBody(ctx, method, u, header, nil, authorized)
}

// sendBody is send with a body; nil for none.
func (c *Client) sendBody(ctx context.Context, method string, u *url.URL, header http.Header, body []byte, authorized bool) (*http.Response, error) {
	if !authorized || c.tokenURL == nil {
		return c.attempt(ctx, method, u, header, body, "")
	}
	token, fresh, err := c.accessToken(ctx, "")
	if err != nil {
		return nil, err
	}
	resp, err := c.attempt(ctx, method, u, header, body, token)
	if err != nil || fresh || (resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden) {
		return resp, err
	}
	resp.Body.Close()
	if token, _, err = c.accessToken(ctx, token); err != nil {
		return nil, err
	}
	return c.attempt(ctx, method, u, header, body, token)
}

// attempt makes one request.
func (c *Client) attempt(ctx context.Context, method string, u *url.URL, header http.Header, body []byte, token string) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), content)
	if err != nil {
		return nil, errors.New("the request's URL is not valid")
	}
	req.Header = header.Clone()
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return c.exchange(c.http, req)
}

// exchange makes a request. Its response is given up when it brings too little
// for too long.
func (c *Client) exchange(h *http.Client, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := do(h, req.WithContext(ctx))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	resp.Body = newIdleBody(resp.Body, c.idle, cancel)
	return resp, nil
}

// do makes a request. Its error is a *transportError without the URL's query,
// which may be the signature that opens a file.
func do(h *http.Client, req *http.Request) (*http.Response, error) {
	resp, err := h.Do(req)
	if err == nil {
		return resp, nil
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	return nil, &transportError{doing: req.Method + " " + Printable(req.URL.Scheme+"://"+req.URL.Host+req.URL.Path, maxText), err: err}
}
