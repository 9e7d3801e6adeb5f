package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"ab2d/internal/admin"
	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/store"
)

type adminJobCommand struct {
	List   adminJobListCommand   `cmd:"" help:"List the newest jobs."`
	Show   adminJobShowCommand   `cmd:"" help:"Explain a job: who requested what, how many enrollees and claims it has, and which claims were left out."`
	Start  adminJobStartCommand  `cmd:"" help:"Start an export for a contract. Its clients can use the job by its id."`
	Cancel adminJobCancelCommand `cmd:"" help:"Cancel a job and delete its files."`
	Extend adminJobExtendCommand `cmd:"" help:"Store a completed job and its files longer."`
}

// adminJobShowCommand is ab2d admin job show.
type adminJobShowCommand struct {
	adminConfig
	ID        string `arg:"" help:"The job's id."`
	Enrollees bool   `help:"Print the ledger: a line of JSON for each enrollee. Enrollee ids are protected health information, so this does not work with --server."`
}

// Run explains the job.
func (c *adminJobShowCommand) Run(ctx context.Context, s streams) error {
	if c.Enrollees {
		return c.ledger(ctx, s)
	}
	return printResponse(ctx, s, &c.adminConfig, "GET", jobPath(c.ID), nil, func(w io.Writer, d admin.JobDetail) error { return explanation(d).print(w) })
}

func jobPath(id string) string { return "/jobs/" + url.PathEscape(id) }

func (c *adminJobShowCommand) ledger(ctx context.Context, s streams) (err error) {
	if c.Server != "" {
		return &usageError{errors.New("--enrollees does not work with --server")}
	}
	c.complete()
	db, err := openExisting(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.Job(ctx, c.ID); errors.Is(err, export.ErrNoJob) {
		return fmt.Errorf("there is no job %s in %s", c.ID, c.shown())
	} else if err != nil {
		return err
	}
	return printLedger(ctx, s.out, db, c.ID)
}

type adminJobListCommand struct {
	adminConfig
	limitFlag
	Contract string `help:"Only jobs of this contract." placeholder:"NUMBER"`
}

// Run lists jobs, the newest first.
func (c *adminJobListCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", "/jobs"+c.query()+"&contract="+url.QueryEscape(c.Contract), nil,
		listing("job\tcontract\tversion\taccepted\tstate\tdone\tparts\tclaims\tbytes", func(j admin.Job) string {
			return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%d %%\t%d/%d\t%s\t%s", j.ID, j.Contract, j.Version, moment(j.Accepted), j.State, j.Percent,
				j.PartsDone, j.Parts, humanize.Comma(j.Claims), humanize.Bytes(uint64(j.Bytes)))
		}))
}

type adminJobStartCommand struct {
	adminConfig
	Contract string `arg:"" help:"The contract's number."`
	Version  string `help:"v1 (FHIR STU3) or v2 (FHIR R4)." name:"api" default:"v2" placeholder:"VERSION"`
	Since    string `help:"Only claims updated after this FHIR instant." placeholder:"INSTANT"`
	Until    string `help:"Only claims updated up to this FHIR instant." placeholder:"INSTANT"`
	Claims   string `help:"Source of the server's contracts: store: or synthetic:." default:"store:" placeholder:"ADDRESS"`
	Seed     uint64 `help:"Seed of the synthetic claims." default:"1" placeholder:"N"`
}

// Run starts a job.
func (c *adminJobStartCommand) Run(ctx context.Context, s streams) error {
	c.claims, c.seed = c.Claims, c.Seed
	n := admin.NewJob{Contract: c.Contract, Version: c.Version, Since: c.Since, Until: c.Until}
	return printResponse(ctx, s, &c.adminConfig, "POST", "/jobs", n, func(w io.Writer, j admin.Job) error {
		_, err := fmt.Fprintf(w, "job  %s\n", j.ID)
		return err
	})
}

type adminJobCancelCommand struct {
	adminConfig
	dryRunFlag
	ID string `arg:"" help:"The job's id."`
}

// Run cancels a job.
func (c *adminJobCancelCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "DELETE", c.on(jobPath(c.ID)), nil, printEffect)
}

type adminJobExtendCommand struct {
	adminConfig
	ID string `arg:"" help:"The job's id."`
	By string `help:"How much longer to store them." default:"72h" placeholder:"DURATION"`
}

