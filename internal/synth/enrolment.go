package synth

import (
	"iter"
	"slices"

	"ab2d/internal/coverage"
)

// member is a sponsor and who is enrolled with it: the people of its own
// indexes, except the seats that people of other sponsors have taken over.
type member struct {
	Sponsor
	first  int          // index of its first seat
	vacant map[int]bool // seats whose own person does not exist
	joined []int        // indexes of people who moved here, falling
}

// move is a person's change from one sponsor to another.
type move struct {
	to    *member
	month coverage.Month // the first one with the new sponsor
}

// movesIn is how many of a thousand seats are taken by somebody who was
// with another of the sponsors before.
const movesIn = 20

// drawMoves fills some seats of each member with people of the others, so that
// a sponsor has as many enrollees as it should, those who moved included.
func (s *Source) drawMoves(members []member) {
	seats := 0
	for i := range members {
		seats += members[i].Enrollees
	}
	for i := range members {
		m := &members[i]
		for seat := m.first; seat < m.first+m.Enrollees; seat++ {
			r := streamOf(s.personKey(seat), moving)
			if _, moved := s.moves[seat]; moved || !r.chance(movesIn) {
				continue
			}
			if who, when := s.mover(&r, m, r.below(seats)); who >= 0 {
				s.moves[who] = move{m, when}
				m.vacant[seat] = true
				m.joined = append(m.joined, who)
			}
		}
		slices.SortFunc(m.joined, func(a, b int) int { return b - a })
	}
}

// mover finds whether a person can move to m, and when: in a month well
// inside the time of enrolment. who is -1 when not.
func (s *Source) mover(r *stream, m *member, index int) (who int, when coverage.Month) {
	home := s.home(index)
	if _, moved := s.moves[index]; moved || home == m || home.vacant[index] {
		return -1, 0
	}
	var p person
	s.bear(&p, index)
	end := min(p.life.leave, p.life.death.Month(), enrolmentStart+84)
	if end < p.life.join+12 {
		return -1, 0
	}
	return index, coverage.Month(r.between(int(p.life.join)+3, int(end)-3))
}

// home is the member whose seat an index is.
func (s *Source) home(index int) *member {
	for i := range s.members {
		if m := &s.members[i]; index < m.first+m.Enrollees {
			return m
		}
	}
	return nil
}

// indexes gives the people of a member from an index downwards, which is
// upwards by id.
func (m *member) indexes(from int) iter.Seq[int] {
	return func(yield func(int) bool) {
		end := m.first + m.Enrollees
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

// enrollee computes what the roster knows about a person of a member at the
// end of month last: identifiers and enrolment months; and on a day: opt-out.
func (s *Source) enrollee(m *member, index int, last coverage.Month, day coverage.Date) coverage.Enrollee {
	var p person
	s.bear(&p, index)
	e := coverage.Enrollee{
		ID: p.id, MBIs: s.mbis(index, last), Months: p.life.months(last), OptedOut: s.optedOut(index, day),
	}
	if moved, ok := s.moves[index]; ok {
		var here coverage.MonthSet
		if moved.to == m {
			here.AddRange(moved.month, last)
		} else {
			here.AddRange(enrolmentStart, moved.month-1)
		}
		for i := range e.Months {
			e.Months[i] &= here[i]
		}
	}
	return e
}
