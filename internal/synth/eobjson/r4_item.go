package eobjson

import (
	"ab2d/internal/coverage"
	"ab2d/internal/synth/claimgen"
	"ab2d/internal/synth/codes"
)

// r4Information writes the supporting information. Only the DRG is delivered. Its
// sequence counts the entries that are not delivered.
func (w *Buffer) r4Information(c *claimgen.Claim) {
	if !w.withheld && c.DRG == "" {
		return
	}
	w.text(`"supportingInfo":[`)
	sequence := int64(5)
	if c.Type == coverage.SNF {
		sequence = 6
	}
	w.r4Withheld(c, sequence)
	if c.DRG != "" {
		w.r4Info(sequence, "clm_drg_cd", "Claim Diagnosis Related Group Code (or MS-DRG Code)")
		w.text(`"code":{"coding":[`)
		w.coding(variable+"clm_drg_cd", codes.Code{Code: c.DRG})
		w.end(`]}},`)
	}
	w.end(`],`)
}

// r4Info opens an entry of supporting information, up to its value.
func (w *Buffer) r4Info(sequence int64, name, display string) {
	w.text(`{"sequence":`)
	w.number(sequence)
	w.text(`,"category":{"coding":[`)
	w.coding(terminology+"claiminformationcategory", codes.Code{Code: "info", Display: "Information"})
	w.text(`{"system":"`+bluebutton+`codesystem/information","code":"`+variable, name, `","display":"`, display, `"}]},`)
}

// r4Diagnoses writes the diagnoses, each code in two systems.
func (w *Buffer) r4Diagnoses(c *claimgen.Claim) {
	present := presence{}
	for i, d := range c.Diagnoses.Items() {
		w.text(`{`)
		present.write(w, d)
		w.text(`"sequence":`)
		w.number(int64(i + 1))
		w.text(`,"diagnosisCodeableConcept":{"coding":[`)
		w.coding("http://hl7.org/fhir/sid/icd-10-cm", d.Code)
		w.coding(icd10, d.Code)
		w.end(`]},"type":[{"coding":[`)
		w.coding(r4DiagnosisType(c, d.Role))
		w.end(`]}]},`)
	}
}

func r4DiagnosisType(c *claimgen.Claim, as claimgen.Role) (system string, t codes.Code) {
	const claimDiagnosis = carin + "CodeSystem/C4BBClaimDiagnosisType"
	switch as {
	case claimgen.Principal:
		return terminology + "ex-diagnosistype", codes.Code{Code: "principal", Display: c.Kind.Principal}
	case claimgen.Admitting:
		return terminology + "ex-diagnosistype", codes.Code{Code: "admitting", Display: "Admitting Diagnosis"}
	case claimgen.ExternalCause:
		return claimDiagnosis, codes.Code{Code: "externalcauseofinjury", Display: "External Cause of Injury"}
	case claimgen.VisitReason:
		return claimDiagnosis, codes.Code{Code: "patientreasonforvisit", Display: "Patient Reason for Visit"}
	}
	return claimDiagnosis, c.Kind.OtherType
}

func (w *Buffer) r4Items(c *claimgen.Claim, linked sequences) {
	for i := range c.Lines.Items() {
		l := &c.Lines.All[i]
		w.text(`{`)
		w.r4ItemExtensions(c, l)
		w.text(`"sequence":`)
		w.number(int64(i + 1))
		w.text(`,`)
		w.r4Links(linked)
		if !c.Institutional() {
			w.text(`"diagnosisSequence":[`)
			w.number(int64(l.Reason + 1))
			w.text(`],`)
		}
		w.r4Category(c)
		w.text(`"productOrService":{"coding":[`)
		if c.Type == coverage.Inpatient {
			w.coding(variable+"hcpcs_cd", codes.Code{Code: l.Service.HCPCS})
		}
		w.coding(hcpcs, codes.Code{Code: l.Service.HCPCS})
		w.end(`]},`)
		w.writeModifier(c, i)
		w.writeServiced(c, l)
		w.writeLocation(c, l, false)
		w.text(`"quantity":{"value":`)
		w.number(int64(l.Units))
		w.text(`}`)
		w.r4Adjudication(c, l)
		w.text(`},`)
	}
}

func (w *Buffer) r4Links(linked sequences) {
	if linked[0] == 0 {
		return
	}
	w.text(`"careTeamSequence":[`)
	for _, s := range linked {
		if s != 0 {
			w.number(int64(s))
			w.text(`,`)
		}
	}
	w.end(`],`)
}
