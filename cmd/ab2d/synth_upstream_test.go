package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ab2d/internal/bfd"
	"ab2d/internal/coverage"
	"ab2d/internal/eob"
	"ab2d/internal/fhir"
)

// upstreamClient is a client of a stand-in that gives up late, and does not wait.
func upstreamClient(t *testing.T, url string) *bfd.Client {
	t.Helper()
	c := bfd.Config{Bases: map[fhir.Version]string{}, PageSize: 20, Tries: 20, BreakAfter: 100,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	for _, v := range fhir.Versions() {
		c.Bases[v] = url + "/" + v.String() + "/fhir"
	}
	client, err := bfd.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestServeUpstream: a client gets the enrollment and the claims of all versions
// from ab2d synth serve-upstream although every fourth call fails, the claims are
// those of ab2d synth, and the command stops when it is told to.
func TestServeUpstream(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	flags := populationConfig{Enrollees: new(12), Seed: 7, AsOf: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	out := filepath.Join(t.TempDir(), "new")
	p := startProcess(t, nil, "synth", "serve-upstream", "--listen=localhost:0", "--enrollees=12", "--seed=7", "--as-of=2026-11-01T12:00:00Z", "--fail-every=4", "--out="+out)
	c := upstreamClient(t, p.url)
	_, set, err := flags.dataset("")
	if err != nil {
		t.Fatal(err)
	}
	var contracts bytes.Buffer
	if err := set.WriteContracts(&contracts); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(out, "contracts.csv")); err != nil || !bytes.Equal(b, contracts.Bytes()) {
		t.Errorf("contracts.csv: %v", err)
	}
	if _, err := os.Stat(filepath.Join(out, "opt-outs.txt")); err != nil {
		t.Error(err)
	}
	members, claims := 0, 0
	_, err = c.Enrollment(t.Context(), bfd.EnrollmentQuery{Contract: "Z9001", Month: coverage.MonthOf(2024, 6)}, func(m bfd.Member) error {
		members++
		v3, found, err := c.PatientV3(t.Context(), m.Current)
		if err != nil || !found {
			return fmt.Errorf("a person is not known to version 3: %w", err)
		}
		for _, v := range fhir.Versions() {
			var all bytes.Buffer
			if _, err := set.WritePersonClaims(t.Context(), &all, v, m.ID); err != nil {
				return err
			}
			q := bfd.ClaimQuery{Version: v, Patient: m.ID}
			if v == fhir.V3 {
				q.Patient = v3
			}
			n, err := sameClaims(t.Context(), c, q, all.String())
			if err != nil {
				return err
			}
			claims += n
		}
		return nil
	})
	if err != nil || members < 3 || claims < 300 {
		t.Errorf("%d people, %d claims: %v", members, claims, err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

// sameClaims compares what comes with the lines of a file that a client asks for.
func sameClaims(ctx context.Context, c *bfd.Client, q bfd.ClaimQuery, file string) (claims int, err error) {
	var want, got []string
	m := eob.New(q.Version)
	patient := fmt.Sprintf(`"reference":"Patient/%d"`, q.Patient)
	for line := range strings.Lines(file) {
		head := line[:200]
		claim, err := m.Minimize([]byte(line))
		drug := strings.Contains(head, `"id":"pde-`) || q.Version == fhir.V3 && !strings.Contains(head, `"source":"NCH"`)
		part2 := err == nil && claim.Part2 // some claims are incomplete, and are given all the same
		if !part2 && !drug && strings.Contains(line, patient) {
			want = append(want, strings.TrimSuffix(line, "\n"))
		}
	}
	q.Known = len(want) > 0
	_, err = c.Claims(ctx, q, func(raw []byte) error {
		got = append(got, string(raw))
		return nil
	})
	slices.Sort(got)
	slices.Sort(want)
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("%s: %d claims came, want %d", q.Version, len(got), len(want))
	}
	return len(got), err
}

// TestServeUpstreamStops: the command stops although a call hangs.
func TestServeUpstreamStops(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	p := startProcess(t, nil, "synth", "serve-upstream", "--listen=127.0.0.1:0", "--enrollees=5", "--fail-every=1", "--faults=hang")
	resp, err := http.Get(p.url + "/v2/fhir/metadata")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

// TestServeUpstreamTLS: with TLS the command wants a client certificate.
func TestServeUpstreamTLS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	a := newAuthority(t)
	a.issue(t, "server")
	a.issue(t, "sponsor")
	p := startProcess(t, nil, "synth", "serve-upstream", "--listen=localhost:0", "--enrollees=5", "--tls-cert="+a.path("server.pem"),
		"--tls-key="+a.path("server.key"), "--tls-client-ca="+a.path("ca.pem"))
	c := bfd.Config{Bases: map[fhir.Version]string{fhir.V3: p.url + "/v3/fhir"}, Authorities: a.path("ca.pem")}
	for _, known := range []bool{false, true} {
		if known {
			c.Certificate, c.Key = a.path("sponsor.pem"), a.path("sponsor.key")
		}
		client, err := bfd.New(c)
		if err != nil {
			t.Fatal(err)
		}
		var denied *bfd.Error
		if err := client.Ping(t.Context(), fhir.V3); (err == nil) != known || !known && (!errors.As(err, &denied) || denied.Kind != bfd.Denied) {
			t.Errorf("with a certificate: %t: %v", known, err)
		}
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

// TestServeUpstreamArguments: every fault of the arguments is told.
func TestServeUpstreamArguments(t *testing.T) {
	for args, want := range map[string]string{
		"--listen=0.0.0.0:0":              "--listen=0.0.0.0:0: without TLS",
		"--listen=:0":                     "--listen=:0: without TLS",
		"--listen=example.org:80":         "without TLS it must be an address of this machine",
		"--listen=nowhere":                "--listen=nowhere: write host:port",
		"--tls-cert=a --tls-key=b":        "set all three or none",
		"--fail-every=-1":                 "--fail-every=-1",
		"--page-limit=0":                  "--page-limit=0",
		"--faults=fire":                   `--faults: "fire"`,
		"--contract=Z0000 --enrollees=10": "--contract:",
	} {
		var out, err bytes.Buffer
		code := run(t.Context(), append([]string{"synth", "serve-upstream"}, strings.Fields(args)...), streams{&out, &err})
		if code != exitUsage || !strings.Contains(err.String(), want) {
			t.Errorf("%s: exit %d, %s", args, code, err.String())
		}
	}
}
