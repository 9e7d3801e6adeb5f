package claimgen

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/population"
	"ab2d/internal/synth/random"
)

// episode is a hospital stay and the care that follows it: nursing facility, home
// health care, equipment, a visit to the clinic, and sometimes the hospital again.
// All of it belongs to the month of the admission, even if its days lie later.
type episode struct {
	stay  *codes.Stay
	steps List[step]
}

// step is one claim of an episode.
type step struct {
	kind       coverage.ClaimType // a carrier claim is the ambulance
	start, end coverage.Date
}

// maxSteps leaves the last of an episode's slots to hospice care.
const maxSteps = slotsPerMonth - careSlots - 1

// admissions returns the chance of an admission in a month, of 65536.
func admissions(p *population.Person, month coverage.Month) int {
	chance := p.PerMonth
	if p.Life.Death != population.Never && p.Life.Death.Month()-month <= 2 {
		chance = chance*4 + 4_000
	}
	return min(chance, 30_000)
}

// draw makes the episode that begins in a month. It has no steps if none begins.
func (e *episode) draw(p *population.Person, month coverage.Month, first coverage.Date, days int) {
	e.steps.Count = 0
	r := random.New(random.Derive(p.Key, episodes), uint64(month))
	if r.Below(65536) >= admissions(p, month) {
		return
	}
	var weights [len(codes.Stays)]uint16
	for i := range codes.Stays {
		weights[i] = weightFor(&codes.Stays[i], p)
	}
	e.stay = &codes.Stays[r.Pick(weights[:])]
	admitted := first + coverage.Date(r.Below(days))
	discharged := e.admit(&r, p, admitted)
	home := e.recover(&r, p, discharged)
	again := 70
	if p.Condition(codes.HeartFailure) {
		again = 200
	}
	if back := home + coverage.Date(r.Between(4, 28)); r.Chance(again) {
		e.admit(&r, p, back)
	}
}

// weightFor returns the weight of a stay among all stays of a person.
func weightFor(s *codes.Stay, p *population.Person) uint16 {
	switch {
	case s.Condition == codes.AnyCondition:
		return s.Weight
	case p.Condition(s.Condition):
		return 4 * s.Weight
	case s.Condition == codes.Cancer:
		return 0
	}
	return s.Weight
}

// admit adds a hospital stay and returns the day of discharge.
func (e *episode) admit(r *random.Stream, p *population.Person, on coverage.Date) coverage.Date {
	length := 1 + r.Below(2*e.stay.Days)
	if r.Chance(60) {
		length += r.Between(7, 24)
	}
	out := on + coverage.Date(length)
	if !e.stay.Planned && r.Chance(450) {
		e.add(p, step{coverage.Carrier, on, on})
	}
	e.add(p, step{coverage.Inpatient, on, out})
	return out
}

// recover adds the care that follows a stay and returns the day on which the person
// is at home again.
func (e *episode) recover(r *random.Stream, p *population.Person, from coverage.Date) coverage.Date {
	if r.Chance(e.stay.Nursing) {
		from = e.nurse(p, from, r.Between(8, 45))
	}
	if r.Chance(e.stay.HomeCare) {
		for start, more := from+1, r.Between(1, 2); more > 0; more-- {
			e.add(p, step{coverage.HHA, start, start + 29})
			start += 30
		}
	}
	if e.stay.Aid != nil && r.Chance(650) {
		e.add(p, step{coverage.DME, from, from})
	}
	if visit := from + coverage.Date(r.Between(7, 21)); r.Chance(500) {
		e.add(p, step{coverage.Outpatient, visit, visit})
	}
	return from
}

// nurse adds days in a skilled nursing facility, billed by the calendar month, and
// returns the last of them.
func (e *episode) nurse(p *population.Person, from coverage.Date, days int) coverage.Date {
	last := from + coverage.Date(days)
	for start := from; start <= last; {
		end := min(last, start.Month().Last())
		e.add(p, step{coverage.SNF, start, end})
		start = end + 1
	}
	return last
}

// add adds a step, which ends at the death at the latest. No step begins during
// hospice care.
func (e *episode) add(p *population.Person, s step) {
	if s.start > p.Life.Death || s.start >= p.Life.Hospice || e.steps.Count == maxSteps {
		return
	}
	s.end = min(s.end, p.Life.Death)
	e.steps.add(s)
}

// hospiceIn returns the part of hospice care that lies in a month, and false if
// there is none.
func hospiceIn(l *population.Life, first, last coverage.Date) (step, bool) {
	s := step{coverage.Hospice, max(first, l.Hospice), min(last, l.Death)}
	return s, s.start <= s.end
}