// Run keeps a job longer.
func (c *adminJobExtendCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "POST", jobPath(c.ID)+"/extend", admin.Extension{By: c.By}, func(w io.Writer, d admin.JobDetail) error {
		_, err := fmt.Fprintf(w, "the job expires %s\n", moment(d.Expires))
		return err
	})
}

// explanation is all there is to know of a job.
type explanation admin.JobDetail

// print writes a table for people.
func (e explanation) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("Job", "%s", e.ID)
	row("Contract", "%s, %s, by client %s", e.Contract, e.Version.Name(), e.Client)
	row("Request", "%s", e.Request)
	row("State", "%s", e.state())
	row("Accepted", "%s, which is the transactionTime", moment(e.TransactionTime))
	row("Claims updated", "%s", e.bounds())
	if e.Source != "" {
		row("Source", "%s; only workers with this source run the job", e.Source)
	}
	if e.Snapshot != "" {
		row("Enrollment", "%s", e.Snapshot)
		row("Parts", "%d of %d done", e.PartsDone, e.Parts)
		row("Enrollees", "%s", humanize.Comma(e.Expected))
	}
	e.printTotals(row)
	for _, f := range e.Files {
		row("File", "%s  %s lines, %s, stored in %s, downloaded %d times", f.Name, humanize.Comma(f.Count),
			humanize.Bytes(uint64(f.Length)), humanize.Bytes(uint64(f.Stored)), f.Downloads)
	}
	for _, failure := range e.Failures {
		where := string(failure.Step)
		if failure.Part > 0 {
			where = fmt.Sprintf("part %d", failure.Part)
		}
		row("Failure", "%s failed %d times, last: %s", where, failure.Failures, failure.Fault)
	}
	return t.Flush()
}

func (e explanation) printTotals(row func(string, string, ...any)) {
	if e.State == export.Accepted || e.State == export.Running {
		return
	}
	for _, o := range []struct {
		outcome export.Outcome
		n       int64
	}{
		{export.Delivered, e.Totals.Delivered}, {export.NoClaims, e.Totals.NoClaims}, {export.OptedOut, e.Totals.OptedOut},
		{export.NoIdentifier, e.Totals.NoIdentifier}, {export.NotRead, e.Totals.NotRead},
	} {
		row("  "+o.outcome.String(), "%s", humanize.Comma(o.n))
	}
	row("Claims delivered", "%s", humanize.Comma(e.Totals.Claims))
	for v, n := range e.Totals.LeftOut {
		if n > 0 {
			row("Claims left out", "%s: %s", humanize.Comma(n), coverage.Verdict(v))
		}
	}
}

func (e explanation) state() string {
	switch e.State {
	case export.Running:
		return fmt.Sprintf("running, %d %% done", e.Percent())
	case export.Completed:
		return fmt.Sprintf("completed %s, expires %s", moment(e.Finished), moment(e.Expires))
	case export.Failed:
		return fmt.Sprintf("failed %s: %s", moment(e.Finished), e.Reason)
	case export.Canceled:
		return "canceled " + moment(e.Finished)
	}
	return string(e.State)
}

// bounds says which claims the job asks for, by when they were updated.
func (e explanation) bounds() string {
	from := "from the beginning"
	switch e.SinceSource {
	case export.SinceUser:
		from = "after " + moment(e.Since) + " (_since)"
	case export.SinceDefault:
		from = fmt.Sprintf("after %s (by default, going on from job %s)", moment(e.Since), e.Base)
	}
	until := e.TransactionTime
	if !e.Until.IsZero() && e.Until.Before(until) {
		until = e.Until
	}
	return from + " up to " + moment(until)
}

// printLedger writes how each enrollee ended, in order.
func printLedger(ctx context.Context, w io.Writer, db *store.DB, id string) error {
	out := json.NewEncoder(w)
	return db.Results(ctx, id, func(p export.Part, _ []export.File) error {
		for entry, err := range export.Entries(p.Ledger) {
			if err == nil {
				err = out.Encode(struct {
					Enrollee coverage.EnrolleeID `json:"enrollee"`
					Outcome  string              `json:"outcome"`
					Claims   int64               `json:"claims"`
					Reason   string              `json:"reason,omitempty"`
				}{entry.Enrollee, entry.Outcome.String(), entry.Claims, entry.Reason})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
