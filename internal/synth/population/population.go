package population

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/random"
)

// GeneratorVersion is the version of everything that the synthetic source
// computes. It changes when the same seed gives other people or other claims.
const GeneratorVersion = 2

// FirstID is the id of the person with index 0. The ids of later people go
// downwards, as the ids of CMS's synthetic beneficiaries do.
const FirstID coverage.EnrolleeID = -10_000_000_000_000

// Population is the people of several groups. Every value is computed from the
// seed when it is asked for. It is safe for concurrent use.
type Population struct {
	seed   uint64
	groups []Group // in the order of their first index
	people int     // over all groups
	moves  map[int]Move
}

// New makes a population with one group for each of sizes, in enrollees.
// People move between the first moving groups only, so that groups added after
// them change nobody in them.
func New(seed uint64, sizes []int, moving int) *Population {
	s := &Population{seed: seed, moves: map[int]Move{}}
	for _, size := range sizes {
		s.groups = append(s.groups, Group{first: s.people, size: size, vacant: map[int]bool{}})
		s.people += size
	}
	s.drawMoves(s.groups[:moving])
	return s
}

// Size returns how many places all groups have together.
func (s *Population) Size() int { return s.people }

// Group returns the i-th group, counted from 0.
func (s *Population) Group(i int) *Group { return &s.groups[i] }

// personKey is the key of all streams of a person.
func (s *Population) personKey(index int) uint64 {
	return random.Derive(random.Mix(s.seed+GeneratorVersion), uint64(index))
}

// idOf returns the id of the person with an index.
func idOf(index int) coverage.EnrolleeID { return FirstID - coverage.EnrolleeID(index) }

// IndexOf returns the index of the person with an id. It returns false if the
// population has no such person.
func (s *Population) IndexOf(id coverage.EnrolleeID) (int, bool) {
	if id > FirstID || id <= idOf(s.people) {
		return 0, false
	}
	return int(FirstID - id), true
}

// IndexAt returns the highest index that a person with from <= id can have,
// because ids fall as indexes rise. It returns -1 if there is no such person.
func (s *Population) IndexAt(from coverage.EnrolleeID) int {
	switch {
	case from > FirstID:
		return -1
	case from < idOf(s.people):
		return s.people
	}
	return int(FirstID - from)
}

// IDOfPatientV3 returns the id of the person with a number of version 3. It returns
// false if the population has no such person.
func (s *Population) IDOfPatientV3(number coverage.EnrolleeID) (coverage.EnrolleeID, bool) {
	index := indexOfPatientV3(int64(number))
	if index < 0 || index >= s.people {
		return 0, false
	}
	return idOf(index), true
}

// Labels of a person's random streams below the person's key. Drawing more
// often from one stream changes nothing in another.
const (
	demography uint64 = iota + 1
	chronic
	network
	living
	sharing
	cards
	moving
)
