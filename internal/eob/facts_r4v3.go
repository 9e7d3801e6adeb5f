package eob

import (
	"bytes"

	"ab2d/internal/coverage"
)

// factsV3 are what only claims of version 3 tell: which system they are from, and
// their type by its code, as older ones do not name it.
type factsV3 struct {
	sourced    bool   // something says that it is of the National Claims History
	place      string // what says that it is of another system
	other      string // which that is
	coded      bool   // its type has a code
	kind       coverage.ClaimType
	notHistory bool // a code of its type is none of the National Claims History
}

// The code systems and values that tell where a claim is from.
const (
	systemType  = codeSystem + "System-Type"
	finalAction = codeSystem + "Final-Action"
	claimType   = codeSystem + "CLM-TYPE-CD"
	history     = "NationalClaimsHistory"
)

// source reads meta.source.
func (f *facts) source(v []byte) {
	f.from("meta.source", v, string(v) == "NCH" || string(v) == history)
}

// tagged reads a label of version 3.
func (f *facts) tagged() {
	switch string(f.system) {
	case systemType:
		f.from("the System-Type tag", f.code, string(f.code) == history)
	case finalAction:
		f.claim.NotFinalAction = f.claim.NotFinalAction || string(f.code) == "NotFinalAction"
	}
}

// from notes what a place says of the claim's system. Only names that are known
// go into a reason: it never quotes the claim.
func (f *facts) from(place string, v []byte, isHistory bool) {
	if isHistory {
		f.v3.sourced = true
		return
	}
	f.v3.place, f.v3.other = place, "another system"
	for _, known := range []string{"FISS", "MCS", "VMS", "CWF", "DDPS", "SharedSystem"} {
		if string(v) == known {
			f.v3.other = known
		}
	}
}

// claimTypeV3 reads a coding of the type beside the kind of ExplanationOfBenefit.
func (f *facts) claimTypeV3() {
	switch {
	case string(f.system) == f.shape.typeSystem:
		f.claim.PartD = f.claim.PartD || bytes.EqualFold(f.code, []byte("pharmacy"))
	case string(f.system) == claimType:
		kind, partD := kindOf(bytes.TrimLeft(bytes.TrimSpace(f.code), "0"))
		f.claim.PartD = f.claim.PartD || partD
		f.v3.notHistory = f.v3.notHistory || kind == coverage.OtherClaim
		f.v3.coded, f.v3.kind = true, kind
	}
}

// kindOf gives the claim type of a code. Of the many codes there are, these are of
// the National Claims History; 1 to 4 are Part D events.
func kindOf(code []byte) (kind coverage.ClaimType, partD bool) {
	switch string(code) {
	case "1", "2", "3", "4":
		return coverage.OtherClaim, true
	case "10":
		return coverage.HHA, false
	case "20", "30":
		return coverage.SNF, false
	case "40":
		return coverage.Outpatient, false
	case "50":
		return coverage.Hospice, false
	case "60", "61", "62", "63", "64":
		return coverage.Inpatient, false
	case "71", "72":
		return coverage.Carrier, false
	case "81", "82":
		return coverage.DME, false
	}
	return coverage.OtherClaim, false
}

// settle decides on the type, when all of the claim is known: the kind that it
// calls itself, or that of its code. One whose code is none of the National
// Claims History is of no type.
func (f *factsV3) settle(c *Claim) {
	switch {
	case f.notHistory:
		c.Type = coverage.OtherClaim
	case c.Type == coverage.OtherClaim && f.coded:
		c.Type = f.kind
	}
}

// refusalV3 says why a claim of version 3 is not taken; nil when it is. A Part D
// event or a claim of substance-use treatment is one whatever it is from, and is
// left out as such: the latter must also remove what is stored of the claim.
func (f *facts) refusalV3() *Error {
	c := &f.claim
	switch {
	case !c.ShowsVersion:
		return &Error{Reason: "it is not a claim of BFD's version 3: no code system of its type or its tags begins with https://" + newer}
	case c.PartD, c.Part2:
		return nil
	case f.v3.other != "":
		return &Error{Reason: "not of the National Claims History: " + f.v3.place + " is " + f.v3.other, OtherSource: true}
	case !f.v3.sourced:
		return &Error{Reason: "neither meta.source nor a System-Type tag names the National Claims History"}
	case !c.HasStart || !c.HasEnd:
		return &Error{Reason: "billablePeriod has no start or no end"}
	}
	return nil
}

// codeSystem begins the code systems of version 3, and definition its extensions.
const (
	codeSystem = "https://" + newer + "CodeSystem/"
	definition = "https://" + newer + "StructureDefinition/"
)

// isV3 tells whether a system is one of BFD's version 3.
func isV3(system string) bool { return isOf(newer, []byte(system)) }

// isOld tells whether a system is one of BFD's versions 1 or 2.
func isOld(system string) bool { return isOf(resources, []byte(system)) }
