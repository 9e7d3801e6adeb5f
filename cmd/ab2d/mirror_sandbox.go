package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"ab2d/internal/ingest"
	"ab2d/internal/mirror"
	"ab2d/internal/synth"
)

// copyFirst fills a sandbox from an upstream server, before anybody can use it. If
// the database has no contracts, it gets those of the tutorial.
func copyFirst(ctx context.Context, srv *server, s streams) error {
	contracts, err := srv.db.Contracts(ctx)
	if err != nil {
		return err
	}
	if len(contracts) == 0 {
		if err := addTutorialContracts(ctx, srv); err != nil {
			return err
		}
	}
	sum, err := srv.mirror.Once(ctx)
	printMirrored(s.out, sum)
	if errors.Is(err, mirror.ErrUnreachable) {
		return fmt.Errorf("--mirror-source: %w", err)
	}
	return err
}

// addTutorialContracts stores the contracts of the tutorial's sponsors.
func addTutorialContracts(ctx context.Context, srv *server) error {
	set, err := synth.New(1, srv.now).Dataset(srv.now()) // every seed has the same contracts
	if err != nil {
		return err
	}
	var csv bytes.Buffer
	if err := set.WriteContracts(&csv); err != nil {
		return err
	}
	file, err := ingest.ReadContracts(&csv, "the tutorial", false, func(ingest.ContractsReport) {})
	if err != nil {
		return err
	}
	return file.Store(ctx, srv.db)
}
