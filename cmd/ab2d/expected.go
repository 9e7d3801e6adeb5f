package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/synth"
)

// expectedCommand is ab2d sandbox expected.
type expectedCommand struct {
	populationConfig
	Contract string `help:"The contract's number, for example Z0001." required:"" placeholder:"NUMBER"`
	API      string `help:"Version of the API: v1, v2 or v3." name:"api" enum:"v1,v2,v3" default:"v2" placeholder:"VERSION"`
	Since    string `help:"The export's _since: claims updated after it." placeholder:"TIME"`
	Until    string `help:"The export's _until: claims updated at it or before." placeholder:"TIME"`
	From     string `help:"The export's service-date with ge: services that end on this day or later, YYYY-MM-DD." placeholder:"DATE"`
	To       string `help:"The export's service-date with le: services that end on this day or before." placeholder:"DATE"`
	ByPerson bool   `help:"Print a line for each enrollee: patient, outcome, and number of claims."`
}

// Help is printed with the command's flags.
func (c *expectedCommand) Help() string {
	return "Prints the claims that an export of the sandbox must deliver, one per line: claim id, patient, lastUpdated and status, separated by tabs, in the order of the " +
		"enrollees. They are computed independently of exports. Set --as-of to the transactionTime in the export's manifest, and --seed to the seed of the sandbox. To compare: " +
		`jq -r '[.id, .patient.reference, .meta.lastUpdated, .status] | @tsv' Z0001_*.ndjson | sort | diff - <(ab2d sandbox expected --contract Z0001 --as-of TIME | sort)`
}

// Run prints the expected claims.
func (c *expectedCommand) Run(ctx context.Context, s streams) error {
	source, _, err := c.dataset(c.Contract)
	if err != nil {
		return err
	}
	q := synth.ExpectedQuery{Contract: c.Contract, Version: versionOf(c.API), AsOf: c.AsOf, From: c.From, To: c.To}
	if q.Since, err = instant("--since", c.Since); err != nil {
		return err
	}
	if q.Until, err = instant("--until", c.Until); err != nil {
		return err
	}
	if !q.Since.IsZero() && q.Since.Before(export.EarliestSince) {
		return &usageError{fmt.Errorf("--since=%s: a server refuses a _since before %s", c.Since, fhir.FormatInstant(export.EarliestSince))}
	}
	for _, date := range []struct{ flag, value string }{{"--from", c.From}, {"--to", c.To}} {
		if _, err := coverage.ParseDate(date.value); date.value != "" && (err != nil || len(date.value) != len(time.DateOnly)) {
			return &usageError{fmt.Errorf("%s=%s: write YYYY-MM-DD", date.flag, date.value)}
		}
	}
	return writeExpected(ctx, s.out, source, q, c.ByPerson)
}

// versionOf reads the name of a version of the API: v1, v2 or v3.
func versionOf(name string) fhir.Version {
	return fhir.Version(name[1] - '0')
}

// instant reads a flag that is an instant, or was not given.
func instant(flag, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	t, err := fhir.ParseInstant(value)
	if err != nil {
		return t, &usageError{fmt.Errorf("%s: %w", flag, err)}
	}
	return t, nil
}

// writeExpected writes the claims that must be delivered, or how each enrollee
// must end.
func writeExpected(ctx context.Context, to io.Writer, source *synth.Source, q synth.ExpectedQuery, byPerson bool) error {
	w := bufio.NewWriter(to)
	err := source.Expected(ctx, q, func(t synth.ExpectedResult) error {
		if byPerson {
			_, err := fmt.Fprintf(w, "Patient/%d\t%s\t%d\n", t.Patient, t.Outcome, len(t.Claims))
			return err
		}
		for _, c := range t.Claims {
			if _, err := fmt.Fprintf(w, "%s\tPatient/%d\t%s\t%s\n", c.ID, t.Patient, c.LastUpdated.Format(hapiInstant), c.Status); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.Flush()
}

// hapiInstant is how the claims write an instant.
const hapiInstant = "2006-01-02T15:04:05.000-07:00"
