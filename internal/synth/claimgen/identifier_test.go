package claimgen

import (
	"testing"

	"pgregory.net/rapid"

	"ab2d/internal/synth/population"
)

// TestClaimIDs: unique over people, and readable back.
func TestClaimIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		index := rapid.IntRange(0, 2_000_000).Draw(t, "index")
		month := rapid.IntRange(0, population.MonthsHeld-1).Draw(t, "month")
		slot := rapid.IntRange(0, slotsPerMonth-1).Draw(t, "slot")
		version := rapid.IntRange(0, MaxVersions-1).Draw(t, "version")
		id, group := claimIDs(index, month, slot, version)
		place := -id - firstClaimID
		if place>>(population.MonthBits+slotBits+versionBits) != int64(index) ||
			place>>(slotBits+versionBits)%population.MonthsHeld != int64(month) || place>>versionBits%slotsPerMonth != int64(slot) || place%(1<<versionBits) != int64(version) {
			t.Fatalf("%d does not lead back to person %d, month %d, slot %d", id, index, month, slot)
		}
		if place>>versionBits != -group-firstGroupID {
			t.Fatalf("group %d does not belong to claim %d", group, id)
		}
	})
}
