package claimgen

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/population"
)

// Bounds of how late after its month a claim is stamped for the last time, in days. They
// hold for all versions of the API, because version 3 stamps no later than the others.
// TestLastStamp holds the claims to them.
const (
	longestService = 29           // of everyday care after its start
	longestLag     = 60 + 319 + 6 // from the end of the services to the first load
	longestChange  = 1 + 170 + 6  // from a load, which ends on the next day, to the next one
	longestNight   = 2            // from the day of a load to its end
	longestStay    = 24 + 2*maxStayDays
	// longestEpisode is from the admission to the end of the last service: a stay, nursing,
	// and then either another stay or home health care.
	longestEpisode = longestStay + 45 + max(28+longestStay, 60)
	// latestStamp is from the last day of the month.
	latestStamp = max(longestService, longestEpisode) + longestLag + (MaxVersions-1)*longestChange + longestNight
)

// maxStayDays is the most that codes.Stays have as Days.
const maxStayDays = 7

// After limits Each and EachNewest to versions of claims that are stamped later than a
// moment, in milliseconds since 1970. Begin ends the limit. The others are left out
// before most of them is drawn: whole months, as far as no claim of theirs can be late
// enough, and then claims by their history alone.
func (g *Generator) After(moment int64) { g.after = moment }

// firstMonth returns the first month that can have a claim that is stamped late enough.
func (g *Generator) firstMonth() coverage.Month {
	day := coverage.Date(g.after / DayMillis)
	if g.after == 0 || day <= ReloadDay {
		return population.FirstMonth
	}
	return max(population.FirstMonth, (day - latestStamp).Month())
}

// last returns the latest moment at which any version of the claim is stamped.
func (h *History) last() int64 {
	return max(h.Loaded[h.versions-1], h.Canceled, h.reloaded)
}
