package eob

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"ab2d/internal/coverage"
	"ab2d/internal/fhir"
)

// fact names what an element of the claim tells.
type fact uint8

const (
	noFact fact = iota
	resourceFact
	idFact
	metaFact
	extensionsFact
	lastUpdatedFact
	statusFact
	patientFact
	startFact
	endFact
	urlFact
	infoFact
	useFact
	sourceFact
	referenceFact
	containedFact
	containedIDFact
	// What has a system and a code or value.
	identifierFact
	labelFact
	typeFact
	diagnosisFact
	procedureFact
	serviceFact
	packageFact
	categoryFact
	drgFact
	// What it has, by the names of its fields.
	systemFact
	codeFact
)

// factsAt says where in a claim the facts stand, in any version.
var factsAt = []struct {
	path string
	fact fact
}{
	{"resourceType", resourceFact},
	{"id", idFact},
	{"meta", metaFact},
	{"meta.lastUpdated", lastUpdatedFact},
	{"meta.source", sourceFact},
	{"meta.security", labelFact},
	{"meta.tag", labelFact},
	{"extension", extensionsFact},
	{"identifier", identifierFact},
	{"status", statusFact},
	{"use", useFact},
	{"type.coding", typeFact},
	{"patient.reference", patientFact},
	{"billablePeriod.start", startFact},
	{"billablePeriod.end", endFact},
	{"diagnosis.diagnosisCodeableConcept.coding", diagnosisFact},
	{"diagnosis.packageCode.coding", packageFact},
	{"supportingInfo", infoFact},
	{"supportingInfo.category.coding", categoryFact},
	{"supportingInfo.code.coding", drgFact},
	{"procedure.procedureCodeableConcept.coding", procedureFact},
	{"item.service.coding", serviceFact},
	{"item.productOrService.coding", serviceFact},
	{"item.detail.productOrService.coding", serviceFact},
	{"provider.reference", referenceFact},
	{"careTeam.provider.reference", referenceFact},
	{"supportingInfo.valueReference.reference", referenceFact},
	{"contained", containedFact},
	{"contained.id", containedIDFact},
}

const (
	drgSystem   = variables + "clm_drg_cd"
	groupSystem = "https://bluebutton.cms.gov/resources/identifier/claim-group"
)

// facts are collected while a claim is read. Texts that come in pairs, a
// system and its code, are held until their object ends.
type facts struct {
	claim     Claim
	resource  bool // it is an ExplanationOfBenefit
	patient   bool
	goodID    bool
	shape     versionShape
	otherUse  bool // use is not claim
	foreign   bool // type has the code system of another version
	seenDRG   bool
	isDRG     bool       // the category of the supporting information is that of groups
	infoDRG   part2Facts // its codes of other systems, which count if it is
	v3        factsV3
	contained []byte // the id of a contained resource
	system    []byte
	code      []byte
	url       []byte
	idBuf     []byte
	groupBuf  []byte
	part2     part2Facts
	codes     *part2Codes
}

func (f *facts) reset() {
	*f = facts{idBuf: f.idBuf[:0], groupBuf: f.groupBuf[:0], codes: f.codes, shape: f.shape}
}

// refusal decides on what all of a claim tells, and says why it is not taken; nil
// when it is.
func (f *facts) refusal() *Error {
	if reason := f.lacking(); reason != "" {
		return &Error{Reason: reason}
	}
	f.claim.Part2 = f.part2.decide(f.claim.End, f.claim.HasEnd)
	if f.shape.version == fhir.V3 {
		f.v3.settle(&f.claim)
		return f.refusalV3()
	}
	return nil
}

// lacking says what a claim cannot be without, or with; nothing when it has it all.
func (f *facts) lacking() string {
	switch {
	case !f.resource:
		return "not an ExplanationOfBenefit"
	case f.foreign:
		return f.shape.reason
	case f.otherUse:
		return "not a claim: its use is another, such as a preauthorization"
	case !f.goodID:
		return "id is missing or not a FHIR id"
	case !f.patient:
		return "patient.reference is missing or not Patient/ and a number"
	}
	return ""
}

// note takes the text of an element.
func (f *facts) note(k fact, v []byte) {
	c := &f.claim
	switch k {
	case noFact:
	case systemFact:
		f.system = v
	case codeFact:
		f.code = v
	case urlFact:
		f.url = v
	case resourceFact:
		f.resource = string(v) == "ExplanationOfBenefit"
	case idFact:
		f.idBuf = append(f.idBuf, v...)
		c.ID, f.goodID = f.idBuf, isID(v)
	case statusFact:
		c.Canceled = string(v) == "cancelled"
	case sourceFact:
		f.source(v)
	case containedIDFact:
		f.contained = v
	case useFact:
		f.otherUse = string(v) != "claim"
	case patientFact:
		c.Patient, f.patient = patient(v)
	case startFact:
		c.Start, c.HasStart = date(v)
	case endFact:
		c.End, c.HasEnd = date(v)
	case lastUpdatedFact:
		// A time that cannot be read is as good as none: not delivered.
		if t, err := time.Parse(time.RFC3339Nano, string(v)); err == nil {
			c.LastUpdated = t.UTC()
		}
	}
}

