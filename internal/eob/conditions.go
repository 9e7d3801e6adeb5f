package eob

import (
	"strings"

	"ab2d/internal/fhir"
)

// pick keeps a text only if it is one of some values, in any case of letters. The object that the text
// is of is dropped without it.
type pick struct {
	path    string
	values  []string
	meaning string
}

// need names elements of an object, of which one must stay. Without, the whole
// object is dropped.
type need []string

// group is a set of what an object needs, a bit each.
type group uint8

// conditions are those of a version's allow-list.
func conditions(v fhir.Version) ([]pick, []need) {
	if v == fhir.V3 {
		return picksR4V3, needsR4V3
	}
	return nil, nil
}

// limit puts conditions on the tree of an allow-list, which has their paths.
func (n *node) limit(picks []pick, needs []need) {
	for _, p := range picks {
		n.find(unmarked(p.path)).values = p.values
		n.require(need{p.path})
	}
	for _, one := range needs {
		n.require(one)
	}
}

// require makes the object of some elements need one of them.
func (n *node) require(one need) {
	path := unmarked(one[0])
	object := n.find(path[:strings.LastIndexByte(path, '.')])
	bit := object.needs + 1 // the lowest that is free
	object.needs |= bit
	for _, path := range one {
		n.find(unmarked(path)).gives |= bit
	}
}

// unmarked is a path without the marks of arrays.
func unmarked(path string) string { return strings.ReplaceAll(path, "[]", "") }

// allows tells whether a text may be kept.
func (n *node) allows(v []byte) bool {
	for _, value := range n.values {
		if equalFold(v, value) {
			return true
		}
	}
	return n.values == nil
}

// equalFold compares without the case of ASCII letters, and without allocating.
func equalFold(v []byte, s string) bool {
	if len(v) != len(s) {
		return false
	}
	for i, c := range v {
		if c != s[i] && (c^s[i] != ' ' || c|' ' < 'a' || c|' ' > 'z') {
			return false
		}
	}
	return true
}
