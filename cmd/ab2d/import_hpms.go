package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/alecthomas/kong"

	"ab2d/internal/hpms"
	"ab2d/internal/obs"
	"ab2d/internal/store"
)

// hpmsSecret is the secret of a key of HPMS, which is not taken from the command line.
type hpmsSecret string

// BeforeApply refuses it there.
func (*hpmsSecret) BeforeApply(ctx *kong.Context) error {
	return notOnCommandLine(ctx, "hpms-key-secret", "AB2D_HPMS_KEY_SECRET")
}

type importHPMSCommand struct {
	stateConfig
	logConfig
	Source        string        `arg:"" help:"The URL of HPMS, such as https://hpms.cms.gov; or a file with the saved answer of /orgs/info; - for standard input."`
	Statuses      string        `help:"File with saved answers of /contracts/status, one after another. Only with a file." placeholder:"FILE" type:"path"`
	DryRun        bool          `help:"Read all of it and print what would change, but change nothing."`
	Force         bool          `help:"Allow any number of contracts to lapse."`
	MaxLapse      float64       `help:"How many of the attested contracts can lapse at once, in percent. If there are more, nothing is imported." default:"10" placeholder:"PERCENT"`
	KeyID         string        `help:"Id of the key for HPMS." name:"hpms-key-id" placeholder:"ID"`
	KeySecretFile string        `help:"File with the secret of the key." name:"hpms-key-secret-file" type:"path" placeholder:"FILE"`
	KeySecret     hpmsSecret    `help:"The secret of the key. Set it in the environment only: it is rejected on the command line, because other users could read it there." name:"hpms-key-secret" placeholder:"SECRET"`
	User          string        `help:"User name that belongs to the key." name:"hpms-user" default:"CDA-AB2D-API" placeholder:"NAME"`
	Timeout       time.Duration `help:"How long HPMS may take for all of its answers." name:"hpms-timeout" default:"30m" placeholder:"DURATION"`
}

// remote tells whether the source is a URL.
func (c *importHPMSCommand) remote() bool { return strings.Contains(c.Source, "://") }

// check finds what is wrong with the settings.
func (c *importHPMSCommand) check() error {
	var f faults
	f.add(!(c.MaxLapse >= 0 && c.MaxLapse <= 100), "--max-lapse: give a number from 0 to 100") // not NaN either
	f.add(c.Timeout <= 0, "--hpms-timeout: give a positive duration")
	if c.remote() {
		f.add(c.Statuses != "", "--statuses: leave it out with a URL")
		f.add(c.KeyID == "", "--hpms-key-id: set it, too")
		f.add((c.KeySecretFile == "") == (c.KeySecret == ""), "--hpms-key-secret-file: set it or AB2D_HPMS_KEY_SECRET, and not both")
	}
	return f.err()
}

// Run imports contracts and attestations.
func (c *importHPMSCommand) Run(ctx context.Context, s streams) error {
	if err := c.check(); err != nil {
		return err
	}
	source, err := c.source(s)
	if err != nil {
		return err
	}
	if closer, ok := source.(io.Closer); ok {
		defer closer.Close()
	}
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeoutCause(asOperator(ctx), c.Timeout, fmt.Errorf("it took longer than %s (--hpms-timeout)", c.Timeout))
	defer cancel()
	report, err := hpms.Sync(ctx, db, source, hpms.Options{DryRun: c.DryRun, Force: c.Force, MaxLapse: c.MaxLapse})
	if len(report.Contracts) > 0 || report.Rejected > 0 {
		if printErr := report.Print(s.out); err == nil {
			err = printErr
		}
	}
	switch {
	case hpms.Stopped(err):
		return fmt.Errorf("%w. Nothing was changed. To let them lapse, add --force, or raise --max-lapse", err)
	case err != nil:
		return err
	case report.Rejected > 0:
		return &codedError{exitSome, fmt.Errorf("%s of HPMS %s rejected and left out", english.Plural(report.Rejected, "record", ""), english.PluralWord(report.Rejected, "was", "were"))}
	}
	return nil
}

// open opens the database. A dry run without one compares with an empty one, which it
// leaves nowhere.
func (c *importHPMSCommand) open(ctx context.Context) (*hpmsStore, error) {
	c.complete()
	if c.DryRun {
		there, err := store.Exists(ctx, c.Database)
		if err != nil {
			return nil, err
		}
		if !there {
			folder, err := os.MkdirTemp("", "ab2d-dry-run-")
			if err != nil {
				return nil, fmt.Errorf("make a database for the dry run: %w", err)
			}
			db, err := store.Open(ctx, "sqlite:"+filepath.Join(folder, "ab2d.db"), nil)
			if err != nil {
				return nil, errors.Join(err, os.RemoveAll(folder))
			}
			return &hpmsStore{DB: db, folder: folder}, nil
		}
	}
	db, err := openStore(ctx, &c.stateConfig)
	return &hpmsStore{DB: db}, err
}

// hpmsStore is a database, and the folder that ends with it.
type hpmsStore struct {
	*store.DB
	folder string // empty: none
}

// Close closes the database, and removes the folder.
func (s *hpmsStore) Close() error {
	err := s.DB.Close()
	if s.folder != "" {
		err = errors.Join(err, os.RemoveAll(s.folder))
	}
	return err
}

// source is HPMS, or the files that are in its place.
func (c *importHPMSCommand) source(s streams) (hpms.Source, error) {
	if !c.remote() {
		return c.files()
	}
	log, err := obs.NewLogger(s.err, c.LogFormat, c.LogLevel)
	if err != nil {
		return nil, &usageError{err}
	}
	secret := string(c.KeySecret)
	if c.KeySecretFile != "" {
		if secret, err = readSecret(c.KeySecretFile); err != nil {
			return nil, &usageError{fmt.Errorf("--hpms-key-secret-file: %w", err)}
		}
	}
	client, err := hpms.New(hpms.Config{Base: c.Source, User: c.User, KeyID: c.KeyID, KeySecret: secret, Log: log})
	if err != nil {
		return nil, &usageError{err}
	}
	return client, nil
}

// hpmsFiles are open files with answers.
type hpmsFiles struct {
	hpms.Files
	open []io.Closer
}

// Close closes the files.
func (f *hpmsFiles) Close() error {
	var failed []error
	for _, one := range f.open {
		failed = append(failed, one.Close())
	}
	return errors.Join(failed...)
}

func (c *importHPMSCommand) files() (*hpmsFiles, error) {
	f := &hpmsFiles{Files: hpms.Files{Name: filepath.Base(c.Source), Organizations: os.Stdin}}
	if c.Source != "-" {
		file, err := os.Open(c.Source)
		if err != nil {
			return nil, fmt.Errorf("open the file: %w", err)
		}
		f.Organizations, f.open = file, append(f.open, file)
	}
	if c.Statuses != "" {
		file, err := os.Open(c.Statuses)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("--statuses: open the file: %w", err), f.Close())
		}
		f.Statuses, f.open = file, append(f.open, file)
	}
	return f, nil
}
