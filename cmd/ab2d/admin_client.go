package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"ab2d/internal/auth"
	"ab2d/internal/coverage"
)

type adminClientCommand struct {
	Add adminClientAddCommand `cmd:"" help:"Make an OAuth2 client of a contract, and print its id and secret, this once."`
}

type adminClientAddCommand struct {
	stateConfig
	Contract string `arg:"" help:"The contract's number."`
	MaxJobs  int    `help:"Exports that the contract may have under way at once." default:"1" placeholder:"N"`
}

// Run makes a client. Only a hash of its secret is kept.
func (c *adminClientAddCommand) Run(ctx context.Context, s streams) (err error) {
	if !coverage.ValidContractNumber(c.Contract) {
		return &usageError{fmt.Errorf("contract %q is not a capital letter and four digits, for example S1234", c.Contract)}
	}
	if c.MaxJobs < 1 {
		return &usageError{fmt.Errorf("--max-jobs=%d: give 1 or more", c.MaxJobs)}
	}
	c.complete()
	db, err := openStore(ctx, &c.stateConfig, time.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	id, secret := rand.Text(), rand.Text()+rand.Text()
	hash, err := auth.HashSecret(secret)
	if err != nil {
		return err
	}
	client := auth.Client{ID: id, Contract: c.Contract, Secrets: []string{hash}, Enabled: true, MaxJobs: c.MaxJobs}
	if err := db.AddClient(ctx, client); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "client id      %s\nclient secret  %s\n", id, secret)
	return nil
}
