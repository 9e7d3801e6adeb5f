package main

import (
	"context"
	"fmt"
)

// migrateCommand is ab2d migrate.
type migrateCommand struct {
	stateConfig
}

// Run brings the database's tables up to date. Every other command does so
// too when it starts; this one is for those who want it done before.
func (c *migrateCommand) Run(ctx context.Context, s streams) error {
	c.complete()
	db, err := openStore(ctx, &c.stateConfig)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, "The database's tables are up to date")
	return db.Close()
}
