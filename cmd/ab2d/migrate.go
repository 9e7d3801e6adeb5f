package main

import (
	"context"
	"errors"
	"fmt"
)

// migrateCommand is ab2d migrate.
type migrateCommand struct {
	stateConfig
	encryptionConfig
	Finish bool `help:"Every process on the database runs this release: loads write only what they change from now on. Processes of the former release would not see these claims."`
}

// Run brings the database's tables up to date, which every other command does,
// too, when it starts, and applies today's allow-list to stored claims. It says whether
// the upgrade has to be finished, or finishes it.
func (c *migrateCommand) Run(ctx context.Context, s streams) (err error) {
	c.complete()
	db, err := openStore(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := encryptClaims(ctx, &c.encryptionConfig, db); err != nil {
		return err
	}
	n, err := db.ApplyAllowList(ctx)
	if err != nil {
		return loadInProgress(err)
	}
	fmt.Fprintln(s.out, "The tables of the database are up to date")
	if n > 0 {
		fmt.Fprintf(s.out, "The claims of %s were reduced by the current allow-list\n", plural(n, "enrollee"))
	}
	if c.Finish {
		if err := db.FinishUpgrade(ctx); err != nil {
			return err
		}
	}
	finished, err := db.UpgradeFinished(ctx)
	if err != nil {
		return err
	}
	if !finished {
		fmt.Fprintln(s.out, "To do: when no process of the former release runs any more, run ab2d migrate --finish. Until then imports take longer")
	}
	return nil
}
