package eobjson

import (
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

// URIs of BFD's resources of version 3.
const (
	bfdCode      = "https://bluebutton.cms.gov/fhir/CodeSystem/"
	bfdExtension = "https://bluebutton.cms.gov/fhir/StructureDefinition/"
	ccnSystem    = "http://terminology.hl7.org/NamingSystem/CCN"
	c4bb         = carin + "CodeSystem/"
)

// writeV3 writes a claim in R4 as version 3 delivers it, in the order in which FHIR
// defines the elements. Only the MBI extension comes sooner, because a claim of
// version 3 has no other extension, and package eob puts it after meta.
func writeV3(w *Buffer, c *claimgen.Claim, mbis []byte) {
	k := &codes.ClaimTypesV3[c.Type]
	w.text(`{"resourceType":"ExplanationOfBenefit","id":"`)
	w.number(c.IDV3())
	w.text(`",`)
	w.v3Meta(c, k)
	if len(mbis) > 0 {
		w.text(`"extension":[`)
		w.b = append(w.b, mbis...)
		w.end(`],`)
	}
	from := v3BilledBy(c)
	w.v3Contained(c, from)
	w.v3Head(c, k, from)
	if c.Nature == claimgen.PartD {
		w.v3Drug(c, k)
		return
	}
	w.text(`"careTeam":[`)
	linked := w.v3Team(c)
	w.end(`],"supportingInfo":[`)
	tracked := w.v3Information(c, k)
	w.end(`],"diagnosis":[`)
	w.v3Diagnoses(c, k)
	w.end(`],`)
	w.v3Procedures(c)
	w.v3Insurance(k)
	w.text(`"item":[`)
	w.v3Items(c, linked, tracked)
	w.end(`]`)
	w.v3Payment(c)
	w.text("}\n")
}

// v3Meta writes the profile, and which system the claim is from.
func (w *Buffer) v3Meta(c *claimgen.Claim, k *codes.ClaimTypeV3) {
	w.text(`"meta":{"lastUpdated":"`)
	w.instant(c.UpdatedMillis)
	source, system := "NCH", "NationalClaimsHistory"
	switch c.Nature {
	case claimgen.PartD:
		source, system = k.System, k.System
	case claimgen.SharedSystem:
		source, system = k.System, "SharedSystem"
	}
	w.text(`","source":"`, source, `","profile":["`+carin+`StructureDefinition/C4BB-ExplanationOfBenefit-`, k.Profile, `|2.2.0"],`)
	if c.Nature == claimgen.SubstanceUse {
		w.text(`"security":[{"system":"` + terminology + `v3-ActCode","code":"42CFRPart2","display":"42 CFR Part 2"}],`)
	}
	w.text(`"tag":[{"system":"`+bfdCode+`System-Type","code":"`, system,
		`"},{"system":"`+bfdCode+`Final-Action","code":"FinalAction"}]},`)
}

// v3Head writes the elements from the identifiers to the outcome.
func (w *Buffer) v3Head(c *claimgen.Claim, k *codes.ClaimTypeV3, from v3Biller) {
	w.text(`"identifier":[{"type":{"coding":[{"system":"` + c4bb + `C4BBIdentifierType","code":"uc","display":"Unique Claim ID"}]},"value":"`)
	w.number(c.IDV3())
	w.text(`"},{"system":"https://bluebutton.cms.gov/identifiers/CLM-CNTL-NUM","value":"`)
	w.digits(c.Control, 14)
	w.text(`SYN"}],"status":"active","type":{"coding":[`)
	w.coding(bfdCode+"CLM-TYPE-CD", v3TypeOf(c, k))
	w.text(`{"system":"`+terminology+`claim-type","code":"`, k.Type, `"},`)
	w.coding(bfdCode+"EOB-TYPE", k.EOB)
	w.end(`]},`)
	if k.SubType != "" {
		w.text(`"subType":{"coding":[{"system":"`+c4bb+`C4BBInstitutionalClaimSubType","code":"`, k.SubType, `"}]},`)
	}
	w.text(`"use":"claim","patient":{"reference":"Patient/`)
	w.number(c.PatientV3())
	w.text(`"},`)
	w.writePeriod(c, false)
	if w.withheld {
		w.text(`"created":"`)
		w.date(c.Loaded())
		w.text(`T00:00:00+00:00","insurer":{"reference":"#insurer-org"},`)
	}
	w.v3Provider(from)
	if c.Nature == claimgen.SharedSystem {
		w.text(`"outcome":"partial",`)
		return
	}
	w.text(`"outcome":"complete",`)
}

// v3TypeOf returns the type of a claim in the system that it is from. One claim in
// thirty-two is of an unusual type.
func v3TypeOf(c *claimgen.Claim, k *codes.ClaimTypeV3) codes.Code {
	if c.Nature == claimgen.SharedSystem {
		return k.Shared
	}
	if at := c.Control >> 16; len(k.NCH) > 1 && at%32 == 0 {
		return k.NCH[1+int(at>>5)%(len(k.NCH)-1)]
	}
	return k.NCH[0]
}

// v3Insurance writes which part of Medicare pays. A sponsor sees all of it.
func (w *Buffer) v3Insurance(k *codes.ClaimTypeV3) {
	w.text(`"insurance":[{"focal":true,"coverage":{"display":"`, k.Part, `"}}],`)
}

// v3Dotted writes an ICD-10-CM code with its dot.
func (w *Buffer) v3Dotted(code string) {
	if len(code) <= 3 {
		w.text(code)
		return
	}
	w.text(code[:3], `.`, code[3:])
}

// v3Diagnoses writes the diagnoses, which have no displays.
func (w *Buffer) v3Diagnoses(c *claimgen.Claim, k *codes.ClaimTypeV3) {
	for i, d := range c.Diagnoses.Items() {
		w.text(`{"sequence":`)
		w.number(int64(i + 1))
		w.text(`,"diagnosisCodeableConcept":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"`)
		w.v3Dotted(d.Code.Code)
		w.text(`"}]},"type":[{"coding":[{"system":"`)
		switch d.Role {
		case claimgen.Principal:
			w.text(terminology + `ex-diagnosistype","code":"principal`)
		case claimgen.Admitting:
			w.text(terminology + `ex-diagnosistype","code":"admitting`)
		case claimgen.ExternalCause:
			w.text(c4bb + `C4BBClaimDiagnosisType","code":"externalcauseofinjury`)
		case claimgen.VisitReason:
			w.text(c4bb + `C4BBClaimDiagnosisType","code":"patientreasonforvisit`)
		default:
			w.text(c4bb+`C4BBClaimDiagnosisType","code":"`, k.Other)
		}
		w.text(`"}]}]`)
		w.v3OnAdmission(d, k)
		w.text(`},`)
	}
}

// v3OnAdmission writes whether a diagnosis was there at admission. Facilities that
// need not report it say so.
func (w *Buffer) v3OnAdmission(d claimgen.Diagnosis, k *codes.ClaimTypeV3) {
	if d.Present == 0 && (k.OnEntry == "" || d.Role == claimgen.Admitting) {
		return
	}
	w.text(`,"onAdmission":{"coding":[{"system":"https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/HospitalAcqCond/Coding","code":"`)
	if d.Present != 0 {
		w.b = append(w.b, d.Present)
	} else {
		w.text(k.OnEntry)
	}
	w.text(`"}]}`)
}

func (w *Buffer) v3Procedures(c *claimgen.Claim) {
	if c.Procedures.Count == 0 {
		return
	}
	w.text(`"procedure":[`)
	for i, p := range c.Procedures.Items() {
		w.text(`{"sequence":`)
		w.number(int64(i + 1))
		t := codes.Code{Code: "other", Display: "Other"}
		if i == 0 {
			t = codes.Code{Code: "principal", Display: "Principal"}
		}
		w.text(`,"type":[{"coding":[`)
		w.coding(c4bb+"C4BBClaimProcedureType", t)
		w.end(`]}],"date":"`)
		w.date(p.Date)
		w.text(`","procedureCodeableConcept":{"coding":[{"system":"http://www.cms.gov/Medicare/Coding/ICD10","code":"`, p.Code.Code, `"}]}},`)
	}
	w.end(`],`)
}
