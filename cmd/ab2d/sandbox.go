package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ab2d/internal/synth"
)

// sandboxCommands are ab2d sandbox and what tells of it.
type sandboxCommands struct {
	Start      sandboxCommand    `cmd:"" default:"withargs" help:"Start the sandbox. This is the default."`
	Expected   expectedCommand   `cmd:"" help:"Print the expected results of an export: the claims that it must deliver, computed independently."`
	Statistics statisticsCommand `cmd:"" help:"Print statistics of the people and their claims."`
}

// sandboxCommand is ab2d sandbox start.
type sandboxCommand struct {
	config
	Mirror      mirrorConfig `embed:"" prefix:"mirror-"`
	ClaimsFrom  string       `help:"Source of enrollment and claims: synthetic: (computed from the seed) or store: (what was imported). With store: the sandbox listens on this machine only, and prints new secrets for contracts whose enrollees could be real people." name:"claims" default:"synthetic:" placeholder:"ADDRESS"`
	WorkersHere int          `help:"Number of workers. The default is one for each processor." name:"workers" default:"${processors}" placeholder:"N"`
	CORS        []string     `help:"Origins whose web pages can use this API (CORS), as https://HOST; * for all, or none. The default is * for synthetic claims and none for imported claims." name:"cors-origins" placeholder:"ORIGIN"`
	Continue    bool         `help:"Use the default _since of production: a v2 export without _since contains what changed since the last export that was downloaded. By default it contains everything." name:"default-since"`
	MaxJobs     int          `help:"Exports that a contract can run at the same time. Applies to clients when they are first stored." default:"3" placeholder:"N"`
}

// Run serves until it is stopped.
func (c *sandboxCommand) Run(ctx context.Context, s streams) error {
	c.config.Claims, c.config.Workers, c.config.DefaultSince = c.ClaimsFrom, c.WorkersHere, c.Continue
	if c.config.workConfig.Mirror = &c.Mirror; c.config.mirrors() {
		c.ClaimsFrom, c.config.Claims = "store:", "store:" // where the claims are copied to
	}
	if err := c.setOrigins(); err != nil {
		return err
	}
	srv, printed, err := openSandbox(ctx, &c.config, c.MaxJobs, s)
	if err != nil {
		return err
	}
	began := time.Now()
	startLine(srv.log, "sandbox", &c.workConfig, "url", srv.url)
	welcome(s.out, srv, &c.config, printed)
	err = srv.run(ctx)
	stopLine(srv.log, began, err)
	return err
}

// setOrigins decides which web pages may use the API. Imported claims are not
// for pages.
func (c *sandboxCommand) setOrigins() error {
	none := slices.Equal(c.CORS, []string{"none"})
	switch {
	case c.ClaimsFrom == "store:" && len(c.CORS) > 0 && !none:
		return &usageError{fmt.Errorf("--cors-origins=%s: a sandbox with imported claims cannot be used by web pages. Leave the flag out, or use ab2d serve", strings.Join(c.CORS, ","))}
	case c.ClaimsFrom != "store:" && len(c.CORS) == 0:
		c.CORSOrigins = []string{"*"}
	case !none:
		c.CORSOrigins = c.CORS
	}
	return nil
}

// openSandbox is a server that has the sandbox's clients. It returns those whose
// secrets have to be printed.
func openSandbox(ctx context.Context, c *config, maxJobs int, s streams) (_ *server, _ []printedClient, err error) {
	if maxJobs < 1 {
		return nil, nil, &usageError{fmt.Errorf("--max-jobs=%d: must be 1 or more", maxJobs)}
	}
	c.Sandbox, c.defaultData = true, defaultSandboxData
	srv, err := openServer(ctx, c, s)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, srv.abandon())
		}
	}()
	_, synthetic := syntheticExtra(c.Claims)
	if err := foreignState(ctx, srv.db, synthetic); err != nil {
		return nil, nil, err
	}
	if c.mirrors() {
		if err := copyFirst(ctx, srv, c.Seed, s); err != nil {
			return nil, nil, err
		}
	}
	sponsors, others := synth.Sponsors(), []string(nil)
	if !synthetic {
		if sponsors, others, err = contractsOf(ctx, srv); err != nil {
			return nil, nil, err
		}
	}
	if err := addPublishedClients(ctx, srv.db, sponsors, maxJobs); err != nil {
		return nil, nil, err
	}
	printed, err := addPrintedClients(ctx, srv.db, others, maxJobs)
	if err != nil {
		return nil, nil, err
	}
	return srv, printed, srv.addPages(c, sponsors)
}

// contractsOf returns which of the tutorial's sponsors have imported claims that
// are synthetic, and the other contracts that have imported claims.
func contractsOf(ctx context.Context, srv *server) (sponsors []synth.Sponsor, others []string, err error) {
	rows, err := srv.db.Contracts(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, row := range rows {
		if !row.Stored {
			continue
		}
		imported, err := srv.db.RealPeople(ctx, row.Number)
		if err != nil {
			return nil, nil, err
		}
		i := slices.IndexFunc(synth.Sponsors(), func(p synth.Sponsor) bool { return p.Contract == row.Number })
		if imported || i < 0 {
			others = append(others, row.Number)
			continue
		}
		sponsors = append(sponsors, synth.Sponsors()[i])
	}
	return sponsors, others, nil
}

// welcome tells what runs where, and what to type next: the tutorial, for the
// first sponsor.
func welcome(w io.Writer, srv *server, c *config, printed []printedClient) {
	fmt.Fprintf(w, `The AB2D sandbox is ready at %s
Its state is in %s. Ctrl-C stops it. Start it again to continue.
Open the address in a browser for the tutorial, the API reference, and an export without a terminal.
`, srv.url, c.Data)
	if len(printed) > 0 {
		fmt.Fprintln(w, "\nClients of the imported contracts, with new secrets for this start:")
		fmt.Fprintln(w)
		for _, p := range printed {
			fmt.Fprintf(w, "  %s  client id %s  secret %s\n", p.contract, p.ID, p.Secrets[0])
		}
	}
	sponsors := srv.sponsors
	if len(sponsors) == 0 {
		return
	}
	fmt.Fprintln(w, "\nThe tutorial, in another terminal:")
	fmt.Fprintln(w)
	fmt.Fprintf(w, tutorial, basic(sponsors[0].Credentials[0]), srv.url, c.AuthServer, srv.url, srv.url, srv.url)
	fmt.Fprintln(w, "\nThe sponsors, with the AUTH of each:")
	fmt.Fprintln(w)
	for _, p := range sponsors {
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
