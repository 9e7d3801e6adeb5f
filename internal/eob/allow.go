package eob

import (
	"slices"
	"strconv"
	"strings"

	"ab2d/internal/fhir"
)

// AllowList is the version of the tables of this package, and of the code
// lists that mark a claim as 42 CFR Part 2. Stored claims carry it. What an older
// one has reduced is not exported until "ab2d migrate" has applied today's.
const AllowList = 3

// variables is where CMS defines the variables of its claims; in a path, a
// name in brackets without a scheme is one of them.
const variables = "https://bluebutton.cms.gov/resources/variables/"

// element is a line of an allow-list: one kept element.
type element struct {
	// path has the names from the claim downwards, joined by dots. A name
	// with [] is an array. extension[x] is the extension of url x, its value
	// is what the element holds; x1..9 are nine of them.
	path    string
	holds   shape
	meaning string
	system  string // the code or identifier system of its values, if it has one
}

// shape is what an element holds: a primitive, or a FHIR data type of which
// only the parts in parts are kept.
type shape uint8

const (
	object shape = iota // only what other elements say
	text
	number
	boolean
	coding
	concept
	identifier
	typedIdentifier
	money
	quantity
	period
	// The same with fewer parts, as version 3 has them.
	bareCoding
	namedCoding
	bareConcept
	namedConcept
	namedIdentifier
	unkept // a text that tells a fact and is not kept
)

// parts are the kept parts of each data type.
var parts = map[shape][]element{
	coding:          {{path: "system", holds: text}, {path: "version", holds: text}, {path: "code", holds: text}, {path: "display", holds: text}},
	concept:         {{path: "coding[]", holds: coding}},
	identifier:      {{path: "system", holds: text}, {path: "value", holds: text}},
	typedIdentifier: {{path: "type", holds: concept}, {path: "system", holds: text}, {path: "value", holds: text}},
	money:           {{path: "value", holds: number}, {path: "system", holds: text}, {path: "code", holds: text}},
	quantity:        {{path: "value", holds: number}, {path: "unit", holds: text}, {path: "system", holds: text}, {path: "code", holds: text}},
	bareCoding:      {{path: "system", holds: text}, {path: "code", holds: text}},
	namedCoding:     {{path: "system", holds: text}, {path: "code", holds: text}, {path: "display", holds: text}},
	bareConcept:     {{path: "coding[]", holds: bareCoding}},
	namedConcept:    {{path: "coding[]", holds: namedCoding}},
	namedIdentifier: {{path: "type", holds: namedConcept}, {path: "system", holds: text}, {path: "value", holds: text}},
	period:          {{path: "start", holds: text}, {path: "end", holds: text}},
}

// extensionValue names the value[x] an extension has for what it holds.
var extensionValue = map[shape]string{
	coding: "valueCoding", identifier: "valueIdentifier", money: "valueMoney", quantity: "valueQuantity",
	bareCoding: "valueCoding", namedCoding: "valueCoding", text: "valueCode", number: "valueDecimal",
}

// node is an element of the tree that a table is read into.
type node struct {
	holds   shape // object, text, number or boolean
	many    bool  // an array of it
	fields  []field
	byURL   map[string]*node // of an array of extensions: each extension by its url
	least   int              // an object with fewer kept members is dropped: a url is no extension
	tells   fact
	foreign bool // only another version of claims has it
	// What else decides about keeping it; see conditions.go.
	values []string // a text is kept if it is one of these, or there are none
	needs  group    // an object is kept if something of each of these stays
	gives  group    // those that it satisfies in the object it is of
}

type field struct {
	name string
	node *node
}

// child finds an element of an object by its name; nil when it is not kept.
func (n *node) child(name []byte) *node {
	if n == nil {
		return nil
	}
	for i := range n.fields {
		if n.fields[i].name == string(name) {
			return n.fields[i].node
		}
	}
	return nil
}

// compile reads the allow-list of a version into a tree.
func compile(v fhir.Version) *node {
	root := &node{least: 1}
	for _, t := range tables(v) {
		root.add(t)
	}
	picks, needs := conditions(v)
	root.limit(picks, needs)
	if root.child([]byte("use")) == nil {
		root.grow("use", false).holds = unkept
	}
	for _, f := range factsAt {
		root.find(f.path).tell(f.fact)
	}
	return root
}

// TopLevel are the names of the elements at the top of the claims that a version
// delivers, in alphabetical order.
func TopLevel(v fhir.Version) []string {
	names := []string{"extension"} // also of claims that have no other than the identifiers
	for _, f := range compile(v).fields {
		if f.node.holds != unkept {
			names = append(names, f.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// add grows the elements of a table beneath a node.
func (n *node) add(table []element) {
	for _, e := range table {
		path, urls := extensions(e.path)
		at := n.reach(path)
		if urls == nil {
			at.become(e.holds)
		}
		for _, u := range urls {
			at.extension(u).grow(extensionValue[e.holds], false).become(e.holds)
		}
	}
}

// extensions splits the path of an extension into the path of the array and
// the urls that are meant. Other paths have none.
func extensions(path string) (array string, urls []string) {
	array, name, found := strings.Cut(path, "extension[")
	if !found {
		return path, nil
	}
	name = strings.TrimSuffix(name, "]")
	if !strings.Contains(name, "://") {
		name = variables + name
	}
	return array + "extension[]", series(name)
}

// series gives the names that "name1..9" stands for.
func series(name string) []string {
	name, last, found := strings.Cut(name, "1..")
	if !found {
		return []string{name}
	}
	n, _ := strconv.Atoi(last)
	names := make([]string, n)
	for i := range names {
		names[i] = name + strconv.Itoa(i+1)
	}
	return names
}

// become makes a node hold a primitive, or the parts of a data type.
func (n *node) become(s shape) {
	if p, ok := parts[s]; ok {
		n.add(p)
		return
	}
	n.holds = s
}

// reach finds the node of a path, and grows what is missing on the way.
func (n *node) reach(path string) *node {
	for _, name := range strings.Split(path, ".") {
		n = n.grow(strings.CutSuffix(name, "[]"))
	}
	return n
}

// grow finds a child, or makes it.
func (n *node) grow(name string, many bool) *node {
	if c := n.child([]byte(name)); c != nil {
		return c
	}
	c := &node{many: many, least: 1}
	n.fields = append(n.fields, field{name, c})
	return c
}

// extension finds the extension of a url in an array of them, or makes it.
func (n *node) extension(url string) *node {
	if n.byURL == nil {
		n.byURL = map[string]*node{}
	}
	e := n.byURL[url]
	if e == nil {
		e = &node{least: 2}
		e.grow("url", false).holds = text
		n.byURL[url] = e
	}
	return e
}

// find gives the node of a path without the marks of arrays; nil when the
// table has none.
func (n *node) find(path string) *node {
	for _, name := range strings.Split(path, ".") {
		n = n.child([]byte(name))
	}
	return n
}

// tell makes a node tell a fact. Of what has a system and a code or a value,
// these two tell it.
func (n *node) tell(f fact) {
	if n == nil {
		return
	}
	n.tells = f
	if f < identifierFact {
		return
	}
	n.grow("system", false).tells = systemFact
	if f == identifierFact {
		n.grow("value", false).tells = codeFact
	} else {
		n.grow("code", false).tells = codeFact
	}
}
