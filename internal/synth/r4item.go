package synth

import "ab2d/internal/coverage"

// r4Information writes the supporting information. Only the DRG leaves, with
// the sequence it has among what does not.
func (w *buffer) r4Information(c *claim) {
	if !w.raw && c.drg == "" {
		return
	}
	w.text(`"supportingInfo":[`)
	sequence := int64(5)
	if c.Type == coverage.SNF {
		sequence = 6
	}
	w.r4Withheld(c, sequence)
	if c.drg != "" {
		w.r4Info(sequence, "clm_drg_cd", "Claim Diagnosis Related Group Code (or MS-DRG Code)")
		w.text(`"code":{"coding":[`)
		w.coding(variable+"clm_drg_cd", code{c.drg, ""})
		w.end(`]}},`)
	}
	w.end(`],`)
}

// r4Info opens an entry of supporting information, up to its value.
func (w *buffer) r4Info(sequence int64, name, display string) {
	w.text(`{"sequence":`)
	w.number(sequence)
	w.text(`,"category":{"coding":[`)
	w.coding(terminology+"claiminformationcategory", code{"info", "Information"})
	w.text(`{"system":"`+bluebutton+`codesystem/information","code":"`+variable, name, `","display":"`, display, `"}]},`)
}

// r4Diagnoses writes the diagnoses, each code in two systems.
func (w *buffer) r4Diagnoses(c *claim) {
	present := presence{}
	for i, d := range c.diagnoses.items() {
		w.text(`{`)
		present.write(w, d)
		w.text(`"sequence":`)
		w.number(int64(i + 1))
		w.text(`,"diagnosisCodeableConcept":{"coding":[`)
		w.coding("http://hl7.org/fhir/sid/icd-10-cm", d.code)
		w.coding(icd10, d.code)
		w.end(`]},"type":[{"coding":[`)
		w.coding(r4DiagnosisType(c, d.role))
		w.end(`]}]},`)
	}
}

func r4DiagnosisType(c *claim, as role) (system string, t code) {
	const claimDiagnosis = carin + "CodeSystem/C4BBClaimDiagnosisType"
	switch as {
	case principal:
		return terminology + "ex-diagnosistype", code{"principal", c.kind.principal}
	case admitting:
		return terminology + "ex-diagnosistype", code{"admitting", "Admitting Diagnosis"}
	case external:
		return claimDiagnosis, code{"externalcauseofinjury", "External Cause of Injury"}
	case visit:
		return claimDiagnosis, code{"patientreasonforvisit", "Patient Reason for Visit"}
	}
	return claimDiagnosis, c.kind.otherType
}

func (w *buffer) r4Items(c *claim, linked sequences) {
	for i := range c.lines.items() {
		l := &c.lines.all[i]
		w.text(`{`)
		w.r4ItemExtensions(c, l)
		w.text(`"sequence":`)
		w.number(int64(i + 1))
		w.text(`,`)
		w.r4Links(linked)
		if !c.institutional() {
			w.text(`"diagnosisSequence":[`)
			w.number(int64(l.reason + 1))
			w.text(`],`)
		}
		w.r4Category(c)
		w.text(`"productOrService":{"coding":[`)
		if c.Type == coverage.Inpatient {
			w.coding(variable+"hcpcs_cd", code{l.service.hcpcs, ""})
		}
		w.coding(hcpcs, code{l.service.hcpcs, ""})
		w.end(`]},`)
		w.writeModifier(c, i)
		w.writeServiced(c, l)
		w.writeLocation(c, l, false)
		w.text(`"quantity":{"value":`)
		w.number(int64(l.units))
		w.text(`}`)
		w.r4Adjudication(c, l)
		w.text(`},`)
	}
}

func (w *buffer) r4Links(linked sequences) {
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
