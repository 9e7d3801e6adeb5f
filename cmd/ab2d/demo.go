package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"

	"ab2d/client"
	"ab2d/internal/synth"
	"ab2d/internal/table"
)

// demoCommand is ab2d demo.
type demoCommand struct {
	Sponsor string `help:"The sponsor whose claims are exported: PDP-100, PDP-1000, PDP-2000, PDP-5000 or PDP-10000." default:"PDP-100" placeholder:"NAME"`
	API     string `help:"Version of the API: v1 (FHIR STU3), v2 or v3 (FHIR R4)." default:"v1" placeholder:"VERSION"`
	Out     string `help:"Directory for the downloaded files. Files of an earlier run are replaced." default:"claims" type:"path" placeholder:"DIR"`
	Seed    uint64 `help:"Seed of the synthetic claims." default:"1" placeholder:"N"`
}

// Run does the main job once.
func (c *demoCommand) Run(ctx context.Context, s streams) (err error) {
	sponsor, err := c.validate()
	if err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "ab2d-demo-")
	if err != nil {
		return fmt.Errorf("create a directory for the sandbox: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	url, stop, err := c.startSandbox(ctx, data, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	fmt.Fprintf(s.out, "A sandbox runs at %s\n", url)
	began := time.Now()
	paths, err := c.export(ctx, url, sponsor, s)
	if err != nil {
		return err
	}
	took := time.Since(began)
	sum, err := table.Summarize(ctx, paths)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out)
	printSummary(s.out, sum)
	fmt.Fprintf(s.out, "\nExported, downloaded and verified in %s: %s\n", took.Round(10*time.Millisecond), c.Out)
	return nil
}

// validate reports all faults of the arguments at once.
func (c *demoCommand) validate() (*synth.Sponsor, error) {
	var faults []error
	if err := faultyAPI(c.API); err != nil {
		faults = append(faults, err)
	}
	var names []string
	for _, p := range synth.Sponsors() {
		if p.Name == c.Sponsor && len(faults) == 0 {
			return &p, nil
		}
		names = append(names, p.Name)
	}
	if len(faults) == 0 || !strings.Contains(strings.Join(names, " ")+" ", c.Sponsor+" ") {
		faults = append(faults, fmt.Errorf("--sponsor=%s: write one of %s", c.Sponsor, strings.Join(names, ", ")))
	}
	return nil, &usageError{errors.Join(faults...)}
}

// startSandbox starts a server on a free port, and returns how to stop it.
func (c *demoCommand) startSandbox(ctx context.Context, data string, s streams) (url string, stop func() error, err error) {
	cfg := config{
		workConfig: workConfig{
			stateConfig: stateConfig{Data: data}, logConfig: logConfig{LogLevel: "warn", LogFormat: "text"}, Claims: "synthetic:", Seed: c.Seed,
			Workers: runtime.GOMAXPROCS(0), Retention: time.Hour, Lease: 15 * time.Second,
		},
		limitConfig: defaultLimits(),
		Listen:      "localhost:0", V3: true, MaxDownloads: 1, MaxPolls: 1, TokenLifetime: time.Hour, AuthServer: "demo",
	}
	srv, _, err := openSandbox(ctx, &cfg, 1, s)
	if err != nil {
		return "", nil, err
	}
	run, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- srv.run(run) }()
	return srv.url, func() error { cancel(); return <-done }, nil
}

// export exports the sponsor's claims and downloads them, each file checked by
// length, checksum and count of lines. It returns the files' paths.
func (c *demoCommand) export(ctx context.Context, url string, sponsor *synth.Sponsor, s streams) ([]string, error) {
	credential := sponsor.Credentials[0]
	api, err := client.New(client.Config{
		BaseURL: url + "/api/" + c.API + "/fhir", TokenURL: url + "/oauth2/demo/v1/token",
		ClientID: credential.ID, ClientSecret: credential.Secrets[0],
	})
	if err != nil {
		return nil, err
	}
	job, err := api.Start(ctx, client.Request{Type: "ExplanationOfBenefit", OutputFormat: "application/fhir+ndjson"})
	if err != nil {
		return nil, err
	}
	bar := newBar(s, 100, fmt.Sprintf("Export %s", sponsor.Name), false)
	defer func() { bar.stop() }() // also that of the download
	manifest, err := api.Wait(ctx, job, func(p client.Progress) { bar.set(int64(p.Percent)) })
	if err != nil {
		return nil, err
	}
	bar.set(100)
	bar.finish()
	var length int64
	for _, f := range manifest.Output {
		length += f.Length
	}
	bar = newBar(s, length, "Download", true)
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return nil, fmt.Errorf("create the directory for the claims: %w", err)
	}
	var paths []string
	var before int64
	for _, f := range append(manifest.Output, manifest.Error...) {
		if err := c.removeOld(f); err != nil {
			return nil, err
		}
		path, err := api.Download(ctx, f, c.Out, func(bytes int64) { bar.set(before + bytes) })
		if err != nil {
			return nil, err
		}
		before += f.Length
		if f.Type == "ExplanationOfBenefit" {
			paths = append(paths, path)
		}
	}
	bar.finish()
	return paths, nil
}

// removeOld makes place for a file: the client replaces none, but those of the
// synthetic contracts hold nothing that could not be had again.
func (c *demoCommand) removeOld(f client.File) error {
	name, err := f.Name()
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(c.Out, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace a file of an earlier run: %w", err)
	}
	return nil
}

// bar is a progress bar on a terminal, and a line at the end elsewhere.
type bar struct {
	all  *bars // nil when not on a terminal
	bar  *mpb.Bar
	name string
	out  io.Writer
}

func newBar(s streams, total int64, name string, bytes bool) *bar {
	b := &bar{name: name, out: s.err}
	if !terminal(s.err) {
		return b
	}
	b.all = newBars(s.err)
	nothing := func() string { return "" }
	if bytes {
		b.bar = b.all.bytes(name, total, nothing)
	} else {
		b.bar = b.all.percent(name, nothing)
	}
	return b
}

func (b *bar) set(n int64) {
	if b.all != nil {
		b.bar.SetCurrent(max(n, 0))
	}
}

func (b *bar) finish() {
	if b.stop(); b.all == nil {
		fmt.Fprintf(b.out, "%s: done\n", b.name)
	}
}

// stop leaves the bar as it is. It may be called again.
func (b *bar) stop() {
	if b.all != nil {
		b.all.end()
	}
}
