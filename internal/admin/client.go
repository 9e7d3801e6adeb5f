package admin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/coverage"
	"ab2d/internal/rest"
)

// Clients are the OAuth2 clients. Each change appends its audit entry in the
// same transaction.
type Clients interface {
	// Client returns auth.ErrNoClient if there is none with the id.
	Client(ctx context.Context, id string) (*auth.Client, error)
	// Clients lists the clients of a contract; of all contracts for "".
	Clients(ctx context.Context, contract string) ([]*auth.Client, error)
	// AddClient returns auth.ErrClientTaken if the id is taken.
	AddClient(ctx context.Context, c auth.Client) error
	// ChangeClient applies change within a transaction and stores the result.
	ChangeClient(ctx context.Context, id string, e audit.Entry, change func(*auth.Client) error) (*auth.Client, error)
	SetClientEnabled(ctx context.Context, id string, enabled bool) error
}

// Client is a client as the administration shows it.
type Client struct {
	ID               string          `json:"id"`
	Name             string          `json:"name"`
	Contract         string          `json:"contract"`
	Enabled          bool            `json:"enabled"`
	ContractDisabled bool            `json:"contractDisabled"`
	Sandbox          bool            `json:"sandbox,omitempty"` // only a sandbox accepts it
	MaxJobs          int             `json:"maxJobs"`
	Networks         []netip.Prefix  `json:"networks"`
	OperatorNetworks []netip.Prefix  `json:"operatorNetworks"` // within which the client chose its networks; otherwise the same
	KeySet           json.RawMessage `json:"keySet,omitempty"`
	KeysURL          string          `json:"keysUrl,omitempty"`
	Secrets          []Secret        `json:"secrets"` // those that have not expired
	Created          time.Time       `json:"created"`
	// Secret is the new secret. It is shown only once.
	Secret string `json:"secret,omitempty"`
}

// Secret describes a secret without showing it.
type Secret struct {
	ID      string     `json:"id"`
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"`
}

func (s *Service) show(c *auth.Client) Client {
	shown := Client{
		ID: c.ID, Name: c.Name, Contract: c.Contract, Enabled: c.Enabled, ContractDisabled: c.ContractDisabled, Sandbox: c.Sandbox, MaxJobs: c.MaxJobs,
		Networks: c.Networks, OperatorNetworks: c.OperatorNetworks, KeysURL: c.KeysURL, Created: c.Created, Secrets: []Secret{},
	}
	if c.KeySet != "" {
		shown.KeySet = json.RawMessage(c.KeySet)
	}
	for _, live := range c.Live(s.now()) {
		secret := Secret{ID: live.ID, Created: live.Created}
		if !live.Expires.IsZero() {
			secret.Expires = &live.Expires
		}
		shown.Secrets = append(shown.Secrets, secret)
	}
	return shown
}

// ClientFields are the fields of a client that an operator sets. A field that
// is left out stays as it is.
type ClientFields struct {
	Name     *string         `json:"name,omitempty"`
	MaxJobs  *int            `json:"maxJobs,omitempty"`
	Networks *[]string       `json:"networks,omitempty"` // CIDR, or single addresses; none: from anywhere
	KeySet   json.RawMessage `json:"keySet,omitempty"`   // a JWK Set; null removes it
	KeysURL  *string         `json:"keysUrl,omitempty"`  // "" removes it
}

// NewClient asks for a client.
type NewClient struct {
	ID       string `json:"id,omitempty"` // default: random
	Contract string `json:"contract"`
	NoSecret bool   `json:"noSecret,omitempty"` // it has keys instead
	Lifetime string `json:"lifetime,omitempty"` // of the secret, as a duration; default: it does not expire
	ClientFields
}

