package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"ab2d/internal/synth"
)

// sandboxCommands are ab2d sandbox and what tells of it.
type sandboxCommands struct {
	Start      sandboxCommand    `cmd:"" default:"withargs" help:"Start the sandbox. The word start may be left out."`
	Truth      truthCommand      `cmd:"" help:"Print which claims an export must deliver, computed in another way."`
	Statistics statisticsCommand `cmd:"" help:"Print statistics of the people and their claims."`
}

// sandboxCommand is ab2d sandbox start.
type sandboxCommand struct {
	config
	ClaimsFrom  string   `help:"Where enrolment and claims come from: synthetic: (computed from the seed) or store: (what was imported)." name:"claims" default:"synthetic:" placeholder:"ADDRESS"`
	WorkersHere int      `help:"Parts of exports that are worked on at once. The default is one for each processor." name:"workers" default:"${processors}" placeholder:"N"`
	CORS        []string `help:"Web pages whose scripts may use this API, as https://HOST; * for all, or none." name:"cors-origins" default:"*" placeholder:"ORIGIN"`
	MaxJobs     int      `help:"Exports that a contract may have under way at once. Applies to clients when they are first stored." default:"3" placeholder:"N"`
}

// Run serves until it is stopped.
func (c *sandboxCommand) Run(ctx context.Context, s streams) error {
	c.config.Claims, c.config.Workers = c.ClaimsFrom, c.WorkersHere
	if c.CORSOrigins = c.CORS; slices.Equal(c.CORS, []string{"none"}) {
		c.CORSOrigins = nil
	}
	srv, err := openSandbox(ctx, &c.config, c.MaxJobs, s)
	if err != nil {
		return err
	}
	welcome(s.out, srv.url, &c.config)
	return srv.run(ctx)
}

// openSandbox is a server that has the sandbox's clients.
func openSandbox(ctx context.Context, c *config, maxJobs int, s streams) (*server, error) {
	if maxJobs < 1 {
		return nil, &usageError{fmt.Errorf("--max-jobs=%d: give 1 or more", maxJobs)}
	}
	c.SimulateFailures = true
	srv, err := openServer(ctx, c, s, time.Now)
	if err != nil {
		return nil, err
	}
	if err = addSandboxClients(ctx, srv.db, maxJobs); err == nil {
		err = srv.addPages(c, synth.Sponsors())
	}
	if err != nil {
		return nil, errors.Join(err, srv.abandon())
	}
	return srv, nil
}

// welcome tells what runs where, and what to type next: the tutorial, for the
// smallest sponsor.
func welcome(w io.Writer, url string, c *config) {
	fmt.Fprintf(w, `The AB2D sandbox is ready at %s
Its state is in %s. Ctrl-C stops it; started again, it goes on.
Open the address in a browser for the tutorial, the API reference, and an export without a terminal.

The tutorial, in another terminal:

`, url, c.Data)
	first := synth.Sponsors()[0].Credentials[0]
	fmt.Fprintf(w, tutorial, basic(first), url, c.AuthServer, url, url, url)
	fmt.Fprintln(w, "\nThe sponsors, with the AUTH of each:")
	fmt.Fprintln(w)
	for _, p := range synth.Sponsors() {
		fmt.Fprintf(w, "  %-10s %s  %6d enrollees  %s\n", p.Name, p.Contract, p.Enrollees, basic(p.Credentials[0]))
	}
	fmt.Fprintln(w)
}

// basic is a credential as HTTP Basic wants it (RFC 7617).
func basic(c synth.Credential) string {
	return base64.StdEncoding.EncodeToString([]byte(c.ID + ":" + c.Secrets[0]))
}

const tutorial = `  AUTH=%s

  BEARER_TOKEN=$(curl -sX POST "%s/oauth2/%s/v1/token?grant_type=client_credentials&scope=clientCreds" \
      -H "Content-Type: application/x-www-form-urlencoded" -H "Accept: application/json" \
      -H "Authorization: Basic ${AUTH}" | jq --raw-output ".access_token")

  curl "%s/api/v1/fhir/Patient/\$export?_outputFormat=application%%2Ffhir%%2Bndjson&_type=ExplanationOfBenefit" \
      -sD - -H "Accept: application/fhir+json" -H "Prefer: respond-async" -H "Authorization: Bearer ${BEARER_TOKEN}"

  JOB={the job id in Content-Location}

  curl "%s/api/v1/fhir/Job/${JOB}/\$status" -sD - -H "Authorization: Bearer ${BEARER_TOKEN}"

  curl "%s/api/v1/fhir/Job/${JOB}/file/Z0000_0001.ndjson" -H "Authorization: Bearer ${BEARER_TOKEN}" > Z0000_0001.ndjson
`
