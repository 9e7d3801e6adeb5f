package eob

import (
	"bytes"

	"ab2d/internal/fhir"
)

// versionShape is what tells a version of claims from the others.
type versionShape struct {
	typeSystem      string   // the code system of type, which BFD writes in every claim
	otherTypeSystem string   // that of the other version
	foreign         []string // paths of fields that only the other version has
	reason          string   // for a claim that has one of those
}

// shapes gives the shape of a version. Detect looks at the same elements.
func shapes(v fhir.Version) versionShape {
	const stu3, r4 = "http://hl7.org/fhir/ex-claimtype", "http://terminology.hl7.org/CodeSystem/claim-type"
	if v == fhir.V1 {
		return versionShape{stu3, r4,
			[]string{"supportingInfo", "use", "total", "item[].productOrService", "item[].careTeamSequence"},
			"the claim is FHIR R4, and claims of FHIR STU3 are wanted"}
	}
	return versionShape{r4, stu3,
		[]string{"information", "totalCost", "item[].service", "item[].careTeamLinkId"},
		"the claim is FHIR STU3, and claims of FHIR R4 are wanted"}
}

// forbid makes claims with one of the fields errors.
func (n *node) forbid(paths []string) {
	for _, p := range paths {
		n.reach(p).foreign = true
	}
}

// newerSystems begins the code systems and URLs of BFD's version 3, after the
// scheme. Versions 1 and 2 have theirs below bluebutton.cms.gov/resources/. A
// claim of version 3 looks like FHIR R4, but the fields that a sponsor may see
// have other names there, and so do those that forbid to share it.
const newerSystems = "bluebutton.cms.gov/fhir/"

const newerReason = "it is a claim of BFD's version 3, which this release does not take: its code systems begin with https://" + newerSystems

// isNewer tells whether a string is a code system or URL of BFD's version 3.
func isNewer(v []byte) bool {
	rest, ok := bytes.CutPrefix(v, []byte("https://"))
	if !ok {
		rest, ok = bytes.CutPrefix(v, []byte("http://"))
	}
	return ok && bytes.HasPrefix(rest, []byte(newerSystems))
}

// mayBeNewer is a quick look at a string as it is written, because every string
// of a claim gets it: there or one later is the f of fhir.
func mayBeNewer(inner []byte, escaped bool) bool {
	const at = len("http://bluebutton.cms.gov/")
	return len(inner) > at+1 && (escaped || inner[at] == 'f' || inner[at+1] == 'f')
}

// newer tells whether a string as it is written is a code system or URL of BFD's
// version 3.
func (s *scanner) newer(inner []byte, escaped bool) bool {
	if !escaped {
		return isNewer(inner)
	}
	mark := len(s.scratch)
	s.scratch = unescape(s.scratch, inner)
	newer := isNewer(s.scratch[mark:])
	s.scratch = s.scratch[:mark]
	return newer
}
