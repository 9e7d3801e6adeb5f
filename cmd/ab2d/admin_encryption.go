package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize/english"

	"ab2d/internal/encryption"
	"ab2d/internal/store"
)

type adminEncryptionCommand struct {
	List   adminEncryptionListCommand   `cmd:"" help:"List the data keys of the database, and by which wrapping key each is encrypted."`
	Rotate adminEncryptionRotateCommand `cmd:"" help:"Encrypt with a new data key from now on, and encrypt all data keys with the first wrapping key. Run this on a machine that has the database."`
}

type adminEncryptionListCommand struct {
	stateConfig
}

// Run lists the data keys, which need no wrapping key for that.
func (c *adminEncryptionListCommand) Run(ctx context.Context, s streams) (err error) {
	c.complete()
	db, err := openExisting(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := db.DataKeys(ctx)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		_, err = fmt.Fprintln(s.out, "There are none: nothing is encrypted.")
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DATA KEY\tCREATED\tWRAPPING KEY")
	for _, k := range keys {
		fmt.Fprintf(w, "%s\t%s\t%s\n", k.ID, k.Created.UTC().Format(time.RFC3339), harmless(k.By))
	}
	return w.Flush()
}

type adminEncryptionRotateCommand struct {
	stateConfig
	encryptionConfig
}

// Run rotates the keys. Servers and workers go on meanwhile.
func (c *adminEncryptionRotateCommand) Run(ctx context.Context, s streams) (err error) {
	c.complete()
	if !c.settings().On() {
		return &usageError{errors.New("--encryption-key-file or --encryption-kms: set the wrapping key")}
	}
	db, err := openExisting(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	done, err := c.rotate(ctx, db)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "What is stored from now on is encrypted with data key %s\n%s encrypted with the first wrapping key\n",
		done.Key, english.Plural(done.Rewrapped, "older data key is", "older data keys are"))
	return err
}

func (c *adminEncryptionRotateCommand) rotate(ctx context.Context, db *store.DB) (encryption.Rotation, error) {
	ring, err := openRing(ctx, &c.encryptionConfig, db)
	if err != nil {
		return encryption.Rotation{}, err
	}
	return ring.Rotate(ctx)
}
