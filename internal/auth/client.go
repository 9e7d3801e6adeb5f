package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Client is an OAuth2 client: a sponsor's program, which exports the claims of
// one contract. A contract may have several.
type Client struct {
	ID       string // VSCHAR, RFC 6749 appendix A.1
	Name     string // for people to read
	Contract string // the contract's number
	// Secrets are those that let the client in. There are two while a new one
	// takes the place of an old one.
	Secrets []Secret
	// KeySet is the client's JWK Set, RFC 7517, with which it authenticates
	// itself by private_key_jwt; or KeysURL says where that is. At most one of
	// them is not empty.
	KeySet  string
	KeysURL string
	// Networks are those from which the client may come. None: from anywhere.
	Networks []netip.Prefix
	// OperatorNetworks are those that an operator set, within which the client may
	// choose its Networks. They are the same unless it has chosen.
	OperatorNetworks []netip.Prefix
	Enabled          bool
	// ContractDisabled says that all clients of the contract are kept out.
	ContractDisabled bool
	MaxJobs          int // jobs that its contract may have under way at once
	Created          time.Time
	// Sandbox says that a sandbox added the client. Its secret may be published:
	// only a sandbox accepts it.
	Sandbox bool
}

// Secret is a client's secret, of which only a hash is kept.
type Secret struct {
	ID      string // names it, and tells nothing about it
	Hash    string `json:"-"` // by HashSecret or NewSecret
	Created time.Time
	Expires time.Time // zero: never
}

// Live tells whether the secret lets its client in at a time.
func (s Secret) Live(now time.Time) bool { return s.Expires.IsZero() || now.Before(s.Expires) }

// barred says why the client is not let in, as a sentence; "" when it is.
func (c *Client) barred(from netip.Addr) string {
	switch {
	case c.ContractDisabled:
		return "The contract of this client is disabled: ask the operator of this server to enable it."
	case !c.Enabled:
		return "The client is disabled: ask the operator of this server to enable it."
	case !c.mayComeFrom(from):
		return "The client may not come from this address: ask the operator of this server to add its network."
	}
	return ""
}

// mayComeFrom is false for an address that is not known.
func (c *Client) mayComeFrom(from netip.Addr) bool {
	for _, n := range c.Networks {
		if n.Contains(from) {
			return true
		}
	}
	return len(c.Networks) == 0
}

// ErrNoClient says that there is no such client.
var ErrNoClient = errors.New("no such client")

// ErrClientTaken says that there is a client with this id already.
var ErrClientTaken = errors.New("there is a client with this id")

// Clients finds clients.
type Clients interface {
	// Client finds a client by its id, enabled or not; ErrNoClient when
	// absent. What others have changed is seen at once. Safe for concurrent
	// use.
	Client(ctx context.Context, id string) (*Client, error)
}

// maxSecretBytes is as much of a secret as bcrypt looks at.
const maxSecretBytes = 72

// publishedCost is bcrypt's cost for secrets that everybody can read: its least.
// Nobody needs to guess them.
const publishedCost = bcrypt.MinCost

// SecretsAtOnce is how many live secrets a client has at most: the old one and
// the new one.
const SecretsAtOnce = 2

// nobodysSecret is the slow hash of a random secret that was thrown away. It takes as
// long as the hashes of secrets that earlier releases made.
const nobodysSecret = "$2a$10$R/N7qCKFI1QYFpC//9phz.LFeC9qcgY6bgthDDDrx.08eRHd1o2tS"

// HashPublishedSecret makes the hash under which a secret of the public tutorial is
// kept. NewSecret makes all others. A secret is
// 1 to 72 characters of visible ASCII without the percent sign, so that it
// reads the same in HTTP Basic whether its sender encodes it as RFC 6749
// §2.3.1 asks or not. The error says what is wrong and never quotes the secret.
func HashPublishedSecret(secret string) (string, error) {
	if err := checkSecretForm(secret); err != nil {
		return "", err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), publishedCost)
	if err != nil {
		return "", fmt.Errorf("hashing a client secret: %w", err)
	}
	return string(hash), nil
}

func checkSecretForm(secret string) error {
	if secret == "" {
		return errors.New("the client secret is empty")
	}
	if len(secret) > maxSecretBytes {
		return fmt.Errorf("the client secret has %d bytes; at most %d are possible", len(secret), maxSecretBytes)
	}
	for i := range len(secret) {
		if c := secret[i]; c <= ' ' || c > '~' || c == '%' {
			return errors.New("the client secret may hold only letters, digits and punctuation of ASCII, without % and spaces")
		}
	}
	return nil
}

// find looks up a client whose id came from outside.
func find(ctx context.Context, clients Clients, id string) (*Client, error) {
	if id == "" || !printable(id) {
		return nil, ErrNoClient // PostgreSQL would take a NUL or bad UTF-8 for a fault
	}
	client, err := clients.Client(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("looking up a client: %w", err)
	}
	return client, nil
}

// CheckSecret finds the client's live secret that this is, of those with a slow
// hash; nil when it is none. It tells how many hashes were compared. The error says
// that a stored hash cannot be read.
func (c *Client) CheckSecret(secret string, now time.Time) (used *Secret, compared int, err error) {
	if checkSecretForm(secret) != nil {
		return nil, 0, nil // bcrypt would stop at the 72nd byte, and read on from the start after a NUL
	}
	live := c.slow(now)
	for i := range live {
		err := bcrypt.CompareHashAndPassword([]byte(live[i].Hash), []byte(secret))
		switch {
		case err == nil:
			return &live[i], i + 1, nil
		case !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
			return nil, i + 1, fmt.Errorf("reading a stored secret of client %s: %w", c.ID, err)
		}
	}
	return nil, len(live), nil
}

// Live are the secrets that let the client in at a time.
func (c *Client) Live(now time.Time) []Secret {
	var live []Secret
	for _, s := range c.Secrets {
		if s.Live(now) {
			live = append(live, s)
		}
	}
	return live
}

// slow are the live secrets with a slow hash.
func (c *Client) slow(now time.Time) []Secret {
	return slices.DeleteFunc(c.Live(now), func(s Secret) bool { return strings.HasPrefix(s.Hash, fastMark) })
}

// printable tells whether s consists of VSCHAR, RFC 6749 appendix A: what a
// client id and a client secret are made of.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
