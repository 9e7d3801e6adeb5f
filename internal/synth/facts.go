package synth

import (
	"time"

	"ab2d/internal/coverage"
)

// firstMonth is the first month with claims: some lie before the first that
// is ever delivered.
var firstMonth = coverage.MonthOf(2019, time.November)

const (
	slotsPerMonth = 1 << slotBits
	monthsHeld    = 1 << monthBits
	dayMillis     = 86_400_000
	hourMillis    = 3_600_000
)

// occupied draws which slots of a month hold a claim, one bit a slot: sixteen
// tries of a small chance each, which is close to a Poisson count.
func (p *person) occupied(month coverage.Month) (set uint16) {
	r := streamOf(derive(p.key, slots), uint64(month))
	var word uint64
	for i := range slotsPerMonth {
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

// drawFacts computes what decides whether the claim of a slot is delivered.
// days is the length of the month.
func (p *person) drawFacts(c *claim, month coverage.Month, first coverage.Date, days, slot int) {
	c.key = derive(derive(p.key, uint64(month)), uint64(slot))
	r := streamOf(c.key, facts)
	t := coverage.ClaimType(r.pick(p.types[:]))
	start := first + coverage.Date(r.below(days))
	end := start + coverage.Date(length(&r, t, int(first)+days-1-int(start)))
	c.Claim = coverage.Claim{Patient: p.id, Type: t, Start: start, End: end, HasStart: true, HasEnd: true}
	c.month, c.slot = int(month-firstMonth), slot
	c.millis = loaded(&r, t, end)
	c.LastUpdated = time.UnixMilli(c.millis).UTC()
}

// length draws how many days after its start a service ends; left is how many
// days of the month remain.
func length(r *stream, t coverage.ClaimType, left int) int {
	n, usual := r.below(1000), false
	switch t {
	case coverage.Carrier:
		usual = n < 950
	case coverage.Outpatient:
		usual = n < 850
	case coverage.DME:
		usual = n < 550
	}
	switch {
	case usual:
		return 0
	case t == coverage.Inpatient: // median four days
		return 1 + (1+n*n/250_000)*r.below(6)
	case t == coverage.HHA, t == coverage.DME: // a period of thirty days
		return 29
	case t == coverage.Carrier:
		return r.between(1, 3)
	}
	return left // billed by the calendar month
}

// loaded draws when the claim appears in the database, in milliseconds since
// 1970: after a lag, in the next weekly load, which runs from Saturday 22:00
// UTC for five hours. One claim in sixteen is stamped at a full hour, so that
// many people's claims share an instant, midnight among them.
func loaded(r *stream, t coverage.ClaimType, end coverage.Date) int64 {
	kind := &claimTypes[t]
	day := int(end) + r.between(kind.lagFrom, kind.lagTo)
	if r.chance(30) {
		day += r.below(320)
	}
	const saturday = 2 // 1970-01-03
	day += (7 + saturday - day%7) % 7
	start := int64(day)*dayMillis + 22*hourMillis
	if r.below(16) == 0 {
		return start + int64(r.below(5))*hourMillis
	}
	return start + int64(r.below(5*hourMillis))
}
