package claimgen

import "ab2d/internal/synth/population"

// The id of a claim holds, from the highest bits on, the person's index, nine bits
// of month, five of slot and three of version. The id of its group holds the same
// without the version.
const (
	firstClaimID = 10_000_000_000_000
	firstGroupID = 100_000_000

	slotBits    = 5
	versionBits = 3
)

func claimIDs(index, month, slot, version int) (id, group int64) {
	place := (int64(index)<<population.MonthBits|int64(month))<<slotBits | int64(slot)
	return -(firstClaimID + place<<versionBits + int64(version)), -(firstGroupID + place)
}

// Labels of a person's random streams that decide claims. They continue the
// labels of package population.
const (
	slots uint64 = iota + 8
	episodes
	facts
	details
	changes
)
