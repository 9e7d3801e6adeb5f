package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"ab2d/client"
	"ab2d/internal/account"
	"ab2d/internal/admin"
	"ab2d/internal/auth"
	"ab2d/internal/obs"
)

// accountCommand is ab2d account.
type accountCommand struct {
	Show     accountShowCommand     `cmd:"" help:"Show your client: contract, names of secrets, keys, networks and what waits for an operator."`
	Secret   accountSecretCommand   `cmd:"" help:"Replace or remove secrets."`
	Key      accountKeyCommand      `cmd:"" help:"Register or remove public keys, to sign in without a secret."`
	Networks accountNetworksCommand `cmd:"" help:"Change the networks from which your client may come."`
	Request  accountRequestCommand  `cmd:"" help:"Show or withdraw what waits for an operator."`
	Job      accountJobCommand      `cmd:"" help:"Show or cancel the jobs of your contract."`
	Download accountDownloadCommand `cmd:"" help:"Show downloads of your contract's files."`
	Audit    accountAuditCommand    `cmd:"" help:"Show your contract's part of the audit log."`
	Token    accountTokenCommand    `cmd:"" help:"Print an access token for the account page. It is valid for ten minutes at most, and does not read claims."`
}

// accountConfig says which server has the account, and whose it is.
type accountConfig struct {
	URL      string `help:"URL of the ab2d server, for example http://localhost:8080." name:"url" placeholder:"URL"`
	TokenURL string `help:"OAuth2 token endpoint. The default is the one that the server names." name:"token-url" placeholder:"URL"`
	clientCredentials
	JSON bool `help:"Print JSON." name:"json"`
}

func (c *accountConfig) asJSON() bool { return c.JSON }

// fhirBase is what the address of a server may end with: people have it at hand.
var fhirBase = regexp.MustCompile(`/api/v[123]/fhir/?$`)

// root is the address of the server.
func (c *accountConfig) root() string {
	return strings.TrimRight(fhirBase.ReplaceAllString(c.URL, ""), "/")
}

func (c *accountConfig) validate() error {
	var f faults
	u, err := url.Parse(c.URL)
	f.add(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "",
		"--url: set it to the address of an ab2d server: http:// or https://, a host and possibly a path")
	f.add(!c.known(), "your client is not known: %s", howToSignIn)
	c.clientCredentials.validate(&f)
	return f.err()
}

// connect makes a client whose tokens are for the account.
func (c *accountConfig) connect(ctx context.Context) (*client.Client, client.Config, error) {
	if err := c.validate(); err != nil {
		return nil, client.Config{}, err
	}
	cfg, err := c.config()
	if err != nil {
		return nil, cfg, err
	}
	cfg.BaseURL, cfg.Scope, cfg.TokenURL = c.root()+"/api/v2/fhir", auth.AccountScope, c.TokenURL
	if err := client.Reach(ctx, cfg.BaseURL, nil); err != nil {
		return nil, cfg, err
	}
	if cfg.TokenURL == "" {
		if cfg.TokenURL, err = client.Discover(ctx, cfg.BaseURL, nil); err != nil {
			return nil, cfg, fmt.Errorf("%w\n(if the address is right, set the token endpoint with --token-url)", err)
		}
	}
	made, err := client.New(cfg)
	return made, cfg, err
}

// accountTime bounds a request.
const accountTime = time.Minute

// ask sends a request to the account and reads its answer, as JSON.
func (c *accountConfig) ask(ctx context.Context, _ streams, method, path string, body any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, accountTime)
	defer cancel()
	own, _, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	token, err := own.AccessToken(ctx)
	if err != nil {
		return nil, harmlessError{err}
	}
	sent := io.Reader(http.NoBody)
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.root()+account.Prefix+path, sent)
	if err != nil {
		return nil, errors.New("--url is not an address that can be asked") // not quoted: it may hold a password
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = obs.Proxy
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, CheckRedirect: keepToken}).Do(r)
	if err != nil {
		return nil, harmlessError{err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	switch {
	case err != nil:
	case resp.StatusCode >= 400:
		err = refusalOf(resp.Status, b)
	case resp.StatusCode >= 300:
		err = fmt.Errorf("the server answered with a redirect (%s). The token is not sent to another address. Set --url to the server's own address", harmless(resp.Status))
	}
	return b, err
}

type accountShowCommand struct{ accountConfig }

// Run shows the client.
func (c *accountShowCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.accountConfig, "GET", "/client", nil, printAccount)
}

// printAccount writes a client, and the secret that is shown this once.
func printAccount(w io.Writer, a account.Account) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "client id\t%s\n", a.Client)
	if a.Secret != "" {
		fmt.Fprintf(t, "client secret\t%s\n", a.Secret)
	}
	for _, line := range [][2]string{{"name", a.Name}, {"contract", a.Contract}, {"sponsor", a.Sponsor}, {"attested", orNone(a.Attested, "no: there is no data")},
		{"signed in by", a.SignedInBy}, {"from", a.Address}, {"networks", networksLine(admin.Client{Networks: a.Networks})},
		{"set by operator", networksLine(admin.Client{Networks: a.OperatorNetworks})}, {"keys at", a.KeysURL}, {"read only", a.ReadOnly}} {
		if line[1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", line[0], line[1])
		}
	}
	for _, s := range a.Secrets {
		fmt.Fprintf(t, "secret %s\tcreated %s, expires %s\n", s.ID, moment(s.Created), momentOr(s.Expires, "never"))
	}
	for _, k := range a.Keys {
		id := ""
		if k.ID != k.KeyID {
			id = "id " + k.ID + ", "
		}
		fmt.Fprintf(t, "key\t%s, %s%s\n", k.KeyID, id, k.Algorithm)
	}
	for _, r := range a.Waiting {
		fmt.Fprintf(t, "waiting %s\t%s, since %s\n", r.ID, wantedLine(r), moment(r.Created))
	}
	return t.Flush()
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

func wantedLine(r account.Request) string { return admin.Request{Wanted: r.Wanted}.Line() }

type accountTokenCommand struct{ accountConfig }

// Run prints a token.
func (c *accountTokenCommand) Run(ctx context.Context, s streams) error {
	own, _, err := c.connect(ctx)
	if err != nil {
		return err
	}
	token, err := own.AccessToken(ctx)
	if err != nil {
		return harmlessError{err}
	}
	_, err = fmt.Fprintln(s.out, token)
	return err
}
