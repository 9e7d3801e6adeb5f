package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/store"
)

// adminCommand is ab2d admin.
type adminCommand struct {
	Job    adminJobCommand    `cmd:"" help:"Look at export jobs."`
	Client adminClientCommand `cmd:"" help:"Manage OAuth2 clients."`
}

type adminJobCommand struct {
	List adminJobListCommand `cmd:"" help:"List the newest jobs."`
	Show adminJobShowCommand `cmd:"" help:"Explain a job: who asked for what, how many enrollees and claims it has, and why not more."`
}

// adminJobShowCommand is ab2d admin job show.
type adminJobShowCommand struct {
	stateConfig
	ID        string `arg:"" help:"The job's id."`
	JSON      bool   `help:"Print JSON for machines." name:"json"`
	Enrollees bool   `help:"Print the ledger instead: a line of JSON for each enrollee. Enrollees' ids are protected health information."`
}

// Run explains the job.
func (c *adminJobShowCommand) Run(ctx context.Context, s streams) (err error) {
	c.complete()
	db, err := openStore(ctx, &c.stateConfig, time.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	e, err := explain(ctx, db, c.ID)
	switch {
	case errors.Is(err, export.ErrNoJob):
		return fmt.Errorf("there is no job %s in %s", c.ID, c.shown())
	case err != nil:
		return err
	case c.Enrollees:
		return printLedger(ctx, s.out, db, c.ID)
	case c.JSON:
		return printJSON(s.out, e)
	}
	return e.print(s.out)
}

type adminJobListCommand struct {
	stateConfig
	Contract string `help:"Only jobs of this contract." placeholder:"NUMBER"`
	Limit    int    `help:"How many." default:"50" placeholder:"N"`
	JSON     bool   `help:"Print JSON for machines." name:"json"`
}

// Run lists jobs, the newest first.
func (c *adminJobListCommand) Run(ctx context.Context, s streams) (err error) {
	c.complete()
	db, err := openStore(ctx, &c.stateConfig, time.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	list, err := db.List(ctx, c.Contract, c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, list)
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "job\tcontract\tversion\taccepted\tstate\tdone\tclaims")
	for _, j := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d %%\t%s\n", j.ID, j.Contract, j.Version, moment(j.TransactionTime), j.State, j.Percent(), humanize.Comma(j.Totals.Claims))
	}
	return t.Flush()
}

// explanation is all there is to know of a job.
type explanation struct {
	*export.Job
	Files    []export.File
	Troubles []store.Trouble
}

func explain(ctx context.Context, db *store.DB, id string) (*explanation, error) {
	j, err := db.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	e := &explanation{Job: j}
	if e.Files, err = db.Files(ctx, id); err != nil {
		return nil, err
	}
	e.Troubles, err = db.Troubles(ctx, id)
	return e, err
}

// print writes a table for people.
func (e *explanation) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("Job", "%s", e.ID)
	row("Contract", "%s, %s, by client %s", e.Contract, versionName(e.Version), e.Client)
	row("Request", "%s", e.Request)
	row("State", "%s", e.state())
	row("Accepted", "%s, which is the transactionTime", moment(e.TransactionTime))
	row("Claims updated", "%s", e.bounds())
	if e.Snapshot != "" {
		row("Enrolment", "%s", e.Snapshot)
		row("Parts", "%d of %d done", e.PartsDone, e.Parts)
		row("Enrollees", "%s", humanize.Comma(e.Expected))
	}
	e.printTotals(row)
	for _, f := range e.Files {
		row("File", "%s  %s lines, %s, stored in %s, downloaded %d times", f.Name, humanize.Comma(f.Count),
			humanize.Bytes(uint64(f.Length)), humanize.Bytes(uint64(f.Stored)), f.Downloads)
	}
	for _, trouble := range e.Troubles {
		where := string(trouble.Step)
		if trouble.Part > 0 {
			where = fmt.Sprintf("part %d", trouble.Part)
		}
		fault, _, _ := strings.Cut(trouble.Fault, "\n")
		row("Trouble", "%s failed %d times, last: %s", where, trouble.Failures, fault)
	}
	return t.Flush()
}

func (e *explanation) printTotals(row func(string, string, ...any)) {
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

func (e *explanation) state() string {
	switch e.State {
	case export.Running:
		return fmt.Sprintf("running, %d %% done", e.Percent())
	case export.Completed:
		return fmt.Sprintf("completed %s, expires %s", moment(e.Finished), moment(e.Expires))
	case export.Failed:
		return fmt.Sprintf("failed %s: %s", moment(e.Finished), e.Reason)
	case export.Cancelled:
		return "cancelled " + moment(e.Finished)
	}
	return string(e.State)
}

// bounds says which claims the job asks for, by when they were updated.
func (e *explanation) bounds() string {
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

func versionName(v fhir.Version) string {
	if v == fhir.V1 {
		return "v1 (FHIR STU3)"
	}
	return "v2 (FHIR R4)"
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
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
