package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/bcrypt"
)

// Client is an OAuth2 client: a sponsor's program, which exports the claims of
// one contract.
type Client struct {
	ID       string // VSCHAR, RFC 6749 appendix A.1
	Contract string // the contract's number
	// Secrets are bcrypt hashes as HashSecret makes them. Any of them lets the
	// client in, so that a new secret can be introduced before the old one goes.
	Secrets []string `json:"-"`
	Enabled bool
	MaxJobs int // jobs that the client may have under way at once
}

// ErrNoClient says that there is no such client.
var ErrNoClient = errors.New("no such client")

// errRefused says that a client is unknown or that its secret is wrong. Which
// of the two is not told, nor shown by the time it takes.
var errRefused = errors.New("unknown client or wrong secret")

// Clients finds clients.
type Clients interface {
	// Client finds a client by its id, enabled or not; ErrNoClient when
	// absent. What others have changed is seen at once. Safe for concurrent
	// use.
	Client(ctx context.Context, id string) (*Client, error)
}

// maxSecretBytes is as much of a secret as bcrypt looks at.
const maxSecretBytes = 72

// secretCost is bcrypt's cost: about 50 ms, once for each token.
const secretCost = 10

// secretsAtOnce is how many secrets a client has at most in the ordinary
// course: the old one and the new one.
const secretsAtOnce = 2

// nobodysSecret is the hash of a random secret that was thrown away.
const nobodysSecret = "$2a$10$R/N7qCKFI1QYFpC//9phz.LFeC9qcgY6bgthDDDrx.08eRHd1o2tS"

// HashSecret makes the hash under which a client's secret is kept. A secret is
// 1 to 72 characters of visible ASCII without the percent sign, so that it
// reads the same in HTTP Basic whether its sender encodes it as RFC 6749
// §2.3.1 asks or not. The error says what is wrong and never quotes the secret.
func HashSecret(secret string) (string, error) {
	if err := checkSecretForm(secret); err != nil {
		return "", err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), secretCost)
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

// findBySecret finds the client with this id and secret; errRefused when there
// is none. Whether the client is enabled is for the caller to see.
func findBySecret(ctx context.Context, clients Clients, id, secret string) (*Client, error) {
	client, err := find(ctx, clients, id)
	if errors.Is(err, ErrNoClient) {
		client = &Client{} // whose secret nobody knows, but checking it takes its time
	} else if err != nil {
		return nil, err
	}
	if ok, err := client.CheckSecret(secret); err != nil {
		return nil, err
	} else if !ok {
		return nil, errRefused
	}
	return client, nil
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

// CheckSecret tells whether secret is one of the client's. To refuse takes the
// same time for every client with up to two secrets, also for one without. The
// error says that a stored hash cannot be read.
func (c *Client) CheckSecret(secret string) (bool, error) {
	if checkSecretForm(secret) != nil {
		return false, nil // bcrypt would stop at the 72nd byte, and read on from the start after a NUL
	}
	for i, hash := range c.hashes() {
		err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(secret))
		switch {
		case err == nil && i < len(c.Secrets):
			return true, nil
		case err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
			return false, fmt.Errorf("reading a stored secret of client %s: %w", c.ID, err)
		}
	}
	return false, nil
}

// hashes are the client's, filled up so that the time to refuse a secret does
// not tell whether there is such a client and how many secrets it has.
func (c *Client) hashes() []string {
	all := slices.Clone(c.Secrets)
	for len(all) < secretsAtOnce {
		all = append(all, nobodysSecret)
	}
	return all
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
