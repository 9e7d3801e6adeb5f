package synth

import (
	"time"

	"ab2d/internal/coverage"
)

const (
	slotsPerMonth = 1 << slotBits
	careSlots     = 16 // of them; the others are for an episode's steps
	hospiceSlot   = slotsPerMonth - 1
)

// Milliseconds in a day and in an hour.
const (
	dayMillis  = 86_400_000
	hourMillis = 3_600_000
)

// occupied draws which of the first slots of a month hold a claim of everyday
// care, one bit a slot: sixteen tries of a small chance each, which is close
// to a Poisson count.
func occupied(p *person, month coverage.Month) (set uint16) {
	r := streamOf(derive(p.key, slots), uint64(month))
	var word uint64
	for i := range careSlots {
		if i%4 == 0 { // a draw is four tries of sixteen bits
			word = r.next()
		}
		if word&0xffff < p.perSlot {
			set |= 1 << i
		}
		word >>= 16
	}
	return set
}

// place makes c the claim of a slot, and returns the stream of its facts.
func (c *claim) place(p *person, month coverage.Month, slot int) stream {
	c.key = derive(derive(p.key, uint64(month)), uint64(slot))
	c.month, c.slot = int(month-firstMonth), slot
	c.stay, c.nature = nil, ordinary
	return streamOf(c.key, facts)
}

// drawFacts computes the type, days and history of a slot's claim of everyday
// care. days is the length of the month.
func (c *claim) drawFacts(p *person, month coverage.Month, first coverage.Date, days, slot int) {
	r := c.place(p, month, slot)
	t := coverage.ClaimType(r.pick(p.types[:]))
	start := first + coverage.Date(r.below(days))
	if c.nature = drawNature(&r); c.nature != ordinary {
		t = c.nature.typeOf(&r, t)
	}
	end := start + coverage.Date(length(&r, t))
	c.serve(p, &r, t, start, end)
}

// stepFacts computes the same of a step of an episode.
func (c *claim) stepFacts(p *person, month coverage.Month, slot int, stay *stay, s step) {
	r := c.place(p, month, slot)
	c.stay = stay
	c.serve(p, &r, s.kind, s.start, s.end)
}

// serve sets patient, type and days, cut at the death, and draws the history.
func (c *claim) serve(p *person, r *stream, t coverage.ClaimType, start, end coverage.Date) {
	end = min(end, p.life.death)
	c.Claim = coverage.Claim{Patient: p.id, Type: t, Start: start, End: end, HasStart: true, HasEnd: true}
	c.kind = &claimTypes[t]
	switch c.nature {
	case stranger:
		c.Patient = strangers - coverage.EnrolleeID(p.index)
	case endless:
		c.HasEnd = false
	}
	c.history = drawHistory(r, t, end)
}

// length draws how many days after its start a service of everyday care ends.
func length(r *stream, t coverage.ClaimType) int {
	n := r.below(1000)
	switch t {
	case coverage.Carrier:
		if n >= 950 {
			return r.between(1, 3)
		}
	case coverage.Outpatient:
		if n >= 850 { // a series, billed together
			return r.between(6, 29)
		}
	case coverage.DME:
		if n >= 550 { // a month's rent
			return 29
		}
	case coverage.HHA:
		return 29
	case coverage.Inpatient:
		return 1 + r.below(9)
	}
	return 0
}

// asOf makes c one of its versions as it stands at a moment; false when it
// is not there yet. start and end are the days of the first version.
func (c *claim) asOf(version int, at int64, start, end, death coverage.Date) bool {
	stamp, cancelled, there := c.history.at(version, at)
	if !there {
		return false
	}
	c.version, c.cancelled, c.millis = version, cancelled, stamp
	c.LastUpdated = time.UnixMilli(stamp).UTC()
	c.Start, c.End = start, end
	if moved := coverage.Date(c.history.shift); version > 0 && version == c.history.versions-1 && end+moved <= death {
		c.Start, c.End = start+moved, end+moved
	}
	return true
}
