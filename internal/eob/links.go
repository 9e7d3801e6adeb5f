package eob

import (
	"bytes"
	"slices"
)

// links are the contained resources that are kept of a claim, by their ids, and
// the references to such. A resource that nothing refers to is not delivered,
// nor is a reference to what is not. Which of them come in pairs shows only at
// the end of a claim: if one has no other, what is kept is reduced once more.
type links struct {
	ids, refs [][]byte
}

func (l *links) reset() { l.ids, l.refs = l.ids[:0], l.refs[:0] }

// mark is where links end at the beginning of an object, which may be dropped.
func (l *links) mark() (ids, refs int) { return len(l.ids), len(l.refs) }

// cut forgets those of an object that is dropped.
func (l *links) cut(ids, refs int) { l.ids, l.refs = l.ids[:ids], l.refs[:refs] }

// paired tells whether each resource has a reference and the reverse. It sorts
// them: a claim may have as many as fit into it.
func (l *links) paired() bool {
	for _, list := range []*[][]byte{&l.ids, &l.refs} {
		slices.SortFunc(*list, bytes.Compare)
		*list = slices.CompactFunc(*list, bytes.Equal)
	}
	return slices.EqualFunc(l.ids, l.refs, bytes.Equal)
}

// among tells whether a sorted list has an id.
func among(list [][]byte, id []byte) bool {
	_, found := slices.BinarySearchFunc(list, id, bytes.Compare)
	return found
}

// contains notes a contained resource that has all it needs, and tells whether it
// is kept.
func (s *scanner) contains(id []byte) bool {
	if s.known != nil {
		return among(s.known.refs, id)
	}
	s.links.ids = append(s.links.ids, id)
	return true
}

// refers notes a reference, and tells whether it is kept.
func (s *scanner) refers(to []byte) bool {
	id, contained := bytes.CutPrefix(to, []byte("#"))
	if !contained {
		return false // what is elsewhere is not delivered
	}
	if s.known != nil {
		return among(s.known.ids, id)
	}
	s.links.refs = append(s.links.refs, id)
	return true
}
