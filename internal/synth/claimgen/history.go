package claimgen

import (
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/random"
)

// History is what becomes of a claim in the database that it is loaded into:
// when each of its versions arrives, and what happens to them. Moments are
// milliseconds since 1970.
type History struct {
	Loaded    [MaxVersions]int64
	versions  int
	Cancelled int64 // the last version is cancelled then, and none replaces it; 0: never
	reloaded  int64 // when the bulk reload stamps what there is of the claim; 0: it does not
	shift     int   // days by which the last version moves the services
}

const MaxVersions = 3

// The weekly load begins on a Saturday at an hour of UTC.
const (
	saturday = 2 // 1970-01-03
	loadHour = 22
)

// ReloadDay is the day of the one bulk reload: a part of all older claims is
// written again, without any change but the stamp. A Wednesday, unlike all
// other loads.
var ReloadDay = coverage.DateOf(2025, time.March, 12)

// drawHistory draws a claim's history from the end of its services.
func drawHistory(r *random.Stream, t coverage.ClaimType, end coverage.Date) (h History) {
	h.Loaded[0] = loaded(r, &codes.ClaimTypes[t], end)
	h.versions = 1
	switch kind := r.Below(1000); {
	case kind < 10:
		h.Cancelled = changed(r, h.Loaded[0])
	case kind < 20:
		h.versions = 3
	case kind < 80:
		h.versions = 2
	}
	for v := 1; v < h.versions; v++ {
		h.Loaded[v] = changed(r, h.Loaded[v-1])
	}
	if h.versions > 1 && r.Chance(150) {
		h.shift = r.Between(-25, 25)
	}
	if r.Chance(100) {
		h.reloaded = int64(ReloadDay)*DayMillis + int64(r.Below(DayMillis))
	}
	return h
}

// loaded draws when a claim appears in the database: after a lag, which for a
// few is most of a year.
func loaded(r *random.Stream, kind *codes.ClaimType, end coverage.Date) int64 {
	day := int(end) + r.Between(kind.LagFrom, kind.LagTo)
	if r.Chance(30) {
		day += r.Below(320)
	}
	return weekly(r, day)
}

// changed draws when a claim that was loaded is changed.
func changed(r *random.Stream, after int64) int64 {
	return weekly(r, int(after/DayMillis)+r.Between(14, 170))
}

// weekly draws a moment of the first weekly load that begins on a day or
// later. It runs from Saturday 22:00 UTC for seven hours. One claim in sixteen
// is stamped at a full hour, so that many people's claims share an instant,
// midnight of UTC and of New York among them.
func weekly(r *random.Stream, day int) int64 {
	day += (7 + saturday - day%7) % 7
	start := int64(day)*DayMillis + loadHour*hourMillis
	at := r.Next()
	if at%16 == 0 {
		return start + int64(at>>4%8)*hourMillis
	}
	return start + int64(at>>4%(7*hourMillis))
}

// LastLoad is when the weekly load before a moment began.
func LastLoad(before int64) int64 {
	first := saturday*DayMillis + int64(loadHour*hourMillis)
	return before - (before-first)%(7*DayMillis)
}

// at is how a version stands in the database at a moment: since when, and
// whether it is cancelled. There is none before its load.
func (h *History) at(version int, asOf int64) (stamp int64, cancelled, there bool) {
	stamp = h.Loaded[version]
	if stamp > asOf {
		return 0, false, false
	}
	last := version == h.versions-1
	switch {
	case !last && h.Loaded[version+1] <= asOf:
		stamp, cancelled = h.Loaded[version+1], true
	case last && h.Cancelled != 0 && h.Cancelled <= asOf:
		stamp, cancelled = h.Cancelled, true
	}
	if stamp < h.reloaded && h.reloaded <= asOf {
		stamp = h.reloaded
	}
	return stamp, cancelled, true
}
