package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"ab2d/internal/synth"
)

// sandboxCommand is ab2d sandbox.
type sandboxCommand struct {
	config
}

// Run serves until it is stopped.
func (c *sandboxCommand) Run(ctx context.Context, s streams) error {
	srv, err := openServer(ctx, &c.config, s, time.Now)
	if err != nil {
		return err
	}
	welcome(s.out, srv.url, &c.config)
	return srv.run(ctx)
}

// welcome tells what runs where, and what to type next: the tutorial, for the
// smallest sponsor.
func welcome(w io.Writer, url string, c *config) {
	fmt.Fprintf(w, `The AB2D sandbox is ready at %s
Its state is in %s. Ctrl-C stops it; started again, it goes on.

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
