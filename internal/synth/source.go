package synth

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"ab2d/internal/export"
	"ab2d/internal/synth/population"
)

// Source computes synthetic people and claims. It implements export.Roster and
// export.Claims, and is safe for concurrent use.
type Source struct {
	seed       uint64
	now        func() time.Time
	members    []member
	population *population.Population
	desks      sync.Pool
}

// member is a sponsor with the people who are enrolled with it.
type member struct {
	Sponsor
	group *population.Group
}

var (
	_ export.Roster = (*Source)(nil)
	_ export.Claims = (*Source)(nil)
)

// New makes the source of the sandbox's sponsors. The same seed always gives
// the same people and claims. New asks now only for snapshot names and opt-outs.
// The sponsors in more come after those of the sandbox and change nothing about
// them.
func New(seed uint64, now func() time.Time, more ...Sponsor) *Source {
	sponsors := Sponsors()
	return newSource(seed, now, append(sponsors, more...), len(sponsors))
}

// NewPopulation makes a source that has only the given sponsors.
func NewPopulation(seed uint64, now func() time.Time, sponsors ...Sponsor) *Source {
	return newSource(seed, now, sponsors, len(sponsors))
}

// Source names what decides the people and claims: the generator version, the
// seed and the contracts.
func (s *Source) Source() string {
	var contracts []string
	for _, m := range s.members {
		contracts = append(contracts, fmt.Sprintf("%s:%d", m.Contract, m.Enrollees))
	}
	return fmt.Sprintf("synthetic:generator=%d,seed=%d,contracts=%s", population.GeneratorVersion, s.seed, strings.Join(contracts, "+"))
}

// newSource makes a source whose people move between the first moving sponsors.
func newSource(seed uint64, now func() time.Time, sponsors []Sponsor, moving int) *Source {
	sizes := make([]int, len(sponsors))
	for i := range sponsors {
		sizes[i] = sponsors[i].Enrollees
	}
	s := &Source{
		seed: seed, now: now, population: population.New(seed, sizes, moving),
		desks: sync.Pool{New: func() any { return new(desk) }},
	}
	for i, p := range sponsors {
		s.members = append(s.members, member{Sponsor: p, group: s.population.Group(i)})
	}
	return s
}

// contract finds the sponsor of a contract. It returns export.ErrNoContract if
// there is none.
func (s *Source) contract(number string) (*member, error) {
	for i := range s.members {
		if s.members[i].Contract == number {
			return &s.members[i], nil
		}
	}
	return nil, fmt.Errorf("synthetic contract %q: %w", number, export.ErrNoContract)
}
