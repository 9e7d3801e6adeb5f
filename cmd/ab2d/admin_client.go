package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"ab2d/internal/admin"
)

type adminClientCommand struct {
	List    adminClientListCommand    `cmd:"" help:"List clients."`
	Show    adminClientShowCommand    `cmd:"" help:"Show a client and the names of its secrets."`
	Add     adminClientAddCommand     `cmd:"" help:"Create an OAuth2 client of a contract, and print its id and its secret once."`
	Set     adminClientSetCommand     `cmd:"" help:"Change a client."`
	Enable  adminClientEnableCommand  `cmd:"" help:"Enable a client. Takes effect on the next request."`
	Disable adminClientDisableCommand `cmd:"" help:"Disable a client. Takes effect on the next request."`
	Rotate  adminClientRotateCommand  `cmd:"" help:"Add a new secret to a client and print it once. The old secret stays valid for a while."`
	Revoke  adminClientRevokeCommand  `cmd:"" help:"Revoke a secret. Takes effect at once."`
}

type adminClientListCommand struct {
	adminConfig
	Contract string `help:"Only clients of this contract." placeholder:"NUMBER"`
}

// Run lists clients.
func (c *adminClientListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", "/clients?contract="+url.QueryEscape(c.Contract), nil,
		listing("client\tname\tcontract\tenabled\tjobs\tsecrets\tkeys\tfrom", func(k admin.Client) string {
			return fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s", k.ID, k.Name, k.Contract, yesNo(k.Enabled && !k.ContractDisabled), k.MaxJobs,
				secretsLine(k.Secrets), keysLine(k), networksLine(k))
		}))
}

