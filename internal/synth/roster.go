package synth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
	"ab2d/internal/fhir"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/population"
)

// Contract returns a contract. It returns export.ErrNoContract if there is none.
func (s *Source) Contract(_ context.Context, number string) (coverage.Contract, error) {
	m, err := s.contract(number)
	if err != nil {
		return coverage.Contract{}, err
	}
	return m.facts(), nil
}

// Snapshot names the enrollment and the claims as they are now, for example
// synth-2.seed-42.20261124T080000.000Z: generator version, seed and moment (UTC).
func (s *Source) Snapshot(_ context.Context, contract string) (string, error) {
	if _, err := s.contract(contract); err != nil {
		return "", err
	}
	return s.prefix() + s.now().UTC().Format(snapshotTime), nil
}

// Freshness returns how fresh the data are. The enrollment is that of the current
// month, from its first day. Claims are loaded every Saturday night, and those of
// version 3 every Monday.
func (s *Source) Freshness(_ context.Context, contract string, v fhir.Version) (export.Freshness, error) {
	m, err := s.contract(contract)
	if err != nil {
		return export.Freshness{}, err
	}
	now, load := s.now().UTC(), claimgen.LastLoad
	if v == fhir.V3 {
		load = claimgen.LastLoadV3
	}
	return export.Freshness{
		Enrollment: time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC),
		Enrollees:  int64(m.Enrollees),
		LastLoad:   time.UnixMilli(load(now.UnixMilli())).UTC(),
	}, nil
}

const snapshotTime = "20060102T150405.000Z"

func (s *Source) prefix() string {
	return fmt.Sprintf("synth-%d.seed-%d.", population.GeneratorVersion, s.seed)
}

// snapshotAt returns the moment in the name of a snapshot. A snapshot of another
// generator version or seed is of other people. It returns export.ErrNoSnapshot.
func (s *Source) snapshotAt(snapshot string) (time.Time, error) {
	moment, ok := strings.CutPrefix(snapshot, s.prefix())
	if !ok {
		return time.Time{}, fmt.Errorf("snapshot %q is not of this synthetic source, whose snapshots begin with %s: %w", snapshot, s.prefix(), export.ErrNoSnapshot)
	}
	t, err := time.Parse(snapshotTime, moment)
	if err != nil {
		return time.Time{}, fmt.Errorf("snapshot %q does not end with a moment %s: %w", snapshot, snapshotTime, export.ErrNoSnapshot)
	}
	return t, nil
}

// Enrollees lists up to limit enrollees with from <= id, in ascending order of
// id. Its cost depends only on limit, not on the size of the contract.
func (s *Source) Enrollees(ctx context.Context, contract, snapshot string, from coverage.EnrolleeID, limit int) ([]coverage.Enrollee, error) {
	m, err := s.contract(contract)
	if err != nil {
		return nil, err
	}
	at, err := s.snapshotAt(snapshot)
	if err != nil {
		return nil, err
	}
	page := make([]coverage.Enrollee, 0, max(0, min(limit, m.Enrollees)))
	if limit < 1 {
		return page, nil
	}
	last, today := coverage.MonthOf(at.Year(), at.Month()), coverage.Date(s.now().Unix()/86_400)
	for index := range m.group.Indexes(s.population.IndexAt(from)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if page = append(page, s.population.Enrollee(m.group, index, last, today)); len(page) == limit {
			break
		}
	}
	return page, nil
}

// Members finds patients, in ascending order of id. Its cost depends only on how
// many they are.
func (s *Source) Members(ctx context.Context, contract, snapshot string, v fhir.Version, patients []coverage.EnrolleeID) ([]coverage.Enrollee, error) {
	ids := make([]coverage.EnrolleeID, 0, len(patients))
	for _, id := range patients {
		known := true
		if v == fhir.V3 {
			id, known = s.population.IDOfPatientV3(id)
		}
		if known {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	members := []coverage.Enrollee{}
	for _, id := range slices.Compact(ids) {
		next, err := s.Enrollees(ctx, contract, snapshot, id, 1)
		if err != nil {
			return nil, err
		}
		if len(next) > 0 && next[0].ID == id {
			members = append(members, next[0])
		}
	}
	return members, nil
}
