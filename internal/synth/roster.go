package synth

import (
	"context"
	"fmt"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
)

// Contract finds a contract of a sponsor; export.ErrNoContract when absent.
func (s *Source) Contract(_ context.Context, number string) (coverage.Contract, error) {
	m, err := s.contract(number)
	if err != nil {
		return coverage.Contract{}, err
	}
	return coverage.Contract{Number: m.Contract, Sponsor: m.Name, Attested: attested, HasAttested: true}, nil
}

// Snapshot names the enrolment up to the current month (UTC), for example
// synth-1.seed-42.2026-11: generator version, seed and month.
func (s *Source) Snapshot(_ context.Context, contract string) (string, error) {
	if _, err := s.contract(contract); err != nil {
		return "", err
	}
	return s.prefix() + s.now().UTC().Format(snapshotMonth), nil
}

// Freshness: the enrolment is that of the current month, from its first day.
func (s *Source) Freshness(_ context.Context, contract string, _ fhir.Version) (export.Freshness, error) {
	m, err := s.contract(contract)
	if err != nil {
		return export.Freshness{}, err
	}
	now := s.now().UTC()
	return export.Freshness{Enrolment: time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC), Enrollees: int64(m.Enrollees)}, nil
}

const snapshotMonth = "2006-01"

func (s *Source) prefix() string { return fmt.Sprintf("synth-%d.seed-%d.", generator, s.seed) }

// lastMonth reads the month out of a snapshot's name. A name of another
// generator version or seed would mean other people, so it is an error.
func (s *Source) lastMonth(snapshot string) (coverage.Month, error) {
	prefix := s.prefix()
	if len(snapshot) != len(prefix)+len(snapshotMonth) || snapshot[:len(prefix)] != prefix {
		return 0, fmt.Errorf("snapshot %q is not of this synthetic source, whose snapshots are named %sYYYY-MM", snapshot, prefix)
	}
	t, err := time.Parse(snapshotMonth, snapshot[len(prefix):])
	if err != nil {
		return 0, fmt.Errorf("snapshot %q does not end with a month YYYY-MM", snapshot)
	}
	return coverage.MonthOf(t.Year(), t.Month()), nil
}

// Enrollees lists up to limit enrollees with from <= id, in ascending order of
// id. Its cost depends on limit only, not on the size of the contract.
func (s *Source) Enrollees(ctx context.Context, contract, snapshot string, from coverage.EnrolleeID, limit int) ([]coverage.Enrollee, error) {
	m, err := s.contract(contract)
	if err != nil {
		return nil, err
	}
	last, err := s.lastMonth(snapshot)
	if err != nil {
		return nil, err
	}
	// Ids fall as indexes rise, so ascending ids are descending indexes.
	index := m.first + m.Enrollees - 1
	switch {
	case from > firstID:
		return nil, nil
	case from > firstID-coverage.EnrolleeID(index):
		index = int(firstID - from)
	}
	page := make([]coverage.Enrollee, 0, max(0, min(limit, index-m.first+1)))
	for ; index >= m.first && len(page) < limit; index-- {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		page = append(page, s.enrollee(index, last))
	}
	return page, nil
}
