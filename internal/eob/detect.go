package eob

import (
	"encoding/json"
	"errors"
	"strings"

	"ab2d/internal/fhir"
)

// ErrVersion says that a claim does not show which FHIR version it is
// written in.
var ErrVersion = errors.New("the claim can be FHIR STU3 or R4; set --fhir")

// probe has the elements of an ExplanationOfBenefit in which STU3 and R4, and
// BFD's version 3, differ.
type probe struct {
	Meta struct {
		Profile []string
		Tag     []struct{ System string }
	}
	Identifier     []struct{ System string }
	Type           struct{ Coding []struct{ System string } }
	Outcome        json.RawMessage // an object in STU3, a code in R4
	Information    json.RawMessage // STU3
	TotalCost      json.RawMessage // STU3
	SupportingInfo json.RawMessage // R4
	Use            json.RawMessage // R4
	Total          json.RawMessage // R4
	Item           []struct {
		Service          json.RawMessage // STU3
		CareTeamLinkID   json.RawMessage // STU3
		ProductOrService json.RawMessage // R4
		CareTeamSequence json.RawMessage // R4
	}
}

// Detect tells in which version a claim is written: V1 for FHIR STU3, V2 for
// R4, V3 for R4 with the code systems of BFD's version 3. It costs more than to minimize the claim, so ask for one claim of a
// file. The error is ErrVersion when the claim's elements speak for neither or
// for both, and an *Error when it is not JSON.
func Detect(raw []byte) (fhir.Version, error) {
	var p probe
	if err := json.Unmarshal(raw, &p); err != nil {
		return 0, notProbed(err)
	}
	stu3, r4 := p.speaks()
	v3, old := p.servers()
	switch {
	case v3 && (stu3 || old):
		return 0, ErrVersion
	case v3:
		return fhir.V3, nil
	case stu3 && !r4:
		return fhir.V1, nil
	case r4 && !stu3:
		return fhir.V2, nil
	}
	return 0, ErrVersion
}

// notProbed keeps the place of an error and none of its text, which quotes
// the claim. A claim of another shape than any version's is ErrVersion.
func notProbed(err error) error {
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return &Error{Reason: "not JSON", Offset: int(syntax.Offset)}
	}
	return ErrVersion
}

// speaks tells whether anything speaks for STU3, and for R4.
func (p *probe) speaks() (stu3, r4 bool) {
	for _, profile := range p.Meta.Profile {
		r4 = r4 || strings.HasPrefix(profile, "http://hl7.org/fhir/us/carin-bb/")
	}
	for _, c := range p.Type.Coding {
		// BFD has the near-line record here in STU3, in an extension in R4.
		stu3 = stu3 || c.System == "http://hl7.org/fhir/ex-claimtype" || c.System == variables+"nch_near_line_rec_ident_cd"
		r4 = r4 || c.System == "http://terminology.hl7.org/CodeSystem/claim-type"
	}
	for _, i := range p.Item {
		stu3 = stu3 || i.Service != nil || i.CareTeamLinkID != nil
		r4 = r4 || i.ProductOrService != nil || i.CareTeamSequence != nil
	}
	object := len(p.Outcome) > 0 && p.Outcome[0] == '{'
	stu3 = stu3 || p.Information != nil || p.TotalCost != nil || object
	r4 = r4 || p.SupportingInfo != nil || p.Use != nil || p.Total != nil || p.Outcome != nil && !object
	return stu3, r4
}

// servers tells whether anything is of BFD's version 3, and of versions 1 or 2.
func (p *probe) servers() (v3, old bool) {
	for _, profile := range p.Meta.Profile {
		v3 = v3 || isV3(profile)
	}
	for _, list := range [][]struct{ System string }{p.Meta.Tag, p.Type.Coding, p.Identifier} {
		for _, c := range list {
			v3, old = v3 || isV3(c.System), old || isOld(c.System)
		}
	}
	return v3, old
}
