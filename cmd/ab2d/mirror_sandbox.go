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
func copyFirst(ctx context.Context, srv *server, seed uint64, s streams) error {
	contracts, err := srv.db.Contracts(ctx)
	if err != nil {
		return err
	}
	if len(contracts) == 0 {
		if err := addTutorialContracts(ctx, srv, seed); err != nil {
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

// addTutorialContracts stores the contracts of the tutorial's sponsors, and the
// opt-outs of their enrollees, which no upstream server has.
func addTutorialContracts(ctx context.Context, srv *server, seed uint64) error {
	set, err := synth.New(seed, srv.now).Dataset(srv.now())
	if err != nil {
		return err
	}
	var contracts, optOuts bytes.Buffer
	if err := errors.Join(set.WriteContracts(&contracts), set.WriteOptOuts(&optOuts)); err != nil {
		return err
	}
	first, err := ingest.ReadContracts(&contracts, "the tutorial", false, func(ingest.ContractsReport) {})
	if err != nil {
		return err
	}
	second, err := ingest.ReadOptOuts(&optOuts, "the tutorial", srv.now(), func(ingest.OptOutsReport) {})
	if err != nil {
		return err
	}
	return errors.Join(first.Store(ctx, srv.db), second.Store(ctx, srv.db))
}
