package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"ab2d/internal/admin"
)

type adminSponsorCommand struct {
	List    adminSponsorListCommand    `cmd:"" help:"List sponsors with their contracts."`
	Enable  adminSponsorEnableCommand  `cmd:"" help:"Enable all contracts of a sponsor."`
	Disable adminSponsorDisableCommand `cmd:"" help:"Disable all contracts of a sponsor. Takes effect on the next request."`
}

type adminSponsorListCommand struct{ adminConfig }

// Run lists sponsors.
func (c *adminSponsorListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", "/sponsors", nil, listing("sponsor\tcontracts\tdisabled\tclients", func(p admin.Sponsor) string {
		return fmt.Sprintf("%s\t%s\t%d\t%d", p.Name, strings.Join(p.Contracts, " "), p.Disabled, p.Clients)
	}))
}

type adminSponsorEnableCommand struct {
	adminConfig
	Name string `arg:"" help:"The sponsor's name."`
}

// Run enables a sponsor.
func (c *adminSponsorEnableCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", "/sponsors/"+url.PathEscape(c.Name)+"/enable", nil, printEffect)
}

type adminSponsorDisableCommand struct {
	adminConfig
	dryRunFlag
	Name string `arg:"" help:"The sponsor's name."`
}

// Run disables a sponsor.
func (c *adminSponsorDisableCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", c.on("/sponsors/"+url.PathEscape(c.Name)+"/disable"), nil, printEffect)
}

type adminContractCommand struct {
	List     adminContractListCommand     `cmd:"" help:"List contracts."`
	Show     adminContractShowCommand     `cmd:"" help:"Show a contract with the history of its attestation."`
	Add      adminContractAddCommand      `cmd:"" help:"Create a contract of a sponsor, or assign it to another sponsor."`
	Set      adminContractSetCommand      `cmd:"" help:"Enable or disable version 3 of the API, or changes by HPMS, for a contract. Takes effect on the next request."`
	Attest   adminContractAttestCommand   `cmd:"" help:"Record the contract's attestation. Without it, the contract gets no claims."`
	Unattest adminContractUnattestCommand `cmd:"" help:"Withdraw the attestation."`
	Enable   adminContractEnableCommand   `cmd:"" help:"Enable a contract."`
	Disable  adminContractDisableCommand  `cmd:"" help:"Disable a contract. Takes effect on the next request."`
}

// contractArg names a contract.
type contractArg struct {
	Number string `arg:"" help:"The contract's number."`
}

func (c contractArg) path(more string) string { return "/contracts/" + url.PathEscape(c.Number) + more }

type adminContractListCommand struct{ adminConfig }

// Run lists contracts.
func (c *adminContractListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", "/contracts", nil, listing("contract\tsponsor\tattested\tenabled\tclients", func(k admin.Contract) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%d", k.Number, k.Sponsor, attested(k), yesNo(!k.Disabled), k.Clients)
	}))
}

func attested(k admin.Contract) string {
	switch {
	case !k.Stored:
		return "not kept here"
	case k.Attested == "":
		return "no"
	}
	return k.Attested
}

// v3Of tells whether version 3 of the API is enabled.
func v3Of(k admin.Contract) string {
	if k.V3 == nil {
		return "not set"
	}
	return yesNo(*k.V3)
}

func printContract(w io.Writer, k admin.Contract) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "contract\t%s\nsponsor\t%s\nattested\t%s\nenabled\t%s\nversion 3\t%s\nchanged by HPMS\t%s\nclients\t%d\n", k.Number, k.Sponsor, attested(k), yesNo(!k.Disabled), v3Of(k), yesNo(k.HPMS), k.Clients)
	if len(k.History) == 0 {
		return t.Flush()
	}
	if err := t.Flush(); err != nil {
		return err
	}
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "\nattestation\tday\tsource\tby\trecorded\n")
	for _, e := range k.History {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", e.Event, e.Effective, e.Source, cmp.Or(e.Actor, "not known"), moment(e.Recorded))
	}
	return t.Flush()
}

type adminContractShowCommand struct {
	adminConfig
	contractArg
}

// Run shows a contract.
func (c *adminContractShowCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", c.path(""), nil, printContract)
}

type adminContractAddCommand struct {
	adminConfig
	contractArg
	Sponsor string `help:"The sponsor's name." required:"" placeholder:"NAME"`
}

// Run makes a contract. It has to be attested before it gets data.
func (c *adminContractAddCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "PUT", c.path(""), admin.ContractFields{Sponsor: c.Sponsor}, printContract)
}

type adminContractSetCommand struct {
	adminConfig
	contractArg
	V3   *bool `help:"Whether the contract can use version 3 of the API. By default it can in a sandbox only." name:"v3" negatable:""`
	HPMS *bool `help:"Whether ab2d import hpms changes the contract. By default it does." name:"hpms" negatable:""`
}

// Run changes a contract.
func (c *adminContractSetCommand) Run(ctx context.Context, s streams) error {
	if c.V3 == nil && c.HPMS == nil {
		return &usageError{errors.New("set --v3, --no-v3, --hpms or --no-hpms")}
	}
	return printResponse(ctx, s, &c.adminConfig, "PATCH", c.path(""), admin.ContractChange{V3: c.V3, HPMS: c.HPMS}, printContract)
}

type adminContractAttestCommand struct {
	adminConfig
	contractArg
	Date string `help:"Date of the attestation. The default is today." placeholder:"YYYY-MM-DD"`
}

// Run notes an attestation.
func (c *adminContractAttestCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", c.path("/attest"), admin.Attestation{Date: c.Date}, printContract)
}

type adminContractUnattestCommand struct {
	adminConfig
	dryRunFlag
	contractArg
}

// Run takes an attestation away.
func (c *adminContractUnattestCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", c.on(c.path("/unattest")), nil, printEffect)
}

type adminContractEnableCommand struct {
	adminConfig
	contractArg
}

// Run enables a contract.
func (c *adminContractEnableCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", c.path("/enable"), nil, printEffect)
}

type adminContractDisableCommand struct {
	adminConfig
	dryRunFlag
	contractArg
}

// Run disables a contract.
func (c *adminContractDisableCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", c.on(c.path("/disable")), nil, printEffect)
}
