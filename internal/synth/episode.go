package synth

import "ab2d/internal/coverage"

// episode is an illness that takes a person to hospital, and what follows from
// it: nursing facility, home health care, equipment, a visit to the clinic,
// and now and then the hospital again. All of it counts to the month of the
// admission, wherever its days lie.
type episode struct {
	stay  *stay
	steps list[step]
}

// step is one claim of an episode.
type step struct {
	kind       coverage.ClaimType // a carrier claim is the ambulance
	start, end coverage.Date
}

// maxSteps leaves the last of an episode's slots to hospice care.
const maxSteps = slotsPerMonth - careSlots - 1

// admissions is the chance of an admission in a month, of 65536.
func admissions(p *person, month coverage.Month) int {
	chance := p.perMonth
	if p.life.death != never && p.life.death.Month()-month <= 2 {
		chance = chance*4 + 4_000
	}
	return min(chance, 30_000)
}

// draw makes the episode that begins in a month, if one does.
func (e *episode) draw(p *person, month coverage.Month, first coverage.Date, days int) {
	e.steps.count = 0
	r := streamOf(derive(p.key, episodes), uint64(month))
	if r.below(65536) >= admissions(p, month) {
		return
	}
	var weights [len(stays)]uint16
	for i := range stays {
		weights[i] = weightFor(&stays[i], p)
	}
	e.stay = &stays[r.pick(weights[:])]
	admitted := first + coverage.Date(r.below(days))
	discharged := e.admit(&r, p, admitted)
	home := e.recover(&r, p, discharged)
	again := 70
	if p.condition(heartFailure) {
		again = 200
	}
	if back := home + coverage.Date(r.between(4, 28)); r.chance(again) {
		e.admit(&r, p, back)
	}
}

// weightFor is how often a person is admitted for this among all stays.
func weightFor(s *stay, p *person) uint16 {
	switch {
	case s.of == anyone:
		return s.weight
	case p.condition(s.of):
		return 4 * s.weight
	case s.of == cancer:
		return 0
	}
	return s.weight
}

// admit adds a stay in hospital, and returns the day of discharge.
func (e *episode) admit(r *stream, p *person, on coverage.Date) coverage.Date {
	length := 1 + r.below(2*e.stay.days)
	if r.chance(60) {
		length += r.between(7, 24)
	}
	out := on + coverage.Date(length)
	if !e.stay.planned && r.chance(450) {
		e.add(p, step{coverage.Carrier, on, on})
	}
	e.add(p, step{coverage.Inpatient, on, out})
	return out
}

// recover adds what follows a stay, and returns the day on which the person
// is at home again.
func (e *episode) recover(r *stream, p *person, from coverage.Date) coverage.Date {
	if r.chance(e.stay.nursing) {
		from = e.nurse(p, from, r.between(8, 45))
	}
	if r.chance(e.stay.homeCare) {
		for start, more := from+1, r.between(1, 2); more > 0; more-- {
			e.add(p, step{coverage.HHA, start, start + 29})
			start += 30
		}
	}
	if e.stay.aid != nil && r.chance(650) {
		e.add(p, step{coverage.DME, from, from})
	}
	if visit := from + coverage.Date(r.between(7, 21)); r.chance(500) {
		e.add(p, step{coverage.Outpatient, visit, visit})
	}
	return from
}

// nurse adds days in a skilled nursing facility, which are billed by the
// calendar month, and returns the last of them.
func (e *episode) nurse(p *person, from coverage.Date, days int) coverage.Date {
	last := from + coverage.Date(days)
	for start := from; start <= last; {
		end := min(last, start.Month().Last())
		e.add(p, step{coverage.SNF, start, end})
		start = end + 1
	}
	return last
}

// add adds a step, cut at the death. In hospice care nobody begins one.
func (e *episode) add(p *person, s step) {
	if s.start > p.life.death || s.start >= p.life.hospice || e.steps.count == maxSteps {
		return
	}
	s.end = min(s.end, p.life.death)
	e.steps.add(s)
}

// hospiceIn is the part of the hospice care that lies in a month.
func hospiceIn(l *life, first, last coverage.Date) (step, bool) {
	s := step{coverage.Hospice, max(first, l.hospice), min(last, l.death)}
	return s, s.start <= s.end
}
