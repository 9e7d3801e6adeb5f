package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/gzip"

	"ab2d/internal/fhir"
	"ab2d/internal/synth"
)

// populationConfig says which synthetic people are meant, and as of when.
type populationConfig struct {
	Enrollees *int      `help:"Number of people. They are enrolled in Z9001, Z9002 (attested 2023-01-01) and Z9003 (not attested). By default the people are those of the sandbox's five sponsors." env:"AB2D_SYNTH_ENROLLEES" placeholder:"N"`
	Seed      uint64    `help:"Seed. The same seed gives the same people and claims on every machine." default:"1" placeholder:"N"`
	AsOf      time.Time `help:"Moment as of which the data is written, RFC 3339. Claims that were loaded or changed later are not included. The default is now." placeholder:"TIME"`
}

// source is the population at its moment.
func (c *populationConfig) source() (*synth.Source, error) {
	if n := c.Enrollees; n != nil && (*n < 1 || *n > 5_000_000) {
		return nil, &usageError{fmt.Errorf("--enrollees=%d: must be 1 to 5000000", *n)}
	}
	if c.AsOf.IsZero() {
		c.AsOf = time.Now()
	}
	c.AsOf = c.AsOf.UTC().Truncate(time.Millisecond)
	now := func() time.Time { return c.AsOf }
	if c.Enrollees != nil {
		return synth.NewPopulation(c.Seed, now, synth.DatasetSponsors(*c.Enrollees)...), nil
	}
	return synth.New(c.Seed, now), nil
}

// dataset is what upstreams hold of one contract, or of all.
func (c *populationConfig) dataset(contract string) (*synth.Source, *synth.Dataset, error) {
	source, err := c.source()
	if err != nil {
		return nil, nil, err
	}
	var contracts []string
	if contract != "" {
		contracts = []string{contract}
	}
	set, err := source.Dataset(c.AsOf, contracts...)
	if err != nil {
		return nil, nil, &usageError{fmt.Errorf("--contract: %w; with --enrollees there are Z9001, Z9002 and Z9003, without it Z0000, Z0001, Z0002, Z0005 and Z0010", err)}
	}
	return source, set, nil
}

// synthCommands are ab2d synth and what serves the same data.
type synthCommands struct {
	Files    synthCommand         `cmd:"" default:"withargs" help:"Write the files. This is the default."`
	Upstream synthUpstreamCommand `cmd:"" name:"serve-upstream" help:"Serve synthetic claims and enrollment as CMS's claims server BFD does, to try ab2d mirror."`
}

// Help is that of the default command.
func (c *synthCommands) Help() string { return c.Files.Help() }

// synthCommand is ab2d synth files.
type synthCommand struct {
	populationConfig
	Contract string `help:"Only this contract." placeholder:"NUMBER"`
	FHIR     string `help:"Versions of the claims: stu3, r4, v3 (the claims of AB2D v3), both (stu3 and r4) or all." name:"fhir" enum:"stu3,r4,v3,both,all" default:"r4" placeholder:"VERSION"`
	Out      string `help:"Directory to write. It is created if needed." short:"o" required:"" type:"path" placeholder:"DIR"`
	Plain    bool   `help:"Do not compress the claims."`
}

// Help is printed with the command's flags.
func (c *synthCommand) Help() string {
	return "Writes files in the formats that ab2d import reads: contracts.csv, enrollment.csv, opt-outs.txt (CMS's data sharing preferences) and " +
		"claims-r4.ndjson.gz, claims-stu3.ndjson.gz or claims-v3.ndjson.gz: raw claims, before they are reduced to the minimum necessary, among them Part D events, substance-use treatment and claims " +
		"of unknown patients. expected-Z9001.tsv and so on have the expected results of a full export: claim id, patient, lastUpdated and status; expected-v3-Z9001.tsv and so on those of version 3. " +
		"The claims are synthetic: ids of versions 1 and 2 are negative, the second character of MBIs is S, and NPIs begin with 8 or 9."
}

// Run writes the data set.
func (c *synthCommand) Run(ctx context.Context, s streams) error {
	source, set, err := c.dataset(c.Contract)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o777); err != nil {
		return fmt.Errorf("create the directory (--out=%s): %w", c.Out, err)
	}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{{contractsFile, set.WriteContracts}, {"enrollment.csv", set.WriteEnrollment}, {optOutsFile, set.WriteOptOuts}} {
		if err := createFile(filepath.Join(c.Out, f.name), false, f.write); err != nil {
			return err
		}
	}
	for _, v := range fhir.Versions() {
		if err := c.writeClaims(ctx, set, v, s); err != nil {
			return err
		}
	}
	if err := c.writeExpected(ctx, source, set.Contracts()); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "As of %s, seed %d, in %s\n", fhir.FormatInstant(c.AsOf), c.Seed, c.Out)
	return nil
}

// writeExpected writes the expected results of each contract, those of versions 1
// and 2, which are the same, and those of version 3 if its claims are wanted.
func (c *synthCommand) writeExpected(ctx context.Context, source *synth.Source, contracts []string) error {
	for _, number := range contracts {
		files := map[fhir.Version]string{fhir.V2: "expected-" + number + ".tsv"}
		if c.wants(fhir.V3) {
			files[fhir.V3] = "expected-v3-" + number + ".tsv"
		}
		for v, name := range files {
			q := synth.ExpectedQuery{Contract: number, Version: v, AsOf: c.AsOf}
			err := createFile(filepath.Join(c.Out, name), false, func(w io.Writer) error { return writeExpected(ctx, w, source, q, false) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// wants tells whether the claims of a version are wanted.
func (c *synthCommand) wants(v fhir.Version) bool { return wantsClaims(c.FHIR, v) }

// wantsClaims tells whether --fhir names the claims of a version.
func wantsClaims(flag string, v fhir.Version) bool {
	return flag == "all" || flag == formatName(v) || flag == "both" && v != fhir.V3
}

// formatName is the name of a version's claims in flags and files.
func formatName(v fhir.Version) string {
	switch v {
	case fhir.V1:
		return "stu3"
	case fhir.V3:
		return "v3"
	}
	return "r4"
}

// writeClaims writes the claims of a version, if it is wanted.
func (c *synthCommand) writeClaims(ctx context.Context, set *synth.Dataset, v fhir.Version, s streams) error {
	if !c.wants(v) {
		return nil
	}
	file := "claims-" + formatName(v) + ".ndjson"
	if !c.Plain {
		file += ".gz"
	}
	var claims int64
	err := createFile(filepath.Join(c.Out, file), !c.Plain, func(w io.Writer) (err error) {
		claims, err = set.WriteClaims(ctx, w, v)
		return err
	})
	if err == nil {
		fmt.Fprintf(s.out, "%s  %d raw claims\n", file, claims)
	}
	return err
}

// createFile writes a file, compressed or not. What is cut short is removed.
func createFile(name string, compress bool, write func(io.Writer) error) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", name, err), os.Remove(name))
		}
	}()
	b := bufio.NewWriterSize(f, 1<<20)
	if !compress {
		return errors.Join(write(b), b.Flush())
	}
	z, err := gzip.NewWriterLevel(b, gzip.BestSpeed)
	if err != nil {
		return err
	}
	return errors.Join(write(z), z.Close(), b.Flush())
}
