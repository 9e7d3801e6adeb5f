package api

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"ab2d/internal/audit"
	"ab2d/internal/auth"
	"ab2d/internal/coverage"
)

// AdminClient is a client as the administration shows it.
type AdminClient struct {
	ID               string          `json:"id"`
	Name             string          `json:"name"`
	Contract         string          `json:"contract"`
	Enabled          bool            `json:"enabled"`
	ContractDisabled bool            `json:"contractDisabled"`
	MaxJobs          int             `json:"maxJobs"`
	Networks         []netip.Prefix  `json:"networks"`
	KeySet           json.RawMessage `json:"keySet,omitempty"`
	KeysURL          string          `json:"keysUrl,omitempty"`
	Secrets          []AdminSecret   `json:"secrets"` // the live ones
	Created          time.Time       `json:"created"`
	// Secret is the new one, shown this once.
	Secret string `json:"secret,omitempty"`
}

// AdminSecret tells of a secret without showing it.
type AdminSecret struct {
	ID      string     `json:"id"`
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"`
}

func (a *API) adminClientOf(c *auth.Client) AdminClient {
	shown := AdminClient{
		ID: c.ID, Name: c.Name, Contract: c.Contract, Enabled: c.Enabled, ContractDisabled: c.ContractDisabled, MaxJobs: c.MaxJobs,
		Networks: c.Networks, KeysURL: c.KeysURL, Created: c.Created, Secrets: []AdminSecret{},
	}
	if c.KeySet != "" {
		shown.KeySet = json.RawMessage(c.KeySet)
	}
	for _, s := range c.Live(a.Now()) {
		secret := AdminSecret{ID: s.ID, Created: s.Created}
		if !s.Expires.IsZero() {
			secret.Expires = &s.Expires
		}
		shown.Secrets = append(shown.Secrets, secret)
	}
	return shown
}

// ClientFields are what an administrator sets of a client. What is left out
// stays as it is.
type ClientFields struct {
	Name     *string         `json:"name,omitempty"`
	MaxJobs  *int            `json:"maxJobs,omitempty"`
	Networks *[]string       `json:"networks,omitempty"` // CIDR, or single addresses; none: from anywhere
	KeySet   json.RawMessage `json:"keySet,omitempty"`   // a JWK Set; null takes it away
	KeysURL  *string         `json:"keysUrl,omitempty"`  // "" takes it away
}

// NewClient asks for a client.
type NewClient struct {
	ID       string `json:"id,omitempty"` // by default random
	Contract string `json:"contract"`
	NoSecret bool   `json:"noSecret,omitempty"` // it has keys instead
	Lifetime string `json:"lifetime,omitempty"` // of the secret, as a duration; by default it does not expire
	ClientFields
}

