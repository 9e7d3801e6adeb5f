package claimgen

import "ab2d/internal/synth/population"

// The id of a claim holds, from the highest bits on, the person's index, nine bits
// of month, five of slot and three of version. The id of its group holds the same
// without the version.
const (
	firstClaimID = 10_000_000_000_000
	firstGroupID = 100_000_000

	firstV3ID       = 3_000_000_000_000
	firstV3SharedID = 2_000_000_000_000

	slotBits    = 5
	versionBits = 3
)

// placeOf numbers the places for claims of all people.
func placeOf(index, month, slot int) int64 {
	return (int64(index)<<population.MonthBits|int64(month))<<slotBits | int64(slot)
}

func claimIDs(index, month, slot, version int) (id, group int64) {
	place := placeOf(index, month, slot)
	return -(firstClaimID + place<<versionBits + int64(version)), -(firstGroupID + place)
}

// IDV3 returns the id in version 3, in which all versions of a claim have the same
// one. The shared system that first had the claim has given it another.
func (c *Claim) IDV3() int64 {
	place := placeOf(c.Person.Index, c.month, c.slot)
	if c.Nature == SharedSystem {
		return firstV3SharedID + place
	}
	return firstV3ID + place
}

// PatientV3 returns the number of the patient in version 3.
func (c *Claim) PatientV3() int64 {
	if c.Nature == UnknownPatient {
		return population.FirstStrangerV3 + int64(c.Person.Index)
	}
	return c.Person.PatientV3
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
