package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"ab2d/client"
	"ab2d/internal/account"
)

type accountSecretCommand struct {
	Rotate accountSecretRotateCommand `cmd:"" help:"Make a new secret and print it once. The old one stays valid for a while, or with --leaked ends at once."`
	Revoke accountSecretRevokeCommand `cmd:"" help:"Remove a secret at once, with the access tokens that were issued for it."`
}

type accountSecretRotateCommand struct {
	accountConfig
	Overlap  time.Duration `help:"How long the old secret stays valid, up to 30d." default:"14d" placeholder:"DURATION"`
	Leaked   bool          `help:"Remove the old secrets at once, because somebody else may know one. Programs that use them fail until they have the new one."`
	Lifetime time.Duration `help:"How long the new secret is valid: 1d to 366d. The default is that of the old one." placeholder:"DURATION"`
	Save     string        `help:"Write the new secret to this new file, which only you can read, and do not print it." type:"path" placeholder:"FILE"`
}

// Run makes a new secret.
func (c *accountSecretRotateCommand) Run(ctx context.Context, s streams) error {
	n := account.Rotation{Overlap: c.Overlap.String()}
	if c.Leaked {
		n.Overlap = "0s"
	} else if c.Overlap <= 0 {
		return &usageError{errors.New("--overlap: must be more than 0. If the old secret leaked, set --leaked")}
	}
	if c.Lifetime != 0 {
		n.Lifetime = c.Lifetime.String()
	}
	if c.Save == "" {
		return printResponse(ctx, s, &c.accountConfig, "POST", "/secrets", n, printAccount)
	}
	// The file is made first: a secret that cannot be written down would be lost.
	f, err := os.OpenFile(c.Save, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	b, err := c.ask(ctx, s, "POST", "/secrets", n)
	var a account.Account
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(c.Save))
	}
	if _, err := fmt.Fprintln(f, a.Secret); err != nil {
		return fmt.Errorf("--save: %w", errors.Join(err, f.Close()))
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	a.Secret = ""
	shown, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return printBody(s, shown, c.JSON, printAccount)
}

type accountSecretRevokeCommand struct {
	accountConfig
	Name string `arg:"" help:"Name of the secret, from ab2d account show. Do not enter the secret itself."`
}

// Run removes a secret.
func (c *accountSecretRevokeCommand) Run(ctx context.Context, s streams) error {
	if len(c.Name) > 20 {
		return &usageError{errors.New("give the secret's name, not the secret")}
	}
	return printResponse(ctx, s, &c.accountConfig, "DELETE", "/secrets/"+url.PathEscape(c.Name), nil, printAccount)
}

type accountKeyCommand struct {
	Add    accountKeyAddCommand    `cmd:"" help:"Register the public half of a private key. The private key does not leave this machine."`
	URL    accountKeyURLCommand    `cmd:"" name:"url" help:"Register the https address of a JWK Set that you publish. A new host waits for an operator."`
	Remove accountKeyRemoveCommand `cmd:"" help:"Remove a key, or the address of the keys, at once, with the access tokens that were issued for it."`
}

// newKey is a private key that is to be registered.
type newKey struct {
	NewKeyID string `help:"The kid of the new key. The default is the kid in the JWK, or the thumbprint of the key (RFC 7638)." name:"new-key-id" placeholder:"KID"`
}

// prove reads the key and signs a proof for the server.
func (n newKey) prove(ctx context.Context, s streams, c *accountConfig, file string) (*client.Key, string, error) {
	content, err := readSecret(file)
	if err != nil {
		return nil, "", &usageError{err}
	}
	key, err := client.ParseKey([]byte(content), n.NewKeyID)
	if err != nil {
		return nil, "", &usageError{fmt.Errorf("%s: %w", file, err)}
	}
	b, err := c.ask(ctx, s, "GET", "/client", nil)
	if err != nil {
		return nil, "", err
	}
	var a account.Account
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, "", fmt.Errorf("read the answer: %w", err)
	}
	proof, err := key.Prove(a.Client, a.ProofAudience, time.Now())
	return key, proof, err
}

type accountKeyAddCommand struct {
	accountConfig
	newKey
	File string `arg:"" help:"File with the private key, PEM or JWK: RSA, or EC with P-384." type:"path"`
}

// Run registers a key.
func (c *accountKeyAddCommand) Run(ctx context.Context, s streams) error {
	key, proof, err := c.prove(ctx, s, &c.accountConfig, c.File)
	if err != nil {
		return err
	}
	public, err := key.PublicJWK()
	if err != nil {
		return err
	}
	return printResponse(ctx, s, &c.accountConfig, "POST", "/keys", account.NewKey{Key: public, Proof: proof}, func(w io.Writer, a account.Account) error {
		if err := printAccount(w, a); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, "\nTo use the key: --client-id=%s --private-key=%s --key-id=%s\n", a.Client, c.File, harmless(key.ID()))
		return err
	})
}

type accountKeyURLCommand struct {
	accountConfig
	newKey
	Address string `arg:"" help:"https URL of the JWK Set." placeholder:"URL"`
	File    string `arg:"" help:"File with the private key of one of its keys, for the proof." type:"path"`
}

// Run registers the address of keys.
func (c *accountKeyURLCommand) Run(ctx context.Context, s streams) error {
	_, proof, err := c.prove(ctx, s, &c.accountConfig, c.File)
	if err != nil {
		return err
	}
	return printResponse(ctx, s, &c.accountConfig, "PUT", "/keys-url", account.NewKeysURL{KeysURL: c.Address, Proof: proof}, printAccount)
}

type accountKeyRemoveCommand struct {
	accountConfig
	ID string `arg:"" help:"The key's id, from ab2d account show; or url, for the address of the keys."`
}

// Run removes a key.
func (c *accountKeyRemoveCommand) Run(ctx context.Context, s streams) error {
	path := "/keys/" + url.PathEscape(c.ID)
	if c.ID == "url" {
		path = "/keys-url"
	}
	return printResponse(ctx, s, &c.accountConfig, "DELETE", path, nil, printAccount)
}

type accountNetworksCommand struct {
	Set accountNetworksSetCommand `cmd:"" help:"Set the networks. This machine's address must be in them. What goes beyond the operator's networks waits for an operator."`
}

type accountNetworksSetCommand struct {
	accountConfig
	Network []string `arg:"" help:"Networks in CIDR notation, or addresses; or anywhere, for all."`
}

// Run sets the networks.
func (c *accountNetworksSetCommand) Run(ctx context.Context, s streams) error {
	if len(c.Network) == 1 && c.Network[0] == "anywhere" {
		c.Network = []string{}
	}
	return printResponse(ctx, s, &c.accountConfig, "PUT", "/networks", account.Networks{Networks: &c.Network}, printAccount)
}
