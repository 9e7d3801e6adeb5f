package claimgen

import (
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/population"
	"ab2d/internal/synth/random"
)

// Slots of a month.
const (
	slotsPerMonth = 1 << slotBits
	careSlots     = 16 // for everyday care; the others are for the steps of an episode
	hospiceSlot   = slotsPerMonth - 1
)

// DayMillis is the number of milliseconds in a day.
const DayMillis = 86_400_000

const hourMillis = 3_600_000

// occupied draws which of the first slots of a month hold a claim of everyday
// care, one bit a slot: sixteen tries of a small chance each, which is close
// to a Poisson count.
func occupied(p *population.Person, month coverage.Month) (set uint16) {
	r := random.New(random.Derive(p.Key, slots), uint64(month))
	var word uint64
	for i := range careSlots {
		if i%4 == 0 { // a draw is four tries of sixteen bits
			word = r.Next()
		}
		if word&0xffff < p.PerSlot {
			set |= 1 << i
		}
		word >>= 16
	}
	return set
}

// place makes c the claim of a slot and returns the stream of its facts.
func (c *Claim) place(p *population.Person, month coverage.Month, slot int) random.Stream {
	c.key = random.Derive(random.Derive(p.Key, uint64(month)), uint64(slot))
	c.month, c.slot = int(month-population.FirstMonth), slot
	c.Stay, c.Nature = nil, Ordinary
	return random.New(c.key, facts)
}

// drawFacts computes the type, days and history of a slot's claim of everyday
// care. days is the length of the month.
func (c *Claim) drawFacts(p *population.Person, month coverage.Month, first coverage.Date, days, slot int) {
	r := c.place(p, month, slot)
	t := coverage.ClaimType(r.Pick(p.Types[:]))
	start := first + coverage.Date(r.Below(days))
	if c.Nature = drawNature(&r); c.Nature != Ordinary {
		t = c.Nature.typeOf(&r, t)
	}
	end := start + coverage.Date(length(&r, t))
	c.serve(p, &r, t, start, end)
}

// stepFacts computes the same for a step of an episode.
func (c *Claim) stepFacts(p *population.Person, month coverage.Month, slot int, stay *codes.Stay, s step) {
	r := c.place(p, month, slot)
	c.Stay = stay
	c.serve(p, &r, s.kind, s.start, s.end)
}

// serve sets the patient, the type and the days, which end at the death at the
// latest, and draws the history.
func (c *Claim) serve(p *population.Person, r *random.Stream, t coverage.ClaimType, start, end coverage.Date) {
	end = min(end, p.Life.Death)
	c.Claim = coverage.Claim{Patient: p.ID, Type: t, Start: start, End: end, HasStart: true, HasEnd: true}
	c.Kind = &codes.ClaimTypes[t]
	switch c.Nature {
	case UnknownPatient:
		c.Patient = strangers - coverage.EnrolleeID(p.Index)
	case NoPeriodEnd:
		c.HasEnd = false
	}
	c.History = drawHistory(r, t, end)
}

// length draws how many days after its start a service of everyday care ends.
func length(r *random.Stream, t coverage.ClaimType) int {
	n := r.Below(1000)
	switch t {
	case coverage.Carrier:
		if n >= 950 {
			return r.Between(1, 3)
		}
	case coverage.Outpatient:
		if n >= 850 { // a series, billed together
			return r.Between(6, 29)
		}
	case coverage.DME:
		if n >= 550 { // a month's rent
			return 29
		}
	case coverage.HHA:
		return 29
	case coverage.Inpatient:
		return 1 + r.Below(9)
	}
	return 0
}

// asOf makes c one of its versions as it is at a moment. It returns false if the
// version is not loaded yet. start and end are the days of the first version.
func (c *Claim) asOf(version int, at int64, start, end, death coverage.Date) bool {
	stamp, canceled, there := c.History.at(version, at)
	if !there {
		return false
	}
	c.become(version, stamp, canceled, start, end, death)
	return true
}

// become makes c one of its versions. start and end are the days of the first version.
func (c *Claim) become(version int, stamp int64, canceled bool, start, end, death coverage.Date) {
	c.Version, c.Canceled, c.UpdatedMillis = version, canceled, stamp
	c.LastUpdated = time.UnixMilli(stamp).UTC()
	c.Start, c.End = start, end
	if moved := coverage.Date(c.History.shift); version > 0 && version == c.History.versions-1 && end+moved <= death {
		c.Start, c.End = start+moved, end+moved
	}
}
