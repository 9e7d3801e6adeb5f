package claimgen

import "ab2d/internal/coverage"

// Version 3 of the API loads on Mondays. A load is written in blocks, and all claims
// of a block share the instant.
const (
	monday        = 4 // 1970-01-05
	loadHourV3    = 9
	blocksV3      = 24
	blockMillisV3 = 10 * 60_000
)

// LastLoadV3 returns when the last load of version 3 until a moment began. Both are
// milliseconds since 1970.
func LastLoadV3(until int64) int64 {
	first := int64(monday)*DayMillis + loadHourV3*hourMillis
	return until - (until-first)%(7*DayMillis)
}

// loadV3 returns when version 3 has what versions 1 and 2 load in the night of a
// moment: on the Monday before it, because version 3 lags less.
func loadV3(night int64, block int64) int64 {
	day := night / DayMillis
	return (day-(day-monday)%7)*DayMillis + loadHourV3*hourMillis + block*blockMillisV3
}

// Block returns the block of a load in which version 3 has the claim, from 0.
func (c *Claim) Block() int64 { return int64(c.key >> 20 % blocksV3) }

// newest returns the version that version 3 has at a moment, and its stamp. there is
// false if it has none: not yet, or not any more.
func (h *History) newest(block, asOf int64) (version int, stamp int64, there bool) {
	if h.Canceled != 0 && loadV3(h.Canceled, block) <= asOf {
		return 0, 0, false
	}
	for version = h.versions - 1; version >= 0; version-- {
		if stamp = loadV3(h.Loaded[version], block); stamp <= asOf {
			return version, stamp, true
		}
	}
	return 0, 0, false
}

// offerNewest calls f for the version of c that version 3 has at a moment, and for
// some claims also for what a shared system still says about it. An export asks only
// for the National Claims History, but a file may hold both. It does nothing if that
// version is not stamped after a moment.
func (c *Claim) offerNewest(asOf, after int64, start, end, death coverage.Date, f func(*Claim) error) error {
	version, stamp, there := c.History.newest(c.Block(), asOf)
	if !there || stamp <= after {
		return nil
	}
	c.become(version, stamp, false, start, end, death)
	if err := f(c); err != nil || c.Nature != Ordinary || c.key%160 != 0 {
		return err
	}
	c.Nature = SharedSystem
	return f(c)
}
