package synth

import (
	"time"

	"ab2d/internal/coverage"
)

// life is what happens to a person beside being ill. Nothing in it depends on
// when one asks: a later time of asking only sees more of it.
type life struct {
	join  coverage.Month // the first month of enrollment with any sponsor
	leave coverage.Month // the last month before leaving
	back  coverage.Month // the first month after coming back
	death coverage.Date  // never: alive throughout
	// hospice is the first day of hospice care, which ends with the death.
	hospice coverage.Date
}

// firstMonth is the first month with claims. Some months lie before the first
// claim that is ever delivered.
var firstMonth = coverage.MonthOf(2019, time.November)

// monthsHeld is how many months of a life there are from firstMonth on.
const monthsHeld = 1 << monthBits

// monthBits is the width of a month in the id of a claim.
const monthBits = 9

// Moments that do not come while the source is in use.
const (
	never   = coverage.Date(1 << 24)
	noMonth = coverage.Month(1 << 16)
)

// enrollmentStart is the first month in which anybody is enrolled: no claim
// before it is ever delivered.
var enrollmentStart = coverage.MonthOf(2020, time.January)

// hazards is how many of a million die in a month, by age band in 2020:
// about 3.7 % of all in a year, shaped after SSA's period life table.
var hazards = [ageBands]uint64{1_500, 1_350, 2_050, 3_150, 5_300, 11_500}

// drawLife draws the life of a person whose age and conditions are known.
func (p *person) drawLife() {
	r := streamOf(p.key, living)
	l := life{join: enrollmentStart, leave: noMonth, back: noMonth, death: never, hospice: never}
	if late := coverage.Month(r.between(1, 81)); r.chance(300) {
		l.join += late
	}
	gone, away := l.join+coverage.Month(r.between(6, 72)), coverage.Month(r.between(2, 9))
	switch r.pick([]uint16{930, 55, 15}) {
	case 1: // leaves
		l.leave = gone
	case 2: // leaves and rejoins
		l.leave, l.back = gone, gone+away
	}
	l.death = deathDay(&r, p.band, l.join+1)
	before := coverage.Date(r.between(4, 120))
	if p.terminal = p.fatal(&r); p.terminal != anyone && r.chance(750) && l.death != never {
		l.hospice = l.death - before
	}
	p.hospiceAt = r.below(len(hospicePlaces))
	p.life = l
}

// deathDay draws the day of death, month by month from the first possible one.
func deathDay(r *stream, band int, from coverage.Month) coverage.Date {
	const all = 1 << 32
	fate, alive := r.next()>>32, uint64(all)
	day := r.next()
	for m := from; m < firstMonth+monthsHeld; m++ {
		alive -= alive * hazards[band] / 1_000_000
		if fate >= alive {
			first := m.First()
			return first + coverage.Date(day%uint64((m+1).First()-first))
		}
	}
	return never
}

// fatal draws of which of the person's conditions one would die in hospice
// care; anyone when there is none.
func (p *person) fatal(r *stream) int {
	for _, c := range []int{cancer, dementia, heartFailure, copd, kidney} {
		if p.condition(c) && r.chance(850) {
			return c
		}
	}
	return anyone
}

// months are those of enrollment with any sponsor up to last.
func (l *life) months(last coverage.Month) (set coverage.MonthSet) {
	if l.death != never {
		last = min(last, l.death.Month())
	}
	set.AddRange(l.join, min(l.leave, last))
	set.AddRange(l.back, last)
	return set
}

// optedOut tells whether a person does not share claims on a day. Some change
// their mind, and some will do so in the years to come.
func (s *Population) optedOut(index int, day coverage.Date) bool {
	r := streamOf(s.personKey(index), sharing)
	kind := r.below(1000)
	early := coverage.DateOf(2020, time.January, 1) + coverage.Date(r.below(2000))
	later := coverage.DateOf(2026, time.January, 1) + coverage.Date(r.below(3650))
	switch {
	case kind < 27: // for good
		return day >= early
	case kind < 32: // for a while
		return day >= early && day < early+coverage.Date(r.between(60, 700))
	case kind < 45:
		return day >= later
	}
	return false
}

// mbis are a person's identifiers in a month, the current one first: now and
// then a card is lost or stolen, and a new one issued.
func (s *Population) mbis(index int, month coverage.Month) []coverage.MBI {
	r := streamOf(s.personKey(index), cards)
	cards := 1 + r.pick([]uint16{944, 50, 5, 1})
	issued := enrollmentStart
	list := make([]coverage.MBI, 0, 1)
	for version := range cards {
		if version > 0 {
			issued += coverage.Month(r.between(2, 96))
		}
		if issued > month && version > 0 {
			break
		}
		list = append([]coverage.MBI{s.mbi(index, version)}, list...)
	}
	return list
}
