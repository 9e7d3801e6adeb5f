package claimgen

import (
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/synth/codes"
	"ab2d/internal/synth/random"
)

// History is the history of a claim in the database that it is loaded into: when
// each of its versions is loaded, and what happens to them later. Moments are
// milliseconds since 1970.
type History struct {
	Loaded   [MaxVersions]int64
	versions int
	Canceled int64 // when the last version is canceled without a replacement; 0: never
	reloaded int64 // when the bulk reload stamps the claim again; 0: never
	shift    int   // days by which the last version moves the services
}

// MaxVersions is how many versions a claim has at most.
const MaxVersions = 3

// The weekly load begins on a Saturday at an hour of UTC.
const (
	saturday = 2 // 1970-01-03
	loadHour = 22
)

// ReloadDay is the day of the one bulk reload: a part of all older claims is
// written again, and only the stamp changes. It is a Wednesday, unlike the days of
// all other loads.
var ReloadDay = coverage.DateOf(2025, time.March, 12)

// drawHistory draws a claim's history from the end of its services.
func drawHistory(r *random.Stream, t coverage.ClaimType, end coverage.Date) (h History) {
	h.Loaded[0] = loaded(r, &codes.ClaimTypes[t], end)
	h.versions = 1
	switch kind := r.Below(1000); {
	case kind < 10:
		h.Canceled = changed(r, h.Loaded[0])
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

// loaded draws when a claim is first loaded. The lag after the service is most of a
// year for a few claims.
func loaded(r *random.Stream, kind *codes.ClaimType, end coverage.Date) int64 {
	day := int(end) + r.Between(kind.LagFrom, kind.LagTo)
	if r.Chance(30) {
		day += r.Below(320)
	}
	return weekly(r, day)
}

// changed draws when a loaded claim is changed.
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

// LastLoad returns when the weekly load before a moment began. Both are
// milliseconds since 1970.
func LastLoad(before int64) int64 {
	first := saturday*DayMillis + int64(loadHour*hourMillis)
	return before - (before-first)%(7*DayMillis)
}

// at returns the state of a version at a moment: its stamp, whether it is canceled,
// and whether it is loaded yet.
func (h *History) at(version int, asOf int64) (stamp int64, canceled, there bool) {
	stamp = h.Loaded[version]
	if stamp > asOf {
		return 0, false, false
	}
	last := version == h.versions-1
	switch {
	case !last && h.Loaded[version+1] <= asOf:
		stamp, canceled = h.Loaded[version+1], true
	case last && h.Canceled != 0 && h.Canceled <= asOf:
		stamp, canceled = h.Canceled, true
	}
	if stamp < h.reloaded && h.reloaded <= asOf {
		stamp = h.reloaded
	}
	return stamp, canceled, true
}
