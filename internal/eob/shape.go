package eob

import (
	"bytes"

	"ab2d/internal/fhir"
)

// versionShape is what tells a version of claims from the others.
type versionShape struct {
	version         fhir.Version
	typeSystem      string   // the code system of type, which BFD writes in every claim
	otherTypeSystem string   // that of the other release of FHIR
	foreign         []string // paths of fields that only the other release has
	reason          string   // for a claim that has one of those
	alienSystems    string   // begins the code systems and URLs of BFD's other servers
	alienReason     string   // for a claim that has one of those
}

// Where BFD has its code systems and URLs, after the scheme. A claim of version 3
// looks like one of version 2, both are FHIR R4, but the fields that a sponsor may
// see have other names there, and so do those that forbid to share it.
const (
	bluebutton = "bluebutton.cms.gov/"
	resources  = bluebutton + "resources/" // versions 1 and 2
	newer      = bluebutton + "fhir/"      // version 3
)

// currency is the one URL of versions 1 and 2 that claims of version 3 have, too,
// when they are delivered.
const currency = resources + "codesystem/identifier-currency"

// shapes gives the shape of a version. Detect looks at the same elements.
func shapes(v fhir.Version) versionShape {
	const stu3, r4 = "http://hl7.org/fhir/ex-claimtype", "http://terminology.hl7.org/CodeSystem/claim-type"
	ofR4 := versionShape{version: v, typeSystem: r4, otherTypeSystem: stu3,
		foreign: []string{"information", "totalCost", "item[].service", "item[].careTeamLinkId"},
		reason:  "the claim is FHIR STU3, but FHIR R4 is required"}
	isNewer := "it is a claim of BFD's version 3, but version " + v.String()[1:] + " is required: its code systems begin with https://" + newer
	switch v {
	case fhir.V1:
		return versionShape{version: v, typeSystem: stu3, otherTypeSystem: r4,
			foreign:      []string{"supportingInfo", "use", "total", "item[].productOrService", "item[].careTeamSequence"},
			reason:       "the claim is FHIR R4, but FHIR STU3 is required",
			alienSystems: newer, alienReason: isNewer}
	case fhir.V3:
		ofR4.alienSystems = resources
		ofR4.alienReason = "it is a claim of BFD's version 1 or 2, but version 3 is required: its code systems begin with https://" + resources
		return ofR4
	}
	ofR4.alienSystems, ofR4.alienReason = newer, isNewer
	return ofR4
}

// forbid makes claims with one of the fields errors.
func (n *node) forbid(paths []string) {
	for _, p := range paths {
		n.reach(p).foreign = true
	}
}

// isOf tells whether a string is a code system or URL below a place of BFD.
func isOf(place string, v []byte) bool {
	rest, ok := bytes.CutPrefix(v, []byte("https://"))
	if !ok {
		rest, ok = bytes.CutPrefix(v, []byte("http://"))
	}
	return ok && len(rest) >= len(place) && string(rest[:len(place)]) == place && string(rest) != currency
}

// mayBeAlien is a quick look at a string as it is written, because every string
// of a claim gets it: there or one later begins what follows bluebutton.cms.gov.
func (s *scanner) mayBeAlien(inner []byte, escaped bool) bool {
	const at = len("http://" + bluebutton)
	if len(inner) <= at+1 {
		return false
	}
	letter := s.facts.shape.alienSystems[len(bluebutton)]
	return escaped || inner[at] == letter || inner[at+1] == letter
}

// alien tells whether a string as it is written is a code system or URL of
// another server of BFD.
func (s *scanner) alien(inner []byte, escaped bool) bool {
	if !escaped {
		return isOf(s.facts.shape.alienSystems, inner)
	}
	mark := len(s.scratch)
	s.scratch = unescape(s.scratch, inner)
	alien := isOf(s.facts.shape.alienSystems, s.scratch[mark:])
	s.scratch = s.scratch[:mark]
	return alien
}