func secretsLine(secrets []admin.Secret) string {
	var all []string
	for _, s := range secrets {
		text := s.ID
		if s.Expires != nil {
			text += " until " + s.Expires.UTC().Format(time.DateOnly)
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

func keysLine(k admin.Client) string {
	switch {
	case k.KeysURL != "":
		return k.KeysURL
	case len(k.KeySet) > 0:
		return "registered"
	}
	return "none"
}

func networksLine(k admin.Client) string {
	if len(k.Networks) == 0 {
		return "anywhere"
	}
	return strings.Trim(fmt.Sprint(k.Networks), "[]")
}

type adminClientShowCommand struct {
	adminConfig
	ID string `arg:"" help:"The client's id."`
}

// Run shows a client.
func (c *adminClientShowCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", clientPath(c.ID), nil, printClient)
}

func clientPath(id string) string { return "/clients/" + url.PathEscape(id) }

// printClient writes a client, and the secret that is shown this once.
func printClient(w io.Writer, k admin.Client) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "client id\t%s\n", k.ID)
	if k.Secret != "" {
		fmt.Fprintf(t, "client secret\t%s\n", k.Secret)
	}
	if k.Name != "" {
		fmt.Fprintf(t, "name\t%s\n", k.Name)
	}
	state := yesNo(k.Enabled && !k.ContractDisabled)
	if k.ContractDisabled {
		state += ", its contract is disabled"
	}
	if k.Sandbox {
		state += ", by a sandbox only"
	}
	fmt.Fprintf(t, "contract\t%s\nenabled\t%s\nfrom\t%s\njobs at once\t%d\nkeys\t%s\nmade\t%s\n", k.Contract, state, networksLine(k), k.MaxJobs, keysLine(k), moment(k.Created))
	for _, s := range k.Secrets {
		fmt.Fprintf(t, "secret %s\tcreated %s, expires %s\n", s.ID, moment(s.Created), momentOr(s.Expires, "never"))
	}
	return t.Flush()
}

// clientFlags are what may be set of a client.
type clientFlags struct {
	Name     *string  `help:"A descriptive name." placeholder:"TEXT"`
	MaxJobs  *int     `help:"Exports that the contract can run at the same time. The default for a new client is 1." placeholder:"N"`
	Network  []string `help:"Network from which the client can send requests, in CIDR notation. The value anywhere allows all. Can be repeated." placeholder:"NETWORK"`
	Keys     string   `help:"File with the client's JWK Set, for private_key_jwt. The value none removes it." placeholder:"FILE"`
	KeysURL  *string  `help:"https URL of the client's JWK Set. An empty value removes it." name:"keys-url" placeholder:"URL"`
	Lifetime string   `kong:"-"`
}

func (f *clientFlags) fields() (admin.ClientFields, error) {
	fields := admin.ClientFields{Name: f.Name, MaxJobs: f.MaxJobs, KeysURL: f.KeysURL}
	if f.MaxJobs != nil && *f.MaxJobs < 1 {
		return fields, &usageError{fmt.Errorf("--max-jobs=%d: must be 1 or more", *f.MaxJobs)}
	}
	if len(f.Network) > 0 {
		fields.Networks = &f.Network
		if f.Network[0] == "anywhere" {
			fields.Networks = &[]string{}
		}
	}
	switch f.Keys {
	case "":
	case "none":
		fields.KeySet = json.RawMessage("null")
	default:
		b, err := os.ReadFile(f.Keys)
		if err != nil {
			return fields, fmt.Errorf("--keys: %w", err)
		}
		if !json.Valid(b) {
			return fields, fmt.Errorf("--keys=%s: it is not JSON", f.Keys)
		}
		fields.KeySet = b
	}
	return fields, nil
}

type adminClientAddCommand struct {
	adminConfig
	clientFlags
	Contract string `arg:"" help:"The contract's number."`
	ID       string `help:"The client's id, for example the one that an external issuer uses. By default it is random." placeholder:"ID"`
	NoSecret bool   `help:"Create no secret, because the client uses keys."`
	Lifetime string `help:"How long the secret is valid. By default it does not expire." placeholder:"DURATION"`
}

// Run makes a client. Only a hash of its secret is kept.
func (c *adminClientAddCommand) Run(ctx context.Context, s streams) error {
	fields, err := c.fields()
	if err != nil {
		return err
	}
	n := admin.NewClient{ID: c.ID, Contract: c.Contract, NoSecret: c.NoSecret, Lifetime: c.Lifetime, ClientFields: fields}
	return printResponse(ctx, s, &c.adminConfig, "POST", "/clients", n, printClient)
}

type adminClientSetCommand struct {
	adminConfig
	clientFlags
	ID string `arg:"" help:"The client's id."`
}

// Run changes a client.
func (c *adminClientSetCommand) Run(ctx context.Context, s streams) error {
	fields, err := c.fields()
	if err != nil {
		return err
	}
	return printResponse(ctx, s, &c.adminConfig, "PATCH", clientPath(c.ID), fields, printClient)
}

type adminClientEnableCommand struct {
	adminConfig
	ID string `arg:"" help:"The client's id."`
}

// Run enables a client.
func (c *adminClientEnableCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", clientPath(c.ID)+"/enable", nil, printEffect)
}

type adminClientDisableCommand struct {
	adminConfig
	dryRunFlag
	ID string `arg:"" help:"The client's id."`
}

// Run disables a client.
func (c *adminClientDisableCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", c.on(clientPath(c.ID)+"/disable"), nil, printEffect)
}

type adminClientRotateCommand struct {
	adminConfig
	ID       string `arg:"" help:"The client's id."`
	Overlap  string `help:"How long the old secret stays valid. Clients that still use it get a warning." default:"336h" placeholder:"DURATION"`
	Lifetime string `help:"How long the new secret is valid. By default it does not expire." placeholder:"DURATION"`
}

// Run gives a client a new secret.
func (c *adminClientRotateCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", clientPath(c.ID)+"/rotate", admin.Rotation{Overlap: c.Overlap, Lifetime: c.Lifetime}, printClient)
}

type adminClientRevokeCommand struct {
	adminConfig
	dryRunFlag
	ID     string `arg:"" help:"The client's id."`
	Secret string `arg:"" help:"Name of the secret, from ab2d admin client show. Do not enter the secret itself."`
}

// Run takes a secret away.
func (c *adminClientRevokeCommand) Run(ctx context.Context, s streams) error {
	if len(c.Secret) > 20 {
		return &usageError{errors.New("give the secret's name, not the secret")}
	}
	return printResponse(ctx, s, &c.adminConfig, "DELETE", c.on(clientPath(c.ID)+"/secrets/"+url.PathEscape(c.Secret)), nil, printEffect)
}