var (
	clientID = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,64}$`)
	oneLine  = regexp.MustCompile(`^[^\x00-\x1f\x7f]{0,100}$`)
)

// apply sets the fields that are given.
func (f *ClientFields) apply(c *auth.Client) error {
	if f.Name != nil {
		if !oneLine.MatchString(*f.Name) {
			return rest.InvalidField("name", "give up to 100 characters on one line.")
		}
		c.Name = *f.Name
	}
	if f.MaxJobs != nil {
		if *f.MaxJobs < 1 || *f.MaxJobs > 1000 {
			return rest.InvalidField("maxJobs", "%d: give a number from 1 to 1000.", *f.MaxJobs)
		}
		c.MaxJobs = *f.MaxJobs
	}
	if f.Networks != nil {
		networks, err := ParseNetworks(*f.Networks)
		if err != nil {
			return err
		}
		c.Networks = networks
		c.OperatorNetworks = c.Networks
	}
	return f.applyKeys(c)
}

func (f *ClientFields) applyKeys(c *auth.Client) error {
	if f.KeySet != nil {
		c.KeySet = ""
		if string(f.KeySet) != "null" {
			if _, err := auth.ParseKeySet(f.KeySet); err != nil {
				return rest.InvalidField("keySet", "%v.", err)
			}
			c.KeySet = string(f.KeySet)
		}
	}
	if f.KeysURL != nil {
		if err := auth.CheckURL(*f.KeysURL); *f.KeysURL != "" && err != nil {
			return rest.InvalidField("keysUrl", "%v.", err)
		}
		c.KeysURL = *f.KeysURL
	}
	if c.KeySet != "" && c.KeysURL != "" {
		return rest.InvalidField("keysUrl", "a client has either a JWK Set or the address of one. Remove the other one first.")
	}
	return nil
}

// names lists the fields that are given.
func (f *ClientFields) names() string {
	var names []string
	for name, given := range map[string]bool{
		"name": f.Name != nil, "maxJobs": f.MaxJobs != nil, "networks": f.Networks != nil, "keySet": f.KeySet != nil, "keysUrl": f.KeysURL != nil,
	} {
		if given {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return fmt.Sprint(names)
}

// maxNetworks bounds the networks of a client.
const maxNetworks = 100

// ParseNetworks parses a list for ParseNetwork, of at most 100. The error is for the
// caller.
func ParseNetworks(list []string) ([]netip.Prefix, error) {
	if len(list) > maxNetworks {
		return nil, rest.InvalidField("networks", "there are %d; at most %d are possible.", len(list), maxNetworks)
	}
	var networks []netip.Prefix
	for _, s := range list {
		n, err := ParseNetwork(s)
		if err != nil {
			return nil, rest.InvalidField("networks", "%s is not a network, for example 192.0.2.0/24.", rest.Quoted(s))
		}
		networks = append(networks, n)
	}
	return networks, nil
}

// ParseNetwork parses a network in CIDR notation, or a single address.
func ParseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a.Unmap().WithZone(""), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

// Clients lists the clients of a contract; of all contracts for "".
func (s *Service) Clients(ctx context.Context, contract string) ([]Client, error) {
	if contract != "" && !coverage.ValidContractNumber(contract) {
		return nil, notContract(contract)
	}
	clients, err := s.store.Clients(ctx, contract)
	if err != nil {
		return nil, err
	}
	list := []Client{}
	for _, c := range clients {
		list = append(list, s.show(c))
	}
	return list, nil
}

// Client returns a client.
func (s *Service) Client(ctx context.Context, id string) (Client, error) {
	c, err := s.findClient(ctx, id)
	if err != nil {
		return Client{}, err
	}
	return s.show(c), nil
}

func (s *Service) findClient(ctx context.Context, id string) (*auth.Client, error) {
	if !clientID.MatchString(id) {
		return nil, noClient(id)
	}
	c, err := s.store.Client(ctx, id)
	if errors.Is(err, auth.ErrNoClient) {
		return nil, noClient(id)
	}
	return c, err
}

func noClient(id string) *rest.Error { return rest.NotFound("There is no client %s.", rest.Quoted(id)) }

// AddClient adds a client and returns it with its secret.
func (s *Service) AddClient(ctx context.Context, n NewClient) (Client, error) {
	if !coverage.ValidContractNumber(n.Contract) {
		return Client{}, notContract(n.Contract)
	}
	if n.ID == "" {
		n.ID = rand.Text()
	}
	if !clientID.MatchString(n.ID) {
		return Client{}, rest.InvalidField("id", "give 1 to 64 letters, digits and . _ ~ -")
	}
	lifetime, err := duration("lifetime", n.Lifetime, 0)
	if err != nil {
		return Client{}, err
	}
	c := auth.Client{ID: n.ID, Contract: n.Contract, Enabled: true, MaxJobs: 1}
	if err := n.apply(&c); err != nil {
		return Client{}, err
	}
	if n.NoSecret && c.KeySet == "" && c.KeysURL == "" {
		return Client{}, rest.InvalidField("noSecret", "a client without a secret needs keySet or keysUrl.")
	}
	secret := ""
	if !n.NoSecret {
		var stored auth.Secret
		secret, stored = s.newSecret(lifetime)
		c.Secrets = []auth.Secret{stored}
	}
	if err := s.store.AddClient(ctx, c); errors.Is(err, auth.ErrClientTaken) {
		return Client{}, rest.Conflict("A client %s exists already.", n.ID)
	} else if err != nil {
		return Client{}, err
	}
	return s.withSecret(ctx, n.ID, secret)
}

// withSecret returns a client with its new secret.
func (s *Service) withSecret(ctx context.Context, id, secret string) (Client, error) {
	c, err := s.Client(ctx, id)
	c.Secret = secret
	return c, err
}

// ChangeClient sets the fields that are given.
func (s *Service) ChangeClient(ctx context.Context, id string, f ClientFields) (Client, error) {
	c, err := s.findClient(ctx, id)
	if err != nil {
		return Client{}, err
	}
	if c, err = s.store.ChangeClient(ctx, c.ID, audit.Entry{Event: audit.ClientChanged, Detail: f.names()}, f.apply); err != nil {
		return Client{}, err
	}
	return s.show(c), nil
}

// SetClientEnabled enables or disables a client, from its next request on.
func (s *Service) SetClientEnabled(ctx context.Context, id string, enabled, dryRun bool) (Effect, error) {
	c, err := s.findClient(ctx, id)
	if err != nil {
		return Effect{}, err
	}
	text := fmt.Sprintf("%s client %s of contract %s", enableOrDisable(enabled), c.ID, c.Contract)
	return apply(dryRun, text, func() error { return s.store.SetClientEnabled(ctx, c.ID, enabled) })
}
