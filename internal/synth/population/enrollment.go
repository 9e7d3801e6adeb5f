package population

import (
	"iter"
	"slices"

	"ab2d/internal/coverage"
	"ab2d/internal/synth/random"
)

// Group is the people who are enrolled with one sponsor: those of its own
// indexes, except the places that people of other groups have taken over.
type Group struct {
	first, size int          // the index of its first place, and how many it has
	vacant      map[int]bool // places whose own person does not exist
	joined      []int        // indexes of people who moved here, falling
}

// Move is a person's change from one group to another.
type Move struct {
	To    *Group
	Month coverage.Month // the first one with the new group
}

// MoveOf returns the move of a person, and false for a person who never moves.
func (s *Population) MoveOf(index int) (Move, bool) {
	m, ok := s.moves[index]
	return m, ok
}

// movesIn is how many of a thousand places are taken by a person who was with
// another group before.
const movesIn = 20

// drawMoves fills some places of each group with people of the others. A group
// has as many enrollees as it should, including those who moved.
func (s *Population) drawMoves(groups []Group) {
	seats := 0
	for i := range groups {
		seats += groups[i].size
	}
	for i := range groups {
		m := &groups[i]
		for seat := m.first; seat < m.first+m.size; seat++ {
			r := random.New(s.personKey(seat), moving)
			if _, moved := s.moves[seat]; moved || !r.Chance(movesIn) {
				continue
			}
			if who, when := s.mover(&r, m, r.Below(seats)); who >= 0 {
				s.moves[who] = Move{m, when}
				m.vacant[seat] = true
				m.joined = append(m.joined, who)
			}
		}
		slices.SortFunc(m.joined, func(a, b int) int { return b - a })
	}
}

// mover finds whether a person can move to m, and when: in a month well inside
// the time of enrollment. who is -1 if the person cannot move.
func (s *Population) mover(r *random.Stream, m *Group, index int) (who int, when coverage.Month) {
	home := s.home(index)
	if _, moved := s.moves[index]; moved || home == m || home.vacant[index] {
		return -1, 0
	}
	var p Person
	s.Demographics(&p, index)
	end := min(p.Life.Leave, p.Life.Death.Month(), EnrollmentStart+84)
	if end < p.Life.Join+12 {
		return -1, 0
	}
	return index, coverage.Month(r.Between(int(p.Life.Join)+3, int(end)-3))
}

// home returns the group that the place of an index belongs to.
func (s *Population) home(index int) *Group {
	for i := range s.groups {
		if m := &s.groups[i]; index < m.first+m.size {
			return m
		}
	}
	return nil
}

// Indexes yields the people of a group from an index downwards, which is
// upwards by id.
func (m *Group) Indexes(from int) iter.Seq[int] {
	return func(yield func(int) bool) {
		end := m.first + m.size
		for _, i := range m.joined {
			if i >= end && i <= from && !yield(i) {
				return
			}
		}
		for i := min(from, end-1); i >= m.first; i-- {
			if !m.vacant[i] && !yield(i) {
				return
			}
		}
		for _, i := range m.joined {
			if i < m.first && i <= from && !yield(i) {
				return
			}
		}
	}
}

// Enrollee computes what the roster knows about a person of group m: the
// identifiers and enrollment months at the end of month last, and whether the
// person has opted out on a day.
func (s *Population) Enrollee(m *Group, index int, last coverage.Month, day coverage.Date) coverage.Enrollee {
	var p Person
	s.Demographics(&p, index)
	e := coverage.Enrollee{
		ID: p.ID, PatientV3: coverage.EnrolleeID(p.PatientV3), MBIs: s.MBIs(index, last), Months: p.Life.months(last), OptedOut: s.OptedOut(index, day),
	}
	if moved, ok := s.moves[index]; ok {
		var here coverage.MonthSet
		if moved.To == m {
			here.AddRange(moved.Month, last)
		} else {
			here.AddRange(EnrollmentStart, moved.Month-1)
		}
		for i := range e.Months {
			e.Months[i] &= here[i]
		}
	}
	return e
}