var (
	clientID   = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,64}$`)
	clientName = regexp.MustCompile(`^[^\x00-\x1f\x7f]{0,100}$`)
)

// apply sets the fields that are given.
func (f *ClientFields) apply(c *auth.Client) error {
	if f.Name != nil {
		if !clientName.MatchString(*f.Name) {
			return invalidField("name", "it may have 100 characters on one line.")
		}
		c.Name = *f.Name
	}
	if f.MaxJobs != nil {
		if *f.MaxJobs < 1 || *f.MaxJobs > 1000 {
			return invalidField("maxJobs", "%d: give 1 to 1000.", *f.MaxJobs)
		}
		c.MaxJobs = *f.MaxJobs
	}
	if f.Networks != nil {
		c.Networks = nil
		for _, s := range *f.Networks {
			n, err := ParseNetwork(s)
			if err != nil {
				return invalidField("networks", "%s is not a network, for example 192.0.2.0/24.", shown(s))
			}
			c.Networks = append(c.Networks, n)
		}
	}
	return f.applyKeys(c)
}

func (f *ClientFields) applyKeys(c *auth.Client) error {
	if f.KeySet != nil {
		c.KeySet = ""
		if string(f.KeySet) != "null" {
			if _, err := auth.ParseKeySet(f.KeySet); err != nil {
				return invalidField("keySet", "%v.", err)
			}
			c.KeySet = string(f.KeySet)
		}
	}
	if f.KeysURL != nil {
		if err := auth.CheckURL(*f.KeysURL); *f.KeysURL != "" && err != nil {
			return invalidField("keysUrl", "%v.", err)
		}
		c.KeysURL = *f.KeysURL
	}
	if c.KeySet != "" && c.KeysURL != "" {
		return invalidField("keysUrl", "a client has either a JWK Set or an address where it is; take the other one away first.")
	}
	return nil
}

// ParseNetwork reads a network in CIDR, or a single address.
func ParseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a.Unmap().WithZone(""), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

// newSecret makes a secret, of which only the hash stays.
func (a *API) newSecret(lifetime time.Duration) (string, auth.Secret, error) {
	secret := rand.Text() + rand.Text()
	hash, err := auth.HashSecret(secret)
	kept := auth.Secret{ID: rand.Text()[:6], Hash: hash, Created: a.Now().UTC().Truncate(time.Millisecond)}
	if lifetime > 0 {
		kept.Expires = kept.Created.Add(lifetime)
	}
	return secret, kept, err
}

func adminClients(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	contract := r.URL.Query().Get("contract")
	if contract != "" && !coverage.ValidContractNumber(contract) {
		return notContract(contract)
	}
	clients, err := a.Admin.DB.Clients(r.Context(), contract)
	if err != nil {
		return err
	}
	list := []AdminClient{}
	for _, c := range clients {
		list = append(list, a.adminClientOf(c))
	}
	return answer(w, http.StatusOK, list)
}

func adminClient(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	c, err := a.findClient(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.adminClientOf(c))
}

// findClient finds the client that the path names. Those that were there before
// ids had a form are found too.
func (a *API) findClient(r *http.Request) (*auth.Client, error) {
	id := r.PathValue("client")
	if !clientID.MatchString(id) {
		return nil, notFound("There is no client %s.", shown(id))
	}
	c, err := a.Admin.DB.Client(r.Context(), id)
	if errors.Is(err, auth.ErrNoClient) {
		return nil, notFound("There is no client %s.", shown(id))
	}
	return c, err
}

// adminAddClient makes a client, and shows its secret, this once.
func adminAddClient(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	var n NewClient
	if err := readJSON(r, &n); err != nil {
		return err
	}
	if !coverage.ValidContractNumber(n.Contract) {
		return notContract(n.Contract)
	}
	if n.ID == "" {
		n.ID = rand.Text()
	}
	if !clientID.MatchString(n.ID) {
		return invalidField("id", "it has 1 to 64 letters, digits and . _ ~ -")
	}
	lifetime, err := duration("lifetime", n.Lifetime, 0)
	if err != nil {
		return err
	}
	c := auth.Client{ID: n.ID, Contract: n.Contract, Enabled: true, MaxJobs: 1}
	if err := n.apply(&c); err != nil {
		return err
	}
	if n.NoSecret && c.KeySet == "" && c.KeysURL == "" {
		return invalidField("noSecret", "a client without a secret needs keySet or keysUrl.")
	}
	secret := ""
	if !n.NoSecret {
		var kept auth.Secret
		if secret, kept, err = a.newSecret(lifetime); err != nil {
			return err
		}
		c.Secrets = []auth.Secret{kept}
	}
	if err := a.Admin.DB.AddClient(r.Context(), c); errors.Is(err, auth.ErrClientTaken) {
		return conflict("There is a client %s already.", n.ID)
	} else if err != nil {
		return err
	}
	return a.showNew(w, r, http.StatusCreated, n.ID, secret)
}

// showNew answers with a client and its new secret.
func (a *API) showNew(w http.ResponseWriter, r *http.Request, status int, id, secret string) error {
	c, err := a.Admin.DB.Client(r.Context(), id)
	if err != nil {
		return err
	}
	shown := a.adminClientOf(c)
	shown.Secret = secret
	return answer(w, status, shown)
}

func adminChangeClient(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	var f ClientFields
	if err := readJSON(r, &f); err != nil {
		return err
	}
	c, err := a.findClient(r)
	if err != nil {
		return err
	}
	if c, err = a.Admin.DB.ChangeClient(r.Context(), c.ID, audit.Entry{Event: audit.ClientChanged, Detail: f.names()}, f.apply); err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.adminClientOf(c))
}

// names are those of the fields that are given.
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

func adminClientSwitch(enabled bool) handler {
	return func(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
		c, err := a.findClient(r)
		if err != nil {
			return err
		}
		verb := "disable"
		if enabled {
			verb = "enable"
		}
		return effect(w, r, fmt.Sprintf("%s client %s of contract %s", verb, c.ID, c.Contract), func() error {
			return a.Admin.DB.SetClientEnabled(r.Context(), c.ID, enabled)
		})
	}
}

// defaultOverlap is how long an old secret stays good beside the new one.
const defaultOverlap = 14 * 24 * time.Hour

// Rotation asks for a new secret.
type Rotation struct {
	Overlap  string `json:"overlap,omitempty"`  // how long the old secret stays good, as a duration; by default 336h
	Lifetime string `json:"lifetime,omitempty"` // of the new one
}

// adminRotateSecret gives a client a new secret. The old one stays good for the
// overlap, in which its use is warned of.
func adminRotateSecret(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	var n Rotation
	if err := readJSON(r, &n); err != nil {
		return err
	}
	overlap, err := duration("overlap", n.Overlap, defaultOverlap)
	if err != nil {
		return err
	}
	lifetime, err := duration("lifetime", n.Lifetime, 0)
	if err != nil {
		return err
	}
	c, err := a.findClient(r)
	if err != nil {
		return err
	}
	secret, kept, err := a.newSecret(lifetime)
	if err != nil {
		return err
	}
	_, err = a.Admin.DB.ChangeClient(r.Context(), c.ID, audit.Entry{Event: audit.SecretAdded, Detail: "secret " + kept.ID}, func(c *auth.Client) error {
		live, now := c.Live(a.Now()), kept.Created
		if len(live) >= auth.SecretsAtOnce {
			return conflict("The client has two live secrets, %s and %s: revoke one before.", live[0].ID, live[1].ID)
		}
		for i := range live {
			if end := now.Add(overlap); live[i].Expires.IsZero() || end.Before(live[i].Expires) {
				live[i].Expires = end
			}
		}
		c.Secrets = append(live, kept)
		return nil
	})
	if err != nil {
		return err
	}
	return a.showNew(w, r, http.StatusOK, c.ID, secret)
}

// adminRevokeSecret takes a secret away, at once.
func adminRevokeSecret(a *API, w http.ResponseWriter, r *http.Request, _ call) error {
	c, err := a.findClient(r)
	if err != nil {
		return err
	}
	id := r.PathValue("secret")
	is := func(s auth.Secret) bool { return s.ID == id }
	if !slices.ContainsFunc(c.Live(a.Now()), is) {
		return notFound("The client has no live secret %s.", shown(id))
	}
	text := fmt.Sprintf("revoke secret %s of client %s of contract %s, which then has %d", id, c.ID, c.Contract, len(c.Live(a.Now()))-1)
	return effect(w, r, text, func() error {
		_, err := a.Admin.DB.ChangeClient(r.Context(), c.ID, audit.Entry{Event: audit.SecretRevoked, Detail: "secret " + id}, func(c *auth.Client) error {
			c.Secrets = slices.DeleteFunc(c.Secrets, is)
			return nil
		})
		return err
	})
}
