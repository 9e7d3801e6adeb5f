package main

import (
	"context"
	"fmt"
	"io"
	"net/url"

	"github.com/dustin/go-humanize"

	"ab2d/internal/account"
	"ab2d/internal/admin"
)

// pageFlags are of commands that list one page.
type pageFlags struct {
	Limit  int    `help:"Maximum number of rows, up to 200." default:"50" placeholder:"N"`
	Before string `help:"The next page: what the command printed at the end of the page before." placeholder:"ROW"`
}

func (p pageFlags) query() string {
	q := fmt.Sprintf("?limit=%d", p.Limit)
	if p.Before != "" {
		q += "&before=" + url.QueryEscape(p.Before)
	}
	return q
}

// paged writes a page as listing does, and how to get the next one.
func paged[T any](header string, row func(T) string) func(io.Writer, account.Page[T]) error {
	return func(w io.Writer, p account.Page[T]) error {
		err := listing(header, row)(w, p.Items)
		if err == nil && p.Next != "" {
			_, err = fmt.Fprintf(w, "There may be more: --before=%s\n", p.Next)
		}
		return err
	}
}

type accountJobCommand struct {
	List   accountJobListCommand   `cmd:"" help:"List the contract's jobs. The newest come first."`
	Cancel accountJobCancelCommand `cmd:"" help:"Cancel a job, or delete a completed one with its files."`
}

type accountJobListCommand struct {
	accountConfig
	pageFlags
}

// Run lists jobs.
func (c *accountJobListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.accountConfig, "GET", "/jobs"+c.query(), nil, paged("job\tclient\tversion\taccepted\tstate\tdone\tfiles\tclaims\tbytes", func(j admin.Job) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%d %%\t%d\t%s\t%s", j.ID, j.Client, j.Version, moment(j.Accepted), j.State, j.Percent, j.Files,
			humanize.Comma(j.Claims), humanize.Bytes(uint64(j.Bytes)))
	}))
}

type accountJobCancelCommand struct {
	accountConfig
	ID string `arg:"" help:"The job's id."`
}

// Run cancels a job.
func (c *accountJobCancelCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.accountConfig, "DELETE", jobPath(c.ID), nil, printEffect)
}

type accountDownloadCommand struct {
	List accountDownloadListCommand `cmd:"" help:"List downloads. The newest come first."`
}

type accountDownloadListCommand struct {
	accountConfig
	pageFlags
}

// Run lists downloads.
func (c *accountDownloadListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.accountConfig, "GET", "/downloads"+c.query(), nil, paged("time\tclient\tfrom\tjob\tfile\tsent", func(e account.Entry) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", e.Time, e.Client, e.From, e.Job, e.File, humanize.Bytes(uint64(e.Bytes)))
	}))
}

type accountAuditCommand struct {
	List accountAuditListCommand `cmd:"" help:"List entries. The newest come first."`
}

type accountAuditListCommand struct {
	accountConfig
	pageFlags
	Event string `help:"Only entries of this event, for example token.granted or refused." placeholder:"EVENT"`
}

// Run lists entries.
func (c *accountAuditListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.accountConfig, "GET", "/audit"+c.query()+"&event="+url.QueryEscape(c.Event), nil, paged("time\tevent\tby\tfrom\tjob\tdetail", func(e account.Entry) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", e.Time, e.Event, e.Actor, e.From, e.Job, e.Detail)
	}))
}

type accountRequestCommand struct {
	List     accountRequestListCommand     `cmd:"" help:"List what you asked operators for, and what became of it."`
	Withdraw accountRequestWithdrawCommand `cmd:"" help:"Withdraw a request that waits."`
}

type accountRequestListCommand struct{ accountConfig }

// Run lists requests.
func (c *accountRequestListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.accountConfig, "GET", "/requests", nil, listing("request\tsent\tstate\twanted\treason", func(r account.Request) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", r.ID, moment(r.Created), r.State, wantedLine(r), r.Reason)
	}))
}

type accountRequestWithdrawCommand struct {
	accountConfig
	ID string `arg:"" help:"The request's id, from ab2d account request list."`
}

// Run withdraws a request.
func (c *accountRequestWithdrawCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.accountConfig, "DELETE", requestPath(c.ID), nil, func(w io.Writer, r account.Request) error {
		_, err := fmt.Fprintf(w, "withdrawn: %s\n", wantedLine(r))
		return err
	})
}
