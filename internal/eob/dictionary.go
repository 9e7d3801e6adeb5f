package eob

import (
	"ab2d/internal/fhir"
)

// Element is a kept element, for people who read about it.
type Element struct {
	Path    string // as in the tables of this package, for example item[].quantity
	Holds   string // a primitive type or a FHIR data type, in words
	Meaning string
	Systems string // its code or identifier systems, with a comma and a space between
}

// Elements are the kept elements of a version, in the order of its tables.
func Elements(v fhir.Version) []Element {
	var all []Element
	for _, table := range tables(v) {
		for _, e := range table {
			all = append(all, Element{Path: e.path, Holds: e.holds.String(), Meaning: e.meaning, Systems: e.system})
		}
	}
	return all
}

// String is how the data dictionary names what an element holds; empty for what it
// does not list.
func (s shape) String() string {
	switch s {
	case text:
		return "text"
	case number:
		return "number"
	case boolean:
		return "boolean"
	case coding:
		return "Coding"
	case concept:
		return "CodeableConcept"
	case bareCoding:
		return "Coding: system, code"
	case namedCoding:
		return "Coding: system, code, display"
	case bareConcept:
		return "CodeableConcept: system, code"
	case namedConcept:
		return "CodeableConcept: system, code, display"
	case identifier, typedIdentifier:
		return "Identifier"
	case namedIdentifier:
		return "Identifier: type, system, value"
	case money:
		return "Money"
	case quantity:
		return "Quantity"
	case period:
		return "Period"
	}
	return ""
}
