package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/dustin/go-humanize"

	"ab2d/internal/admin"
	"ab2d/internal/audit"
)

type adminWorkerCommand struct {
	List adminWorkerListCommand `cmd:"" help:"List the running steps and their workers."`
}

type adminWorkerListCommand struct{ adminConfig }

// Run lists leases.
func (c *adminWorkerListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", "/workers", nil, listing("worker\tjob\tpart\tlease until", func(l admin.Lease) string {
		return fmt.Sprintf("%s\t%s\t%d\t%s", l.Worker, l.Job, l.Part, moment(l.Until))
	}))
}

type adminFailureCommand struct {
	List adminFailureListCommand `cmd:"" help:"List steps that failed at least once. The newest jobs come first."`
}

type adminFailureListCommand struct {
	adminConfig
	limitFlag
}

// limitFlag is how many rows are wanted.
type limitFlag struct {
	Limit int `help:"Maximum number of rows, up to 1000." default:"50" placeholder:"N"`
}

func (l limitFlag) query() string { return fmt.Sprintf("?limit=%d", l.Limit) }

// Run lists what failed.
func (c *adminFailureListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", "/failures"+c.query(), nil, listing("job\tstep\tpart\tfailed\tlast fault", func(t admin.StepFailure) string {
		return fmt.Sprintf("%s\t%s\t%d\t%d\t%s", t.Job, t.Step, t.Part, t.Failures, t.Fault)
	}))
}

type adminDownloadCommand struct {
	List adminDownloadListCommand `cmd:"" help:"List the newest downloads."`
}

type adminDownloadListCommand struct {
	adminConfig
	limitFlag
}

// Run lists downloads.
func (c *adminDownloadListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", "/downloads"+c.query(), nil, listing("time\tclient\tfrom\tjob\tfile\tsent", func(l audit.Link) string {
		var e audit.Entry
		if err := json.Unmarshal(l.Body, &e); err != nil {
			return "an entry that cannot be read"
		}
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", e.Time, e.Client, e.From, e.Job, e.File, humanize.Bytes(uint64(e.Bytes)))
	}))
}

type adminKeyCommand struct {
	List   adminKeyListCommand   `cmd:"" help:"List the signing keys."`
	Rotate adminKeyRotateCommand `cmd:"" help:"Create a new signing key. It is used after a minute. The old key is removed when its tokens have expired."`
	Remove adminKeyRemoveCommand `cmd:"" help:"Revoke a compromised signing key. Its tokens are rejected at once."`
}

type adminKeyListCommand struct{ adminConfig }

// Run lists keys.
func (c *adminKeyListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", "/keys", nil, listing("key\tmade", func(k admin.Key) string {
		return fmt.Sprintf("%s\t%s", k.ID, moment(k.Created))
	}))
}

type adminKeyRotateCommand struct{ adminConfig }

// Run makes a key.
func (c *adminKeyRotateCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", "/keys", nil, func(w io.Writer, k admin.Key) error {
		_, err := fmt.Fprintf(w, "new key  %s\n", k.ID)
		return err
	})
}

type adminKeyRemoveCommand struct {
	adminConfig
	dryRunFlag
	ID string `arg:"" help:"The key's id."`
}

// Run removes a key.
func (c *adminKeyRemoveCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "DELETE", c.on("/keys/"+url.PathEscape(c.ID)), nil, printEffect)
}

type adminMaintenanceCommand struct {
	Show adminMaintenanceShowCommand `cmd:"" help:"Show whether new exports are accepted."`
	On   adminMaintenanceOnCommand   `cmd:"" help:"Start maintenance: reject new exports. Running exports continue, and files can be downloaded."`
	Off  adminMaintenanceOffCommand  `cmd:"" help:"End maintenance and accept new exports."`
}

func printMaintenance(w io.Writer, m admin.Maintenance) error {
	text := "off"
	if m.On {
		text = "on since " + moment(*m.Since) + ", expected to end: " + momentOr(m.Until, "not known")
		if m.Message != "" {
			text += "; " + m.Message
		}
	}
	_, err := fmt.Fprintln(w, "maintenance is "+text)
	return err
}

type adminMaintenanceShowCommand struct{ adminConfig }

// Run tells whether there is maintenance.
func (c *adminMaintenanceShowCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", "/maintenance", nil, printMaintenance)
}

type adminMaintenanceOnCommand struct {
	adminConfig
	For     string `help:"Expected duration. Clients get it as Retry-After." placeholder:"DURATION"`
	Message string `help:"Message for sponsors." placeholder:"TEXT"`
}

// Run begins a maintenance.
func (c *adminMaintenanceOnCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "PUT", "/maintenance", admin.MaintenanceFields{For: c.For, Message: c.Message}, printMaintenance)
}

type adminMaintenanceOffCommand struct{ adminConfig }

// Run ends a maintenance.
func (c *adminMaintenanceOffCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "DELETE", "/maintenance", nil, printMaintenance)
}

type adminTokenCommand struct {
	List   adminTokenListCommand   `cmd:"" help:"List admin tokens."`
	Add    adminTokenAddCommand    `cmd:"" help:"Create an admin token and print it once."`
	Remove adminTokenRemoveCommand `cmd:"" help:"Revoke an admin token. Takes effect at once."`
}

type adminTokenListCommand struct{ adminConfig }

// Run lists tokens.
func (c *adminTokenListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", "/tokens", nil, listing("token\tname\tscopes\texpires", func(t admin.Token) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s", t.ID, t.Name, strings.Join(t.Scopes, " "), moment(t.Expires))
	}))
}

type adminTokenAddCommand struct {
	adminConfig
	Name     string   `arg:"" help:"Owner of the token: a person or a program."`
	Scope    []string `help:"Scope of the token: read, contract, client, job, key or maintenance. Can be repeated." required:"" placeholder:"SCOPE"`
	Lifetime string   `help:"How long the token is valid, up to a year." default:"2160h" placeholder:"DURATION"`
}

// Run makes a token. Only a hash of it is kept.
func (c *adminTokenAddCommand) Run(ctx context.Context, s streams) error {
	n := admin.NewToken{Name: c.Name, Scopes: c.Scope, Lifetime: c.Lifetime}
	return printResponse(ctx, s, &c.adminConfig, "POST", "/tokens", n, func(w io.Writer, t admin.Token) error {
		_, err := fmt.Fprintln(w, t.Token)
		return err
	})
}

type adminTokenRemoveCommand struct {
	adminConfig
	dryRunFlag
	ID string `arg:"" help:"Id of the token, from ab2d admin token list."`
}

// Run removes a token.
func (c *adminTokenRemoveCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "DELETE", c.on("/tokens/"+url.PathEscape(c.ID)), nil, printEffect)
}
