package main

import (
	"context"
	"fmt"
	"io"
	"net/url"

	"ab2d/internal/admin"
)

type adminRequestCommand struct {
	List    adminRequestListCommand    `cmd:"" help:"List what clients ask for, and what became of it."`
	Approve adminRequestApproveCommand `cmd:"" help:"Give a client what it asks for. Takes effect on the next request."`
	Reject  adminRequestRejectCommand  `cmd:"" help:"Reject what a client asks for."`
}

type adminRequestListCommand struct {
	adminConfig
	limitFlag
	Client string `help:"Only requests of this client." placeholder:"ID"`
	State  string `help:"Only requests in this state: waiting, approved, rejected, withdrawn or all." default:"waiting" placeholder:"STATE"`
}

// Run lists requests, the newest first.
func (c *adminRequestListCommand) Run(ctx context.Context, s streams) error {
	if c.State == "all" {
		c.State = ""
	}
	path := "/requests" + c.query() + "&client=" + url.QueryEscape(c.Client) + "&state=" + url.QueryEscape(c.State)
	return printResponse(ctx, s, &c.adminConfig, "GET", path, nil, listing("request\tclient\tcontract\tsent\tstate\twanted\treason", func(r admin.Request) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s", r.ID, r.Client, r.Contract, moment(r.Created), r.State, r.Line(), r.Reason)
	}))
}

func requestPath(id string) string { return "/requests/" + url.PathEscape(id) }

type adminRequestApproveCommand struct {
	adminConfig
	dryRunFlag
	ID string `arg:"" help:"The request's id, from ab2d admin request list."`
}

// Run approves a request.
func (c *adminRequestApproveCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", c.on(requestPath(c.ID)+"/approve"), nil, printEffect)
}

type adminRequestRejectCommand struct {
	adminConfig
	ID     string `arg:"" help:"The request's id, from ab2d admin request list."`
	Reason string `help:"Why, in one line for the sponsor to read." required:"" placeholder:"TEXT"`
}

// Run rejects a request.
func (c *adminRequestRejectCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", requestPath(c.ID)+"/reject", admin.Rejection{Reason: c.Reason}, func(w io.Writer, r admin.Request) error {
		_, err := fmt.Fprintf(w, "rejected: %s for client %s\n", r.Line(), r.Client)
		return err
	})
}
