package eob

import (
	"fmt"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// What a claim may not exceed. Real claims have at most some 100 KB, fields
// twelve levels deep and thirty of them in an object.
const (
	MaxSize   = 16 << 20 // bytes
	MaxDepth  = 64       // objects and arrays in each other
	MaxFields = 128      // of one object
)

// Error says why a claim is not accepted. It never quotes the claim.
type Error struct {
	Reason string
	Offset int // byte of the claim at which the fault shows, from 0
}

func (e *Error) Error() string {
	return fmt.Sprintf("claim refused at byte %d: %s", e.Offset, e.Reason)
}

// Claim is a claim reduced to the minimum necessary, and the facts about it.
// Its slices are valid until the Minimizer is used again.
type Claim struct {
	coverage.Claim
	ID       []byte // of the resource
	Group    []byte // claim group, which all versions of a claim share; empty when there is none
	Canceled bool   // status is cancelled: there is a newer version
	// ShowsVersion says that the code system of the type, or the service of a line,
	// is that of the version. Without it, the claim only has nothing that speaks
	// against it; ask Detect.
	ShowsVersion bool
	JSON         []byte // one line, without a newline and without the enrollee's MBIs
	// ExtensionAt is the place in JSON at which the MBI extensions go: the end
	// of the claim's extensions, or, if it has none, where they would stand.
	ExtensionAt  int
	HasExtension bool
}

// Minimizer reduces claims. It keeps its buffers, so that a claim costs no
// allocation. Not safe for concurrent use: make one a goroutine, and keep it.
type Minimizer struct {
	root  *node
	scan  scanner
	claim Claim
}

// New makes a minimizer with the allow-list of a version of the API.
func New(v fhir.Version) *Minimizer {
	m := &Minimizer{root: compile(tables(v))}
	shape := shapes(v)
	m.root.forbid(shape.foreign)
	m.scan.facts.codes, m.scan.facts.shape = newPart2Codes(), shape
	return m
}

// tables are the allow-list of a version.
func tables(v fhir.Version) [][]element {
	if v == fhir.V1 {
		return [][]element{tableSTU3, extensionSTU3}
	}
	return [][]element{tableR4}
}

// Minimize reduces raw, one ExplanationOfBenefit as JSON, pretty-printed or
// not. The claim returned is valid until the next call. The error is an *Error:
// raw is not strict JSON, exceeds a limit, is not an ExplanationOfBenefit with an
// id and a patient, or is written in another version. Facts that are only missing
// are no error, nor is a claim that must not be delivered: that is for
// coverage.Selection to judge.
func (m *Minimizer) Minimize(raw []byte) (*Claim, error) {
	if len(raw) > MaxSize {
		return nil, &Error{fmt.Sprintf("larger than %d bytes", MaxSize), MaxSize}
	}
	s := &m.scan
	s.reset(raw)
	s.single(m.root)
	s.end()
	if s.fault != "" {
		return nil, &Error{s.fault, s.faultAt}
	}
	if reason := s.facts.lacking(); reason != "" {
		return nil, &Error{reason, 0}
	}
	m.claim = s.facts.claim
	m.claim.Part2 = s.facts.part2.decide(m.claim.End, m.claim.HasEnd)
	m.claim.JSON = s.out
	m.claim.ExtensionAt, m.claim.HasExtension = s.places.extension()
	return &m.claim, nil
}
