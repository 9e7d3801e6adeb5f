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
	// OtherSource says that it is a good claim of version 3, of a system whose
	// claims are not delivered, so that it can be counted apart.
	OtherSource bool
}

func (e *Error) Error() string {
	return fmt.Sprintf("claim rejected at byte %d: %s", e.Offset, e.Reason)
}

// Claim is a claim reduced to the minimum necessary, and the facts about it.
// Its slices are valid until the Minimizer is used again.
type Claim struct {
	coverage.Claim
	ID       []byte // of the resource
	Group    []byte // claim group, which all versions of a claim share; empty when there is none
	Canceled bool   // status is cancelled: there is a newer version
	// NotFinalAction says that version 3 tags it so: a later action on it is expected.
	NotFinalAction bool
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

// Minimizer reduces claims of one version. It keeps its buffers, so that a claim costs no
// allocation. Not safe for concurrent use: make one a goroutine, and keep it.
type Minimizer struct {
	root  *node
	scan  scanner
	again scanner // for what is left of a claim, when links of it have no other end
	claim Claim
}

// New makes a minimizer with the allow-list of a version of the API.
func New(v fhir.Version) *Minimizer {
	m := &Minimizer{root: compile(v)}
	shape, codes := shapes(v), newPart2Codes()
	m.root.forbid(shape.foreign)
	m.scan.facts.codes, m.scan.facts.shape = codes, shape
	m.again.facts.codes, m.again.facts.shape, m.again.known = codes, shape, &m.scan.links
	return m
}

// tables are the allow-list of a version.
func tables(v fhir.Version) [][]element {
	switch v {
	case fhir.V1:
		return [][]element{tableSTU3, extensionSTU3}
	case fhir.V3:
		return [][]element{tableR4V3}
	}
	return [][]element{tableR4}
}

// Minimize reduces raw, one ExplanationOfBenefit as JSON, pretty-printed or
// not. The claim returned is valid until the next call. The error is an *Error:
// raw is not strict JSON, exceeds a limit, is not an ExplanationOfBenefit with an
// id and a patient, or is written in another version. Facts that are only missing
// are no error, nor is a claim that must not be delivered: that is for
// coverage.Selection to judge. Only version 3 also wants its period, and that it
// is of the National Claims History.
func (m *Minimizer) Minimize(raw []byte) (*Claim, error) {
	if len(raw) > MaxSize {
		return nil, &Error{Reason: fmt.Sprintf("larger than %d bytes", MaxSize), Offset: MaxSize}
	}
	s := &m.scan
	s.reset(raw)
	s.single(m.root)
	s.end()
	if s.fault != "" {
		return nil, &Error{Reason: s.fault, Offset: s.faultAt}
	}
	if err := s.facts.refusal(); err != nil {
		return nil, err
	}
	m.claim = s.facts.claim
	if !s.links.paired() {
		s = &m.again
		s.reset(m.scan.out)
		s.single(m.root)
	}
	m.claim.JSON = s.out
	m.claim.ExtensionAt, m.claim.HasExtension = s.places.extension()
	return &m.claim, nil
}
