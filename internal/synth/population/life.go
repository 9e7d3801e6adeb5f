package population

import (
	"sort"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/random"
)

// Life holds the events of a person's enrollment and death. It does not depend on
// the time at which it is asked for: a later time only shows more of it.
type Life struct {
	Join  coverage.Month // first month of enrollment with any sponsor
	Leave coverage.Month // the last month before leaving
	Back  coverage.Month // the first month after coming back
	Death coverage.Date  // Never if the person stays alive
	// hospice is the first day of hospice care, which ends with the death.
	Hospice coverage.Date
}

// FirstMonth is the first month with claims. Some months lie before the first
// claim that is ever delivered.
var FirstMonth = coverage.MonthOf(2019, time.November)

// MonthsHeld is how many months of a life there are from firstMonth on.
const MonthsHeld = 1 << MonthBits

// MonthBits is the width of a month in the id of a claim.
const MonthBits = 9

// Moments that lie after everything that the source computes.
const (
	Never   = coverage.Date(1 << 24)
	noMonth = coverage.Month(1 << 16)
)

// EnrollmentStart is the first month of any enrollment. No claim before it is ever
// delivered.
var EnrollmentStart = coverage.MonthOf(2020, time.January)

// hazards is how many of a million die in a month, by age band in 2020:
// about 3.7 % of all in a year, shaped after SSA's period life table.
var hazards = [codes.AgeBands]uint64{1_500, 1_350, 2_050, 3_150, 5_300, 11_500}

// drawLife draws the life of a person. It needs the age and the conditions.
func (p *Person) drawLife() {
	r := random.New(p.Key, living)
	l := Life{Join: EnrollmentStart, Leave: noMonth, Back: noMonth, Death: Never, Hospice: Never}
	if late := coverage.Month(r.Between(1, 81)); r.Chance(300) {
		l.Join += late
	}
	gone, away := l.Join+coverage.Month(r.Between(6, 72)), coverage.Month(r.Between(2, 9))
	switch r.Pick([]uint16{930, 55, 15}) {
	case 1: // leaves
		l.Leave = gone
	case 2: // leaves and rejoins
		l.Leave, l.Back = gone, gone+away
	}
	l.Death = deathDay(&r, p.AgeBand, l.Join+1)
	before := coverage.Date(r.Between(4, 120))
	if p.Terminal = p.fatal(&r); p.Terminal != codes.AnyCondition && r.Chance(750) && l.Death != Never {
		l.Hospice = l.Death - before
	}
	p.HospiceAt = r.Below(len(codes.HospicePlaces))
	p.Life = l
}

// all is how many of a band there are when counting begins, so that a fate is 32 bits.
const all = 1 << 32

// survivors is how many of all are alive after so many months, by age band.
var survivors = countSurvivors()

func countSurvivors() (alive [codes.AgeBands][MonthsHeld]uint64) {
	for band := range alive {
		left := uint64(all)
		for months := range alive[band] {
			left -= left * hazards[band] / 1_000_000
			alive[band][months] = left
		}
	}
	return alive
}

// deathDay draws the day of death, of the first possible month or later: that of the
// first month after which fewer are alive than the person's fate says.
func deathDay(r *random.Stream, band int, from coverage.Month) coverage.Date {
	fate, day := r.Next()>>32, r.Next()
	left := survivors[band][:max(0, FirstMonth+MonthsHeld-from)]
	if len(left) == 0 || fate < left[len(left)-1] {
		return Never
	}
	months := sort.Search(len(left), func(n int) bool { return fate >= left[n] })
	m := from + coverage.Month(months)
	first := m.First()
	return first + coverage.Date(day%uint64((m+1).First()-first))
}

// fatal draws the condition that the person would die of in hospice care. It
// returns codes.AnyCondition if there is none.
func (p *Person) fatal(r *random.Stream) int {
	for _, c := range []int{codes.Cancer, codes.Dementia, codes.HeartFailure, codes.COPD, codes.KidneyDisease} {
		if p.Condition(c) && r.Chance(850) {
			return c
		}
	}
	return codes.AnyCondition
}

// months returns the months of enrollment with any sponsor, up to last.
func (l *Life) months(last coverage.Month) (set coverage.MonthSet) {
	if l.Death != Never {
		last = min(last, l.Death.Month())
	}
	set.AddRange(l.Join, min(l.Leave, last))
	set.AddRange(l.Back, last)
	return set
}

// OptedOut reports whether a person has opted out of data sharing on a day. Some
// people opt back in, and some will opt out in the years to come.
func (s *Population) OptedOut(index int, day coverage.Date) bool {
	r := random.New(s.personKey(index), sharing)
	kind := r.Below(1000)
	early := coverage.DateOf(2020, time.January, 1) + coverage.Date(r.Below(2000))
	later := coverage.DateOf(2026, time.January, 1) + coverage.Date(r.Below(3650))
	switch {
	case kind < 27: // for good
		return day >= early
	case kind < 32: // for a while
		return day >= early && day < early+coverage.Date(r.Between(60, 700))
	case kind < 45:
		return day >= later
	}
	return false
}

// MBIs returns the MBIs of a person in a month, the current one first. Now and then
// a card is lost or stolen, and a new MBI is issued.
func (s *Population) MBIs(index int, month coverage.Month) []coverage.MBI {
	r := random.New(s.personKey(index), cards)
	cards := 1 + r.Pick([]uint16{944, 50, 5, 1})
	issued := EnrollmentStart
	list := make([]coverage.MBI, 0, 1)
	for version := range cards {
		if version > 0 {
			issued += coverage.Month(r.Between(2, 96))
		}
		if issued > month && version > 0 {
			break
		}
		list = append([]coverage.MBI{s.mbi(index, version)}, list...)
	}
	return list
}
