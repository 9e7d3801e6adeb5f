package synth

import (
	"time"

	"ab2d/internal/coverage"
)

// enrolmentStart is the first month in which anybody is enrolled: no claim
// before it is ever delivered.
var enrolmentStart = coverage.MonthOf(2020, time.January)

// enrollee computes what the roster knows about a person at the end of month
// last: identifiers, enrolment months, opt-out.
func (s *Source) enrollee(index int, last coverage.Month) coverage.Enrollee {
	r := streamOf(s.personKey(index), enrolment)
	e := coverage.Enrollee{ID: firstID - coverage.EnrolleeID(index), Months: months(&r, last)}
	e.OptedOut = r.chance(20)
	e.MBIs = []coverage.MBI{s.mbi(index, 0)}
	if r.chance(50) {
		e.MBIs = append(e.MBIs, s.mbi(index, 1))
	}
	return e
}

// months draws the enrolment: most people from the start on, others joining
// later; a few leave, and a few of them come back. The draws do not depend on
// last, so that a later snapshot only adds months.
func months(r *stream, last coverage.Month) (set coverage.MonthSet) {
	join := enrolmentStart
	if late := coverage.Month(r.between(1, 71)); r.chance(150) {
		join += late
	}
	leave, away := join+coverage.Month(r.between(6, 72)), coverage.Month(r.between(2, 9))
	switch r.pick([]uint16{930, 45, 25}) {
	case 0: // stays
		set.AddRange(join, last)
	case 1: // leaves
		set.AddRange(join, min(leave, last))
	case 2: // leaves and rejoins
		set.AddRange(join, min(leave, last))
		set.AddRange(leave+away, last)
	}
	return set
}