// begin opens what tells a fact.
func (f *facts) begin(k fact) {
	switch {
	case k >= identifierFact:
		f.system, f.code = nil, nil
	case k == infoFact:
		f.seenDRG, f.isDRG, f.infoDRG.n, f.infoDRG.certain = false, false, 0, false
	case k == containedFact:
		f.contained = nil
	}
}

// end closes it, and tells whether it is wanted: of supporting information in
// version 2, only the diagnosis related group.
func (f *facts) end(k fact) (wanted bool) {
	c := &f.claim
	switch k {
	case identifierFact:
		if string(f.system) == groupSystem {
			f.groupBuf = append(f.groupBuf[:0], f.code...)
			c.Group = f.groupBuf
		}
	case labelFact:
		f.label()
	case typeFact:
		f.claimType()
	case diagnosisFact:
		f.part2.note(f.codes.diagnosis(f.code))
	case procedureFact:
		f.part2.note(f.codes.procedure(f.code))
		f.part2.note(f.codes.service(f.code)) // a service may stand here under its own system
	case serviceFact:
		f.part2.note(f.codes.service(f.code))
		// The other release has another field for it. It does not tell version 2 from 3.
		c.ShowsVersion = c.ShowsVersion || len(f.code) > 0 && f.shape.version != fhir.V3
	case packageFact:
		f.part2.note(f.codes.drg(f.code))
	case categoryFact:
		f.isDRG = f.isDRG || namesDRG(f.code)
	case drgFact:
		if bytes.EqualFold(f.system, []byte(drgSystem)) {
			f.seenDRG = true
		}
		days, found := f.codes.drg(f.code)
		if len(f.system) == 0 || namesDRG(f.system) {
			f.part2.note(days, found)
		} else {
			f.infoDRG.note(days, found)
		}
	case infoFact:
		if f.isDRG {
			f.part2.add(&f.infoDRG)
		}
		return f.seenDRG || f.shape.version == fhir.V3
	}
	return true
}

// label reads a security label or a tag.
func (f *facts) label() {
	f.part2.certain = f.part2.certain || bytes.EqualFold(f.code, []byte("42CFRPart2"))
	if f.shape.version == fhir.V3 {
		f.claim.ShowsVersion = f.claim.ShowsVersion || isOf(newer, f.system)
		f.tagged()
	}
}

// claimType reads a coding of the claim's type. A Part D event stays one,
// whatever else the claim calls itself.
func (f *facts) claimType() {
	if f.shape.version == fhir.V3 {
		f.claim.ShowsVersion = f.claim.ShowsVersion || isOf(newer, f.system)
		f.claimTypeV3()
	} else {
		f.claim.ShowsVersion = f.claim.ShowsVersion || string(f.system) == f.shape.typeSystem
	}
	f.foreign = f.foreign || string(f.system) == f.shape.otherTypeSystem
	const kind = "eob-type"
	if n := len(f.system) - len(kind); n < 0 || !strings.EqualFold(string(f.system[n:]), kind) {
		return
	}
	c := &f.claim
	c.PartD = c.PartD || strings.EqualFold(string(f.code), "PDE")
	for t := coverage.Carrier; c.Type == coverage.OtherClaim && t <= coverage.SNF; t++ {
		if strings.EqualFold(string(f.code), t.String()) {
			c.Type = t
		}
	}
}

// isID tells whether v is a FHIR id: 1 to 64 letters, digits, hyphens, dots.
func isID(v []byte) bool {
	for _, c := range v {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return len(v) >= 1 && len(v) <= 64
}

// patient reads a reference to a beneficiary.
func patient(v []byte) (coverage.EnrolleeID, bool) {
	number, ok := bytes.CutPrefix(v, []byte("Patient/"))
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseInt(string(number), 10, 64)
	return coverage.EnrolleeID(id), err == nil
}

// date reads a date or the calendar date of a dateTime, as it is written. One
// of less precision is as good as none.
func date(v []byte) (coverage.Date, bool) {
	if len(v) > len(time.DateOnly) && v[len(time.DateOnly)] == 'T' {
		v = v[:len(time.DateOnly)]
	}
	t, err := time.Parse(time.DateOnly, string(v))
	if err != nil {
		return 0, false
	}
	return coverage.DateOf(t.Date()), true
}
