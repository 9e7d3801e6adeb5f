package synth

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/export"
)

// generator is the version of everything this package computes. It changes
// when the same seed gives other people or other claims.
const generator = 2

// firstID is the id of the person of index 0; those after it go downwards,
// as the ids of CMS's synthetic beneficiaries do.
const firstID coverage.EnrolleeID = -10_000_000_000_000

// Source computes synthetic people and claims. Safe for concurrent use.
type Source struct {
	seed    uint64
	now     func() time.Time
	members []member // in the order of their first index
	people  int      // over all contracts
	moves   map[int]move
	desks   sync.Pool
}

var (
	_ export.Roster = (*Source)(nil)
	_ export.Claims = (*Source)(nil)
)

// New makes the source of the sandbox's sponsors. The same seed always gives
// the same people and claims. now is asked only for what Snapshot names and
// for opt-outs. More sponsors come after those of the sandbox and change
// nothing about them.
func New(seed uint64, now func() time.Time, more ...Sponsor) *Source {
	s := newSource(seed, now, append(Sponsors(), more...))
	s.drawMoves(s.members[:len(s.members)-len(more)])
	return s
}

// NewPopulation makes a source of other sponsors only.
func NewPopulation(seed uint64, now func() time.Time, sponsors ...Sponsor) *Source {
	s := newSource(seed, now, sponsors)
	s.drawMoves(s.members)
	return s
}

// Source names what decides the people and claims: the version of what this
// package computes, the seed and the contracts.
func (s *Source) Source() string {
	var contracts []string
	for _, m := range s.members {
		contracts = append(contracts, fmt.Sprintf("%s:%d", m.Contract, m.Enrollees))
	}
	return fmt.Sprintf("synthetic:generator=%d,seed=%d,contracts=%s", generator, s.seed, strings.Join(contracts, "+"))
}

func newSource(seed uint64, now func() time.Time, sponsors []Sponsor) *Source {
	s := &Source{seed: seed, now: now, moves: map[int]move{}, desks: sync.Pool{New: func() any { return new(desk) }}}
	for _, p := range sponsors {
		s.members = append(s.members, member{Sponsor: p, first: s.people, vacant: map[int]bool{}})
		s.people += p.Enrollees
	}
	return s
}

// contract finds the sponsor of a contract; export.ErrNoContract when absent.
func (s *Source) contract(number string) (*member, error) {
	for i := range s.members {
		if s.members[i].Contract == number {
			return &s.members[i], nil
		}
	}
	return nil, fmt.Errorf("synthetic contract %q: %w", number, export.ErrNoContract)
}

// personKey is the key of all streams of a person.
func (s *Source) personKey(index int) uint64 { return derive(mix(s.seed+generator), uint64(index)) }
