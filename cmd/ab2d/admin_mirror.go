package main

import (
	"context"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"

	"ab2d/internal/admin"
)

type adminMirrorCommand struct {
	Show adminMirrorShowCommand `cmd:"" help:"Show the latest passes over the upstream server: people and claims read, failures, and up to when it was read."`
}

type adminMirrorShowCommand struct{ adminConfig }

// Run shows the mirror.
func (c *adminMirrorShowCommand) Run(ctx context.Context, s streams) error {
	return printResponse(ctx, s, &c.adminConfig, "GET", "/mirror", nil, printMirror)
}

func printMirror(w io.Writer, m *admin.Mirror) error {
	if len(m.Passes) == 0 {
		_, err := fmt.Fprintln(w, "No upstream server has been copied. ab2d mirror --source=URL does so.")
		return err
	}
	err := listing("pass\tversion\tkind\tstarted\tended\tread up to\tpeople\tread\tfailed\tretries\tclaims\tchanged\tpeople/s", func(p admin.MirrorPass) string {
		return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f", p.ID, p.Version, passKind(&p), moment(p.Started), momentOr(p.Ended, "runs"),
			moment(p.ReadUpTo), humanize.Comma(p.People), humanize.Comma(p.Read), humanize.Comma(p.Failed), humanize.Comma(p.Retries), humanize.Comma(p.Claims), humanize.Comma(p.Changed), p.PerSecond)
	})(w, m.Passes)
	if err != nil {
		return err
	}
	for _, f := range m.Failed {
		reason := f.Reason
		if reason == "" {
			reason = "not read yet"
		}
		fmt.Fprintf(w, "%s: %s could not be read (%s). The next try is at %s.\n", f.Version, people(f.People), reason, moment(f.Next))
	}
	for _, e := range m.Enrollment {
		note := "."
		if e.Failures > 0 {
			note = fmt.Sprintf(". It could not be read since (%s), and stays as it is.", e.Reason)
		}
		fmt.Fprintf(w, "%s: enrollment read %s%s\n", e.Contract, momentOr(e.Read, "never"), note)
	}
	return nil
}

// passKind says what a pass reads.
func passKind(p *admin.MirrorPass) string {
	switch {
	case p.Again:
		return "again"
	case p.Complete:
		return "complete"
	}
	return "changes"
}
